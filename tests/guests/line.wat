;; Every verdict of the line world, by the line's first byte: `-` drop, `+` split behind the `+`,
;; `?` fail, `.` close after it, `=` pass, `>` the route `errors`, `<` the route `slow`, `!` a trap;
;; anything else is replaced by upper case.
(func (export "linemill:filter/line@0.1.0#process") (param $content i32) (param $size i32) (result i32)
  (local $first i32)
  (global.set $heap (i32.const 8192))
  (if (local.get $size) (then (local.set $first (i32.load8_u (local.get $content)))))
  (if (i32.eq (local.get $first) (i32.const 33)) (then unreachable))
  (if (i32.eq (local.get $first) (i32.const 61)) (then (return (call $verdict (i32.const 0) (i32.const 0) (i32.const 0)))))
  (if (i32.eq (local.get $first) (i32.const 45)) (then (return (call $verdict (i32.const 2) (i32.const 0) (i32.const 0)))))
  (if (i32.eq (local.get $first) (i32.const 63)) (then (return (call $verdict (i32.const 4) (i32.const 1024) (i32.const 10)))))
  (call $upper (local.get $content) (local.get $size))
  (if (i32.eq (local.get $first) (i32.const 43)) (then
    (i32.store (i32.const 2048) (local.get $content))
    (i32.store (i32.const 2052) (i32.const 1))
    (i32.store (i32.const 2056) (i32.add (local.get $content) (i32.const 1)))
    (i32.store (i32.const 2060) (i32.sub (local.get $size) (i32.const 1)))
    (return (call $verdict (i32.const 3) (i32.const 2048) (i32.const 2)))))
  (if (i32.eq (local.get $first) (i32.const 46)) (then
    (i32.store (i32.const 2048) (local.get $content))
    (i32.store (i32.const 2052) (local.get $size))
    (return (call $verdict (i32.const 5) (i32.const 2048) (i32.const 1)))))
  (if (i32.or (i32.eq (local.get $first) (i32.const 62)) (i32.eq (local.get $first) (i32.const 60))) (then
    (i32.store (i32.const 2048) (local.get $content))
    (i32.store (i32.const 2052) (local.get $size))
    (i32.store (i32.const 76) (i32.const 1))
    (return (call $verdict (i32.const 6) (i32.eq (local.get $first) (i32.const 60)) (i32.const 2048)))))
  (call $verdict (i32.const 1) (local.get $content) (local.get $size)))

(func $verdict (param $case i32) (param $one i32) (param $two i32) (result i32)
  (i32.store8 (i32.const 64) (local.get $case))
  (i32.store (i32.const 68) (local.get $one))
  (i32.store (i32.const 72) (local.get $two))
  (i32.const 64))
(export "linemill:filter/line@0.1.0#start" (func $starts-with-routes))
(export "linemill:filter/line@0.1.0#finish" (func $ends))
