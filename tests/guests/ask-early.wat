;; Asks for its stream in `start`, where there is none.
;; What is imported stands first.
(import "linemill:filter/stream@0.1.1" "connection" (func $connection (result i64)))
(func (export "linemill:filter/batch@0.1.1#start") (param i32 i32 i32) (result i32)
  (drop (call $connection))
  (i32.const 16))
(func (export "linemill:filter/batch@0.1.1#process")
  (param $bytes i32) (param $size i32) (param $spans i32) (param $count i32) (result i32)
  (call $shout (local.get $bytes) (local.get $size)))
(export "linemill:filter/batch@0.1.1#finish" (func $ends))
