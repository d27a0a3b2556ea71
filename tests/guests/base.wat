;; What every guest here has, put before its own fields: memory, room for arguments, answers that
;; are right, and `$shout`, a correct filter: it turns a-z to A-Z, so that a line which came
;; through a guest can be told from one which was passed unfiltered. `!` marks the lines on which
;; faulty guests go wrong.
;;
;; Memory: 16 result of `start` (20 traits, 24 routes), 32 result of `finish` (36 output, 52 routes),
;; 64 result of `process` (64 output, 80 counts, 88 failures, 96 routes, 104 close-after), 128 to
;; 2047 free for the guest, 2048 its arrays, from 8192 what the host writes.

(memory (export "memory") 2)
(global $heap (mut i32) (i32.const 8192))
(data (i32.const 1024) "a question")

;; Room for what the host passes. It is given back when `process` returns.
(func $realloc (export "cabi_realloc")
  (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
  (local $at i32) (local $pages i32)
  (local.set $at (i32.and
    (i32.add (global.get $heap) (i32.sub (local.get $align) (i32.const 1)))
    (i32.sub (i32.const 0) (local.get $align))))
  (global.set $heap (i32.add (local.get $at) (local.get $size)))
  (local.set $pages (i32.shr_u (i32.add (global.get $heap) (i32.const 65535)) (i32.const 16)))
  (if (i32.gt_u (local.get $pages) (memory.size))
    (then (if (i32.eq (memory.grow (i32.sub (local.get $pages) (memory.size))) (i32.const -1))
      (then unreachable))))
  (local.get $at))

;; `start` that succeeds, without traits and routes: nothing but a guest that wants to ever writes
;; to 16.
(func $starts (param i32 i32 i32) (result i32) (i32.const 16))

;; `start` that succeeds and declares two routes, `errors` and `slow`.
(func $starts-with-routes (param i32 i32 i32) (result i32)
  (i32.store (i32.const 24) (i32.const 1040))
  (i32.store (i32.const 28) (i32.const 2))
  (i32.const 16))
(data (i32.const 1040) "\20\04\00\00\06\00\00\00\26\04\00\00\04\00\00\00errorsslow")

;; `finish` with nothing held: nothing but a guest that wants to ever writes to 32.
(func $ends (result i32) (i32.const 32))

;; An outcome with these bytes, the spans of the input, one line each, nothing failed, open.
(func $answer (param $bytes i32) (param $size i32) (result i32)
  (memory.fill (i32.const 64) (i32.const 0) (i32.const 48))
  (i32.store (i32.const 64) (local.get $bytes))
  (i32.store (i32.const 68) (local.get $size))
  (global.set $heap (i32.const 8192))
  (i32.const 64))

(func $upper (param $at i32) (param $size i32)
  (local $end i32) (local $byte i32)
  (local.set $end (i32.add (local.get $at) (local.get $size)))
  (block $done (loop $next
    (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
    (local.set $byte (i32.load8_u (local.get $at)))
    (if (i32.lt_u (i32.sub (local.get $byte) (i32.const 97)) (i32.const 26))
      (then (i32.store8 (local.get $at) (i32.sub (local.get $byte) (i32.const 32)))))
    (local.set $at (i32.add (local.get $at) (i32.const 1)))
    (br $next))))

;; Where the first `!` is, or 0.
(func $mark (param $at i32) (param $size i32) (result i32)
  (local $end i32)
  (local.set $end (i32.add (local.get $at) (local.get $size)))
  (block $none (loop $next
    (br_if $none (i32.ge_u (local.get $at) (local.get $end)))
    (if (i32.eq (i32.load8_u (local.get $at)) (i32.const 33))
      (then (return (local.get $at))))
    (local.set $at (i32.add (local.get $at) (i32.const 1)))
    (br $next)))
  (i32.const 0))

;; The decimal number behind the first mark and `$skip` bytes; 0 where there is none.
(func $much (param $at i32) (param $size i32) (param $skip i32) (result i32)
  (local $end i32) (local $digit i32) (local $number i32)
  (local.set $end (i32.add (local.get $at) (local.get $size)))
  (local.set $at (call $mark (local.get $at) (local.get $size)))
  (if (i32.eqz (local.get $at)) (then (return (i32.const 0))))
  (local.set $at (i32.add (local.get $at) (i32.add (local.get $skip) (i32.const 1))))
  (block $done (loop $next
    (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
    (local.set $digit (i32.sub (i32.load8_u (local.get $at)) (i32.const 48)))
    (br_if $done (i32.gt_u (local.get $digit) (i32.const 9)))
    (local.set $number (i32.add (i32.mul (local.get $number) (i32.const 10)) (local.get $digit)))
    (local.set $at (i32.add (local.get $at) (i32.const 1)))
    (br $next)))
  (local.get $number))

;; This many new bytes, of which none was used before.
(func $fresh (param $size i32) (result i32)
  (local $pages i32)
  (local.set $pages (memory.grow
    (i32.add (i32.shr_u (local.get $size) (i32.const 16)) (i32.const 1))))
  (if (i32.eq (local.get $pages) (i32.const -1)) (then unreachable))
  (i32.shl (local.get $pages) (i32.const 16)))

(func $shout (param $bytes i32) (param $size i32) (result i32)
  (call $upper (local.get $bytes) (local.get $size))
  (call $answer (local.get $bytes) (local.get $size)))
