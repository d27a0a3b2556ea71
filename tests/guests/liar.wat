;; Says that it keeps no state, and keeps a byte: a call begins with what the call before began with.
(global $kept (mut i32) (i32.const 0))
(func (export "linemill:filter/batch@0.1.0#process")
  (param $bytes i32) (param $size i32) (param $spans i32) (param $count i32) (result i32)
  (local $old i32)
  (local.set $old (global.get $kept))
  (if (local.get $size) (then
    (global.set $kept (i32.load8_u (local.get $bytes)))
    (if (local.get $old) (then (i32.store8 (local.get $bytes) (local.get $old))))))
  (call $shout (local.get $bytes) (local.get $size)))
(export "linemill:filter/batch@0.1.0#start" (func $starts))
(export "linemill:filter/batch@0.1.0#finish" (func $ends))
