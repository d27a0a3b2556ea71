;; Takes and fills memory until there is no more when a line has a mark, then uses what it did not
;; get.
(func (export "linemill:filter/batch@0.1.0#process")
  (param $bytes i32) (param $size i32) (param $spans i32) (param $count i32) (result i32)
  (local $at i32)
  (if (call $mark (local.get $bytes) (local.get $size))
    (then (loop $more
      (local.set $at (memory.grow (i32.const 1)))
      (if (i32.eq (local.get $at) (i32.const -1)) (then unreachable))
      (memory.fill (i32.shl (local.get $at) (i32.const 16)) (i32.const 120) (i32.const 65536))
      (br $more))))
  (call $shout (local.get $bytes) (local.get $size)))
(export "linemill:filter/batch@0.1.0#start" (func $starts))
(export "linemill:filter/batch@0.1.0#finish" (func $ends))
