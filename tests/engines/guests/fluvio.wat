;; A SmartModule of Fluvio's kind `map`. Its input holds a batch of records; their values are turned
;; where they are, and the batch, with a byte after it that stands for "no error", is its output:
;; less work than Fluvio's own SDK, which takes each record apart and makes a new one.
(import "env" "copy_records" (func $copy_records (param $at i32) (param $length i32)))
(memory (export "memory") 9)
(global $cursor (mut i32) (i32.const 0))
(func (export "alloc") (param $length i32) (result i32)
  (if (i32.gt_u (local.get $length) (i32.const 524288)) (then (unreachable)))
  (i32.const 65536))
;; The input is the offset of the batch (8 bytes), its length (4 bytes, the highest first), and the
;; batch; what follows is of no interest. A batch is the number of its records (4 bytes), and them.
(func (export "map") (param $at i32) (param $length i32) (param $version i32) (result i32)
  (local $end i32) (local $next i32)
  (local.set $end (i32.add
    (i32.add (local.get $at) (i32.const 12))
    (call $highest_first (i32.add (local.get $at) (i32.const 8)))))
  (global.set $cursor (i32.add (local.get $at) (i32.const 16)))
  (block $none
    (loop $record
      (br_if $none (i32.ge_u (global.get $cursor) (local.get $end)))
      (local.set $next (call $number))
      (local.set $next (i32.add (global.get $cursor) (local.get $next)))
      ;; Attributes, a byte; time and place within the batch; whether there is a key: never here.
      (call $skip)
      (drop (call $number))
      (drop (call $number))
      (if (i32.load8_u (global.get $cursor)) (then (unreachable)))
      (call $skip)
      (local.set $length (call $number))
      (call $turn (global.get $cursor) (local.get $length))
      (global.set $cursor (local.get $next))
      (br $record)))
  (i32.store8 (local.get $end) (i32.const 0))
  (local.set $at (i32.add (local.get $at) (i32.const 12)))
  (call $copy_records
    (local.get $at)
    (i32.add (i32.sub (local.get $end) (local.get $at)) (i32.const 1)))
  (i32.const 0))
(func $skip
  (global.set $cursor (i32.add (global.get $cursor) (i32.const 1))))
;; The number at the cursor: seven bits a byte, the lowest first, its sign in the lowest bit. None of
;; those that are looked at is negative.
(func $number (result i32)
  (local $byte i32) (local $shift i32) (local $number i32)
  (loop $more
    (local.set $byte (i32.load8_u (global.get $cursor)))
    (call $skip)
    (local.set $number (i32.or
      (local.get $number)
      (i32.shl (i32.and (local.get $byte) (i32.const 0x7f)) (local.get $shift))))
    (local.set $shift (i32.add (local.get $shift) (i32.const 7)))
    (br_if $more (i32.gt_u (local.get $byte) (i32.const 0x7f))))
  (i32.shr_u (local.get $number) (i32.const 1)))
(func $highest_first (param $at i32) (result i32)
  (i32.or
    (i32.or
      (i32.shl (i32.load8_u (local.get $at)) (i32.const 24))
      (i32.shl (i32.load8_u offset=1 (local.get $at)) (i32.const 16)))
    (i32.or
      (i32.shl (i32.load8_u offset=2 (local.get $at)) (i32.const 8))
      (i32.load8_u offset=3 (local.get $at)))))
