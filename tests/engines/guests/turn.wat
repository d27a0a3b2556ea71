;; ROT13 in place: part of every guest here, so that all do the same work. Sixteen bytes at a time,
;; as the compiler makes it of the bundled filter; what is left over, byte by byte.
;;
;; A letter of either case is the same letter | 0x20; 5 more puts a to z at 102 to 127, the top of
;; the signed range, where one comparison finds them, and n to z at 115 to 127.
(func $turn (param $at i32) (param $length i32)
  (local $end i32) (local $bytes v128) (local $places v128) (local $byte i32) (local $place i32)
  (local.set $end (i32.add (local.get $at) (local.get $length)))
  (block $few
    (loop $sixteen
      (br_if $few (i32.lt_u (i32.sub (local.get $end) (local.get $at)) (i32.const 16)))
      (local.set $bytes (v128.load (local.get $at)))
      (local.set $places (i8x16.add
        (v128.or (local.get $bytes) (i8x16.splat (i32.const 0x20)))
        (i8x16.splat (i32.const 5))))
      (v128.store (local.get $at) (i8x16.sub
        (i8x16.add (local.get $bytes) (v128.and
          (i8x16.gt_s (local.get $places) (i8x16.splat (i32.const 101)))
          (i8x16.splat (i32.const 13))))
        (v128.and
          (i8x16.gt_s (local.get $places) (i8x16.splat (i32.const 114)))
          (i8x16.splat (i32.const 26)))))
      (local.set $at (i32.add (local.get $at) (i32.const 16)))
      (br $sixteen)))
  (block $none
    (loop $one
      (br_if $none (i32.eq (local.get $at) (local.get $end)))
      (local.set $byte (i32.load8_u (local.get $at)))
      (local.set $place (i32.extend8_s (i32.add
        (i32.or (local.get $byte) (i32.const 0x20))
        (i32.const 5))))
      (i32.store8 (local.get $at) (i32.sub
        (i32.add (local.get $byte) (i32.mul
          (i32.const 13)
          (i32.gt_s (local.get $place) (i32.const 101))))
        (i32.mul
          (i32.const 26)
          (i32.gt_s (local.get $place) (i32.const 114)))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br $one))))
