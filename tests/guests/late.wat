;; Keeps state: gives each line in upper case when the next one comes, the last one at the end. The
;; letter in its settings, `{"v":"x"}`, says what is wrong with its hand-over:
;; in `save` `t` trap, `e` error, `l` spin, `b` too many bytes, `g` a wrong tag;
;; in `restore` `T` trap, `E` error, `L` spin; anything else: nothing.
;;
;; Memory: 160 result of `save`, 192 result of `restore`, 255 whether a line is held, 256 that line,
;; up to 700 bytes.
(global $mode (mut i32) (i32.const 0))
(global $length (mut i32) (i32.const 0))
(func (export "linemill:filter/batch@0.1.0#start") (param $settings i32) (param $size i32) (param $abi i32) (result i32)
  (if (i32.gt_u (local.get $size) (i32.const 6))
    (then (global.set $mode (i32.load8_u offset=6 (local.get $settings)))))
  (global.set $heap (i32.const 8192))
  (i32.store8 (i32.const 20) (i32.const 1))
  (i32.const 16))

(func $mode-is (param $mode i32) (result i32) (i32.eq (global.get $mode) (local.get $mode)))
(func $spin (loop $again (br $again)))

(func (export "linemill:filter/batch@0.1.0#process")
  (param $bytes i32) (param $size i32) (param $spans i32) (param $count i32) (result i32)
  (local $old i32) (local $out i32) (local $to i32) (local $counts i32) (local $total i32)
  (local $at i32) (local $had i32) (local $last i32)
  ;; What is held, then all that came; the spans are those of the input, without the last of them.
  (local.set $had (i32.load8_u (i32.const 255)))
  (local.set $old (i32.mul (local.get $had) (global.get $length)))
  (local.set $total (i32.add (local.get $old) (local.get $size)))
  (local.set $out (call $realloc (i32.const 0) (i32.const 0) (i32.const 1) (local.get $total)))
  (memory.copy (local.get $out) (i32.const 256) (local.get $old))
  (memory.copy (i32.add (local.get $out) (local.get $old)) (local.get $bytes) (local.get $size))
  (call $upper (local.get $out) (local.get $total))
  (local.set $to (call $realloc (i32.const 0) (i32.const 0) (i32.const 4)
    (i32.shl (i32.add (local.get $count) (i32.const 2)) (i32.const 2))))
  (i32.store offset=4 (local.get $to) (local.get $old))
  (i32.store (local.get $to) (i32.const 0))
  (block $done (loop $next
    (br_if $done (i32.ge_u (local.get $at) (i32.sub (local.get $count) (i32.const 2))))
    (i32.store
      (i32.add (local.get $to) (i32.shl (i32.add (local.get $at) (i32.shl (local.get $had) (i32.const 1))) (i32.const 2)))
      (i32.add (local.get $old) (i32.load (i32.add (local.get $spans) (i32.shl (local.get $at) (i32.const 2))))))
    (local.set $at (i32.add (local.get $at) (i32.const 1)))
    (br $next)))
  ;; One line for each that came, but for the first of a stream.
  (local.set $counts (call $realloc (i32.const 0) (i32.const 0) (i32.const 4) (i32.shl (local.get $count) (i32.const 1))))
  (local.set $at (i32.const 0))
  (loop $next
    (i32.store (i32.add (local.get $counts) (i32.shl (local.get $at) (i32.const 2))) (i32.const 1))
    (local.set $at (i32.add (local.get $at) (i32.const 1)))
    (br_if $next (i32.lt_u (local.get $at) (i32.shr_u (local.get $count) (i32.const 1)))))
  (i32.store (local.get $counts) (local.get $had))
  ;; The last line is held now.
  (local.set $last (i32.add (local.get $spans) (i32.shl (i32.sub (local.get $count) (i32.const 2)) (i32.const 2))))
  (global.set $length (i32.sub (i32.load offset=4 (local.get $last)) (i32.load (local.get $last))))
  (if (i32.gt_u (global.get $length) (i32.const 700)) (then unreachable))
  (memory.copy (i32.const 256) (i32.add (local.get $bytes) (i32.load (local.get $last))) (global.get $length))
  (i32.store8 (i32.const 255) (i32.const 1))
  (drop (call $answer (local.get $out) (local.get $total)))
  (i32.store (i32.const 72) (local.get $to))
  (i32.store (i32.const 76) (i32.add (i32.sub (local.get $count) (i32.const 2)) (i32.shl (local.get $had) (i32.const 1))))
  (i32.store (i32.const 80) (local.get $counts))
  (i32.store (i32.const 84) (i32.shr_u (local.get $count) (i32.const 1)))
  (i32.const 64))

(func (export "linemill:filter/batch@0.1.0#finish") (result i32)
  (if (i32.load8_u (i32.const 255)) (then
    (call $upper (i32.const 256) (global.get $length))
    (i32.store (i32.const 128) (i32.const 0))
    (i32.store (i32.const 132) (global.get $length))
    (i32.store (i32.const 36) (i32.const 256))
    (i32.store (i32.const 40) (global.get $length))
    (i32.store (i32.const 44) (i32.const 128))
    (i32.store (i32.const 48) (i32.const 2))))
  (i32.const 32))

(func (export "linemill:filter/state@0.1.0#save") (result i32)
  (if (call $mode-is (i32.const 116)) (then unreachable))
  (if (call $mode-is (i32.const 108)) (then (call $spin)))
  (i32.store8 (i32.const 160) (i32.const 0))
  (i32.store (i32.const 164) (i32.const 1000))
  (i32.store (i32.const 168) (i32.const 6))
  (i32.store (i32.const 172) (i32.const 255))
  (i32.store (i32.const 176) (i32.add (global.get $length) (i32.const 1)))
  (if (call $mode-is (i32.const 103)) (then (i32.store (i32.const 168) (i32.const 0))))
  (if (call $mode-is (i32.const 98)) (then
    (if (i32.eq (memory.grow (i32.const 20)) (i32.const -1)) (then unreachable))
    (i32.store (i32.const 176) (i32.const 1048577))))
  (if (call $mode-is (i32.const 101)) (then
    (i32.store8 (i32.const 160) (i32.const 1))
    (i32.store (i32.const 164) (i32.const 1010))
    (i32.store (i32.const 168) (i32.const 8))))
  (i32.const 160))
(data (i32.const 1000) "late/1")
(data (i32.const 1010) "not now.")

(func (export "linemill:filter/state@0.1.0#restore")
  (param $tag i32) (param $tag-size i32) (param $bytes i32) (param $size i32) (result i32)
  (if (call $mode-is (i32.const 84)) (then unreachable))
  (if (call $mode-is (i32.const 76)) (then (call $spin)))
  (if (call $mode-is (i32.const 69)) (then
    (i32.store8 (i32.const 192) (i32.const 1))
    (i32.store (i32.const 196) (i32.const 1010))
    (i32.store (i32.const 200) (i32.const 8))
    (return (i32.const 192))))
  (i32.store8 (i32.const 192) (i32.const 0))
  (memory.copy (i32.const 255) (local.get $bytes) (local.get $size))
  (global.set $length (i32.sub (local.get $size) (i32.const 1)))
  (global.set $heap (i32.const 8192))
  (i32.const 192))
