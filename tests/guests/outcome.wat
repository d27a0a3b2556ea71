;; Outcomes that are not right, by the digit or letter behind the first mark of a call:
;; 0 spans descend, 1 a span ends outside, 2 an odd number of spans, 3 counts do not add up,
;; 4 more counts than lines, 5 a failure of a line that is not there, 6 failures descend,
;; 7 close-after a line that is not there, 8 fewer spans than lines, 9 bytes of another length
;; with the input's spans, a a route that is not there, b routes descend, c a route of a line that
;; is not there, d a route of a line that failed.
(func (export "linemill:filter/batch@0.1.0#process")
  (param $bytes i32) (param $size i32) (param $spans i32) (param $count i32) (result i32)
  (local $mark i32) (local $kind i32)
  (local.set $mark (call $mark (local.get $bytes) (local.get $size)))
  (if (i32.eqz (local.get $mark))
    (then (return (call $shout (local.get $bytes) (local.get $size)))))
  (local.set $kind (i32.sub (i32.load8_u offset=1 (local.get $mark)) (i32.const 48)))
  ;; `a` is byte 97 and stands for 10.
  (if (i32.gt_u (local.get $kind) (i32.const 9))
    (then (local.set $kind (i32.sub (local.get $kind) (i32.const 39)))))
  (drop (call $shout (local.get $bytes) (local.get $size)))
  (block $d (block $c (block $b (block $a (block $9 (block $8 (block $7 (block $6 (block $5 (block $4 (block $3 (block $2 (block $1 (block $0
    (br_table $0 $1 $2 $3 $4 $5 $6 $7 $8 $9 $a $b $c $d (local.get $kind)))
    ;; 0
    (i32.store (i32.const 72) (local.get $spans))
    (i32.store (i32.const 76) (local.get $count))
    (i32.store (local.get $spans) (i32.load offset=4 (local.get $spans)))
    (i32.store offset=4 (local.get $spans) (i32.const 0))
    (return (i32.const 64)))
    ;; 1
    (i32.store (i32.const 72) (local.get $spans))
    (i32.store (i32.const 76) (local.get $count))
    (i32.store offset=4 (local.get $spans) (i32.add (local.get $size) (i32.const 1)))
    (return (i32.const 64)))
    ;; 2
    (i32.store (i32.const 72) (local.get $spans))
    (i32.store (i32.const 76) (i32.sub (local.get $count) (i32.const 1)))
    (return (i32.const 64)))
    ;; 3: the first line is said to be two
    (i32.store (i32.const 72) (local.get $spans))
    (i32.store (i32.const 76) (local.get $count))
    (call $counts (i32.shr_u (local.get $count) (i32.const 1)))
    (i32.store (i32.const 2048) (i32.const 2))
    (return (i32.const 64)))
    ;; 4
    (i32.store (i32.const 72) (local.get $spans))
    (i32.store (i32.const 76) (local.get $count))
    (call $counts (i32.add (i32.shr_u (local.get $count) (i32.const 1)) (i32.const 1)))
    (return (i32.const 64)))
    ;; 5
    (call $failures (i32.shr_u (local.get $count) (i32.const 1)) (i32.const 0) (i32.const 1))
    (return (i32.const 64)))
    ;; 6
    (call $failures (i32.const 0) (i32.const 0) (i32.const 2))
    (return (i32.const 64)))
    ;; 7
    (i32.store8 (i32.const 104) (i32.const 1))
    (i32.store (i32.const 108) (i32.shr_u (local.get $count) (i32.const 1)))
    (return (i32.const 64)))
    ;; 8
    (i32.store (i32.const 72) (local.get $spans))
    (i32.store (i32.const 76) (i32.sub (local.get $count) (i32.const 2)))
    (call $counts (i32.shr_u (local.get $count) (i32.const 1)))
    (return (i32.const 64)))
    ;; 9
    (i32.store (i32.const 68) (i32.sub (local.get $size) (i32.const 1)))
    (return (i32.const 64)))
    ;; a
    (call $routes (i32.const 0) (i32.const 2) (i32.const 0) (i32.const 1))
    (return (i32.const 64)))
    ;; b
    (call $routes (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 2))
    (return (i32.const 64)))
    ;; c
    (call $routes (i32.shr_u (local.get $count) (i32.const 1)) (i32.const 0) (i32.const 0) (i32.const 1))
    (return (i32.const 64)))
  ;; d
  (call $failures (i32.const 0) (i32.const 0) (i32.const 1))
  (call $routes (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 1))
  (i32.const 64))

;; `counts` of this many lines, each 1.
(func $counts (param $lines i32)
  (local $line i32)
  (i32.store (i32.const 80) (i32.const 2048))
  (i32.store (i32.const 84) (local.get $lines))
  (block $done (loop $next
    (br_if $done (i32.ge_u (local.get $line) (local.get $lines)))
    (i32.store offset=2048 (i32.shl (local.get $line) (i32.const 2)) (i32.const 1))
    (local.set $line (i32.add (local.get $line) (i32.const 1)))
    (br $next))))

;; `failures` of one or two lines.
(func $failures (param $one i32) (param $two i32) (param $count i32)
  (i32.store (i32.const 2048) (local.get $one))
  (i32.store (i32.const 2052) (i32.const 1024))
  (i32.store (i32.const 2056) (i32.const 10))
  (i32.store (i32.const 2060) (local.get $two))
  (i32.store (i32.const 2064) (i32.const 1024))
  (i32.store (i32.const 2068) (i32.const 10))
  (i32.store (i32.const 88) (i32.const 2048))
  (i32.store (i32.const 92) (local.get $count)))

;; `routes`: a line that takes a route, and perhaps another line that takes the first.
(func $routes (param $one i32) (param $route i32) (param $two i32) (param $count i32)
  (i32.store (i32.const 2560) (local.get $one))
  (i32.store (i32.const 2564) (local.get $route))
  (i32.store (i32.const 2568) (local.get $two))
  (i32.store (i32.const 2572) (i32.const 0))
  (i32.store (i32.const 96) (i32.const 2560))
  (i32.store (i32.const 100) (local.get $count)))
(export "linemill:filter/batch@0.1.0#start" (func $starts-with-routes))
(export "linemill:filter/batch@0.1.0#finish" (func $ends))
