;; Every verdict of the batch world, by a line's first byte: `-` drops it, `+` splits it behind the `+`, `?`
;; fails it, `.` closes after it (the first such line), `>` sends it by the route `errors`, `<` by `slow`,
;; anything else passes in upper case.
;; At most 80 lines a call. Arrays: 2048 spans, 4096 counts, 6144 failures, 7424 routes.
(func (export "linemill:filter/batch@0.1.0#process")
  (param $bytes i32) (param $size i32) (param $spans i32) (param $count i32) (result i32)
  (local $line i32) (local $lines i32) (local $from i32) (local $to i32) (local $first i32)
  (local $out i32) (local $times i32) (local $failed i32) (local $routed i32)
  (local.set $lines (i32.shr_u (local.get $count) (i32.const 1)))
  (if (i32.gt_u (local.get $lines) (i32.const 80)) (then unreachable))
  (drop (call $shout (local.get $bytes) (local.get $size)))
  (block $done (loop $next
    (br_if $done (i32.ge_u (local.get $line) (local.get $lines)))
    (local.set $from (i32.load (i32.add (local.get $spans) (i32.shl (local.get $line) (i32.const 3)))))
    (local.set $to (i32.load offset=4 (i32.add (local.get $spans) (i32.shl (local.get $line) (i32.const 3)))))
    (local.set $first (i32.const 0))
    (if (i32.lt_u (local.get $from) (local.get $to))
      (then (local.set $first (i32.load8_u (i32.add (local.get $bytes) (local.get $from))))))
    (local.set $times (i32.const 1))
    (if (i32.eq (local.get $first) (i32.const 45)) (then (local.set $times (i32.const 0))))
    (if (i32.eq (local.get $first) (i32.const 43)) (then (local.set $times (i32.const 2))))
    (if (i32.eq (local.get $first) (i32.const 63)) (then
      (local.set $times (i32.const 0))
      (i32.store offset=6144 (local.get $failed) (local.get $line))
      (i32.store offset=6148 (local.get $failed) (i32.const 1024))
      (i32.store offset=6152 (local.get $failed) (i32.const 10))
      (local.set $failed (i32.add (local.get $failed) (i32.const 12)))))
    (if (i32.and (i32.eq (local.get $first) (i32.const 46)) (i32.eqz (i32.load8_u (i32.const 104)))) (then
      (i32.store8 (i32.const 104) (i32.const 1))
      (i32.store (i32.const 108) (local.get $line))))
    ;; `>` is byte 62, and route 0; `<` is byte 60, and route 1.
    (if (i32.or (i32.eq (local.get $first) (i32.const 62)) (i32.eq (local.get $first) (i32.const 60))) (then
      (i32.store offset=7424 (local.get $routed) (local.get $line))
      (i32.store offset=7428 (local.get $routed) (i32.eq (local.get $first) (i32.const 60)))
      (local.set $routed (i32.add (local.get $routed) (i32.const 8)))))
    (i32.store offset=4096 (i32.shl (local.get $line) (i32.const 2)) (local.get $times))
    (if (i32.eq (local.get $times) (i32.const 2)) (then
      (call $put (local.get $out) (local.get $from) (i32.add (local.get $from) (i32.const 1)))
      (local.set $out (i32.add (local.get $out) (i32.const 8)))
      (local.set $from (i32.add (local.get $from) (i32.const 1)))))
    (if (local.get $times) (then
      (call $put (local.get $out) (local.get $from) (local.get $to))
      (local.set $out (i32.add (local.get $out) (i32.const 8)))))
    (local.set $line (i32.add (local.get $line) (i32.const 1)))
    (br $next)))
  (i32.store (i32.const 72) (i32.const 2048))
  (i32.store (i32.const 76) (i32.shr_u (local.get $out) (i32.const 2)))
  (i32.store (i32.const 80) (i32.const 4096))
  (i32.store (i32.const 84) (local.get $lines))
  (i32.store (i32.const 88) (i32.const 6144))
  (i32.store (i32.const 92) (i32.div_u (local.get $failed) (i32.const 12)))
  (i32.store (i32.const 96) (i32.const 7424))
  (i32.store (i32.const 100) (i32.shr_u (local.get $routed) (i32.const 3)))
  (i32.const 64))
(func $put (param $at i32) (param $from i32) (param $to i32)
  (i32.store offset=2048 (local.get $at) (local.get $from))
  (i32.store offset=2052 (local.get $at) (local.get $to)))
(export "linemill:filter/batch@0.1.0#start" (func $starts-with-routes))
(export "linemill:filter/batch@0.1.0#finish" (func $ends))
