;; Takes as much as the first marked line of a call says, by a letter and a number behind the mark: `o` answers
;; with so many lines of one byte, `f` fails the first line for a reason of so many bytes, `t` makes a table
;; of one element larger by so many, `d` calls itself so deep. Then it shouts.
(table $more 1 funcref)
(func (export "linemill:filter/batch@0.1.0#process")
  (param $bytes i32) (param $size i32) (param $spans i32) (param $count i32) (result i32)
  (local $mark i32) (local $kind i32) (local $much i32)
  (local.set $mark (call $mark (local.get $bytes) (local.get $size)))
  (if (local.get $mark) (then (local.set $kind (i32.load8_u offset=1 (local.get $mark)))))
  (local.set $much (call $much (local.get $bytes) (local.get $size) (i32.const 1)))
  ;; `o`
  (if (i32.eq (local.get $kind) (i32.const 111)) (then (return (call $lines (local.get $much)))))
  ;; `f`
  (if (i32.eq (local.get $kind) (i32.const 102)) (then (return (call $fails (local.get $much)))))
  ;; `t`
  (if (i32.eq (local.get $kind) (i32.const 116)) (then
    (if (i32.eq (table.grow $more (ref.null func) (local.get $much)) (i32.const -1)) (then unreachable))))
  ;; `d`
  (if (i32.eq (local.get $kind) (i32.const 100)) (then (drop (call $deeper (local.get $much)))))
  (call $shout (local.get $bytes) (local.get $size)))

(func $deeper (param $left i32) (result i32)
  (if (i32.eqz (local.get $left)) (then (return (i32.const 0))))
  (i32.add (call $deeper (i32.sub (local.get $left) (i32.const 1))) (local.get $left)))

;; An answer in which one line has become so many.
(func $lines (param $much i32) (result i32)
  (local $spans i32) (local $at i32) (local $line i32)
  (local.set $spans (call $fresh (i32.mul (local.get $much) (i32.const 9))))
  (local.set $at (local.get $spans))
  (block $done (loop $next
    (br_if $done (i32.ge_u (local.get $line) (local.get $much)))
    (i32.store (local.get $at) (local.get $line))
    (local.set $line (i32.add (local.get $line) (i32.const 1)))
    (i32.store offset=4 (local.get $at) (local.get $line))
    (local.set $at (i32.add (local.get $at) (i32.const 8)))
    (br $next)))
  (memory.fill (local.get $at) (i32.const 120) (local.get $much))
  (drop (call $answer (local.get $at) (local.get $much)))
  (i32.store (i32.const 72) (local.get $spans))
  (i32.store (i32.const 76) (i32.shl (local.get $much) (i32.const 1)))
  (i32.store (i32.const 2048) (local.get $much))
  (i32.store (i32.const 80) (i32.const 2048))
  (i32.store (i32.const 84) (i32.const 1))
  (i32.const 64))

;; An answer in which one line has failed.
(func $fails (param $much i32) (result i32)
  (local $reason i32)
  (local.set $reason (call $fresh (local.get $much)))
  (memory.fill (local.get $reason) (i32.const 120) (local.get $much))
  (drop (call $answer (i32.const 2048) (i32.const 0)))
  (i32.store (i32.const 2048) (i32.const 0))
  (i32.store (i32.const 80) (i32.const 2048))
  (i32.store (i32.const 84) (i32.const 1))
  (i32.store (i32.const 2052) (i32.const 0))
  (i32.store (i32.const 2056) (local.get $reason))
  (i32.store (i32.const 2060) (local.get $much))
  (i32.store (i32.const 88) (i32.const 2052))
  (i32.store (i32.const 92) (i32.const 1))
  (i32.const 64))
(export "linemill:filter/batch@0.1.0#start" (func $starts))
(export "linemill:filter/batch@0.1.0#finish" (func $ends))
