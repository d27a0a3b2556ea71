;; A correct filter, with a post-return function as compilers make them.
(func (export "linemill:filter/batch@0.1.0#process")
  (param $bytes i32) (param $size i32) (param $spans i32) (param $count i32) (result i32)
  (call $shout (local.get $bytes) (local.get $size)))
(func (export "cabi_post_linemill:filter/batch@0.1.0#process") (param i32))
(export "linemill:filter/batch@0.1.0#start" (func $starts))
(export "linemill:filter/batch@0.1.0#finish" (func $ends))
