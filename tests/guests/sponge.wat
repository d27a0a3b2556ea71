;; Takes as much memory as it gets when a line has a mark, writes to all of it, and keeps it.
(func (export "linemill:filter/batch@0.1.0#process")
  (param $bytes i32) (param $size i32) (param $spans i32) (param $count i32) (result i32)
  (local $pages i32)
  (if (call $mark (local.get $bytes) (local.get $size))
    (then (block $full (loop $more
      (local.set $pages (memory.grow (i32.const 16)))
      (br_if $full (i32.eq (local.get $pages) (i32.const -1)))
      (memory.fill (i32.shl (local.get $pages) (i32.const 16)) (i32.const 7) (i32.const 1048576))
      (br $more)))))
  (call $shout (local.get $bytes) (local.get $size)))
(export "linemill:filter/batch@0.1.0#start" (func $starts))
(export "linemill:filter/batch@0.1.0#finish" (func $ends))
