;; Calls imports as often as the first marked line of a call says, by a letter and a number behind the
;; mark: `i` the clock, `l` the log; `r` asks for so many random bytes at once. Then it shouts.
;; What is imported stands first.
(import "linemill:filter/log@0.1.0" "write" (func $log (param i32 i32 i32)))
(import "linemill:filter/clock@0.1.0" "monotonic" (func $monotonic (result i64)))
(import "linemill:filter/random@0.1.0" "bytes" (func $random (param i32 i32)))
(func (export "linemill:filter/batch@0.1.0#process")
  (param $bytes i32) (param $size i32) (param $spans i32) (param $count i32) (result i32)
  (local $mark i32) (local $kind i32) (local $much i32)
  (local.set $mark (call $mark (local.get $bytes) (local.get $size)))
  (if (local.get $mark) (then (local.set $kind (i32.load8_u offset=1 (local.get $mark)))))
  (local.set $much (call $much (local.get $bytes) (local.get $size) (i32.const 1)))
  ;; `r`
  (if (i32.eq (local.get $kind) (i32.const 114)) (then
    (call $random (local.get $much) (i32.const 200))
    (local.set $much (i32.const 0))))
  (block $done (loop $next
    (br_if $done (i32.eqz (local.get $much)))
    (local.set $much (i32.sub (local.get $much) (i32.const 1)))
    ;; `i`, `l`
    (if (i32.eq (local.get $kind) (i32.const 105)) (then (drop (call $monotonic))))
    (if (i32.eq (local.get $kind) (i32.const 108))
      (then (call $log (i32.const 2) (i32.const 128) (i32.const 5))))
    (br $next)))
  (call $shout (local.get $bytes) (local.get $size)))
(data (i32.const 128) "flood")
(export "linemill:filter/batch@0.1.0#start" (func $starts))
(export "linemill:filter/batch@0.1.0#finish" (func $ends))
