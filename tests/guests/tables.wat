;; Makes a table larger until it may not when a line has a mark, then uses what it did not get.
(table $more 1 funcref)
(func (export "linemill:filter/batch@0.1.0#process")
  (param $bytes i32) (param $size i32) (param $spans i32) (param $count i32) (result i32)
  (if (call $mark (local.get $bytes) (local.get $size))
    (then (loop $again
      (br_if $again (i32.ne (table.grow $more (ref.null func) (i32.const 1000)) (i32.const -1)))
      unreachable)))
  (call $shout (local.get $bytes) (local.get $size)))
(export "linemill:filter/batch@0.1.0#start" (func $starts))
(export "linemill:filter/batch@0.1.0#finish" (func $ends))
