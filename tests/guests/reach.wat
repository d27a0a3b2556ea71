;; Uses what it may import, by the letter behind the first mark of a call: `l` a line in the log, `L` a
;; long one, `f` a thousand, `c` the clocks, `r` random bytes, `R` more of them than a call may have,
;; `i` an import for ever. Then it shouts, unless something was not as it should be: then it traps.
;; What is imported stands first.
(import "linemill:filter/log@0.1.0" "write" (func $log (param i32 i32 i32)))
(import "linemill:filter/clock@0.1.0" "wall" (func $wall (result i64)))
(import "linemill:filter/clock@0.1.0" "monotonic" (func $monotonic (result i64)))
(import "linemill:filter/random@0.1.0" "bytes" (func $random (param i32 i32)))
(func (export "linemill:filter/batch@0.1.0#process")
  (param $bytes i32) (param $size i32) (param $spans i32) (param $count i32) (result i32)
  (local $mark i32) (local $kind i32) (local $times i32) (local $before i64)
  (local.set $mark (call $mark (local.get $bytes) (local.get $size)))
  (if (local.get $mark) (then (local.set $kind (i32.load8_u offset=1 (local.get $mark)))))
  ;; `l`, at level warn
  (if (i32.eq (local.get $kind) (i32.const 108))
    (then (call $log (i32.const 1) (i32.const 128) (i32.const 19))))
  ;; `L`, at level error
  (if (i32.eq (local.get $kind) (i32.const 76)) (then
    (memory.fill (i32.const 2048) (i32.const 120) (i32.const 3000))
    (call $log (i32.const 0) (i32.const 2048) (i32.const 3000))))
  ;; `f`, at level info
  (if (i32.eq (local.get $kind) (i32.const 102)) (then (loop $next
    (call $log (i32.const 2) (i32.const 147) (i32.const 5))
    (local.set $times (i32.add (local.get $times) (i32.const 1)))
    (br_if $next (i32.lt_u (local.get $times) (i32.const 1000))))))
  ;; `c`: after 2020, and never back
  (if (i32.eq (local.get $kind) (i32.const 99)) (then
    (if (i64.lt_u (call $wall) (i64.const 1577836800000000000)) (then unreachable))
    (loop $next
      (local.set $before (call $monotonic))
      (if (i64.lt_u (call $monotonic) (local.get $before)) (then unreachable))
      (local.set $times (i32.add (local.get $times) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $times) (i32.const 1000))))))
  ;; `r`: 16 bytes, and no such luck that they are all 0
  (if (i32.eq (local.get $kind) (i32.const 114)) (then
    (call $random (i32.const 16) (i32.const 200))
    (if (i32.ne (i32.load (i32.const 204)) (i32.const 16)) (then unreachable))
    (if (i64.eqz (i64.or (i64.load (i32.load (i32.const 200))) (i64.load offset=8 (i32.load (i32.const 200)))))
      (then unreachable))))
  ;; `R`
  (if (i32.eq (local.get $kind) (i32.const 82))
    (then (call $random (i32.const 65537) (i32.const 200))))
  ;; `i`
  (if (i32.eq (local.get $kind) (i32.const 105))
    (then (loop $next (drop (call $monotonic)) (br $next))))
  (call $shout (local.get $bytes) (local.get $size)))
(data (i32.const 128) "red \1b[31m and \0a newflood")
(export "linemill:filter/batch@0.1.0#start" (func $starts))
(export "linemill:filter/batch@0.1.0#finish" (func $ends))
