;; Uses its store and its metrics. A line `!a` adds 1 to the number under its third byte and becomes the last
;; digit of the sum; `!g` fails unless there is an entry under its third byte; `!f` fills the store with
;; values of 64 KiB until it is full, then shouts; `!k` writes under a key of 64 KiB, `!v` a value of more
;; than 64 KiB; `!d` declares a metric after the start; `!m` writes to a metric that is not there. Every
;; call adds 2 to its counter.
;; What is imported stands first.
(import "linemill:filter/store@0.1.1" "add" (func $add (param i32 i32 i64 i32 i64 i32)))
(import "linemill:filter/store@0.1.1" "get" (func $get (param i32 i32 i32)))
(import "linemill:filter/store@0.1.1" "set" (func $set (param i32 i32 i32 i32 i32 i64 i32)))
(import "linemill:filter/metrics@0.1.1" "counter" (func $counter (param i32 i32 i32 i32 i32 i32 i32)))
(import "linemill:filter/metrics@0.1.1" "add" (func $count (param i32 i32 i32 i64)))
(func $declare
  (call $counter (i32.const 128) (i32.const 5) (i32.const 133) (i32.const 6) (i32.const 0) (i32.const 0) (i32.const 200)))
(func (export "linemill:filter/batch@0.1.1#start") (param i32 i32 i32) (result i32)
  (call $declare)
  (if (i32.load8_u (i32.const 200)) (then unreachable))
  (i32.const 16))
(func (export "linemill:filter/batch@0.1.1#process")
  (param $bytes i32) (param $size i32) (param $spans i32) (param $count i32) (result i32)
  (local $mark i32) (local $kind i32) (local $key i32)
  (call $count (i32.const 0) (i32.const 0) (i32.const 0) (i64.const 2))
  (local.set $mark (call $mark (local.get $bytes) (local.get $size)))
  (if (local.get $mark) (then (local.set $kind (i32.load8_u offset=1 (local.get $mark)))))
  (local.set $key (i32.add (local.get $mark) (i32.const 2)))
  ;; `a`
  (if (i32.eq (local.get $kind) (i32.const 97)) (then
    (call $add (local.get $key) (i32.const 1) (i64.const 1) (i32.const 0) (i64.const 0) (i32.const 200))
    (if (i32.load8_u (i32.const 200)) (then unreachable))
    (i32.store8 (local.get $key) (i32.add (i32.const 48)
      (i32.wrap_i64 (i64.rem_u (i64.load (i32.const 208)) (i64.const 10)))))))
  ;; `g`
  (if (i32.eq (local.get $kind) (i32.const 103)) (then
    (call $get (local.get $key) (i32.const 1) (i32.const 200))
    (if (i32.eqz (i32.load8_u (i32.const 200))) (then unreachable))))
  ;; `f`
  (if (i32.eq (local.get $kind) (i32.const 102)) (then (loop $next
    (i32.store (i32.const 300) (i32.add (i32.load (i32.const 300)) (i32.const 1)))
    (call $set (i32.const 300) (i32.const 4) (i32.const 0) (i32.const 65536) (i32.const 0) (i64.const 0) (i32.const 200))
    (br_if $next (i32.eqz (i32.load8_u (i32.const 200)))))))
  ;; `k`, `v`
  (if (i32.eq (local.get $kind) (i32.const 107)) (then
    (call $set (i32.const 0) (i32.const 65536) (i32.const 0) (i32.const 1) (i32.const 0) (i64.const 0) (i32.const 200))))
  (if (i32.eq (local.get $kind) (i32.const 118)) (then
    (call $set (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 65537) (i32.const 0) (i64.const 0) (i32.const 200))))
  ;; `d`, `m`
  (if (i32.eq (local.get $kind) (i32.const 100)) (then (call $declare)))
  (if (i32.eq (local.get $kind) (i32.const 109)) (then
    (call $count (i32.const 1) (i32.const 0) (i32.const 0) (i64.const 1))))
  (call $shout (local.get $bytes) (local.get $size)))
(data (i32.const 128) "callsCalls.")
(export "linemill:filter/batch@0.1.1#finish" (func $ends))
