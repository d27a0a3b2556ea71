;; Puts a LF where a mark was: lines that hold a terminator.
(func (export "linemill:filter/batch@0.1.0#process")
  (param $bytes i32) (param $size i32) (param $spans i32) (param $count i32) (result i32)
  (local $at i32)
  (call $upper (local.get $bytes) (local.get $size))
  (block $done (loop $next
    (local.set $at (call $mark (local.get $bytes) (local.get $size)))
    (br_if $done (i32.eqz (local.get $at)))
    (i32.store8 (local.get $at) (i32.const 10))
    (br $next)))
  (call $answer (local.get $bytes) (local.get $size)))
(export "linemill:filter/batch@0.1.0#start" (func $starts))
(export "linemill:filter/batch@0.1.0#finish" (func $ends))
