;; Answers what it may ask about its stream, by the letter behind the mark of a line that comes alone: `p`
;; the IP address of the peer as its bytes or groups in memory, `l` the listener, `s` the server name, `c` the name of the client, `f` the
;; framing as a digit, `d` the direction likewise; `none` for what is absent. `n` fails unless the connection has
;; a number. `w` traps with last words, `W` with many, `e` with none. Any other line is shouted.
;; What is imported stands first.
(import "linemill:filter/stream@0.1.1" "connection" (func $connection (result i64)))
(import "linemill:filter/stream@0.1.1" "direction" (func $direction (result i32)))
(import "linemill:filter/stream@0.1.1" "listener" (func $listener (param i32)))
(import "linemill:filter/stream@0.1.1" "peer" (func $peer (param i32)))
(import "linemill:filter/stream@0.1.1" "server-name" (func $server (param i32)))
(import "linemill:filter/stream@0.1.1" "client-name" (func $client (param i32)))
(import "linemill:filter/stream@0.1.1" "framing" (func $framing (result i32)))
(import "linemill:filter/last-words@0.1.1" "trap" (func $trap (param i32 i32)))
;; An outcome of one line with these bytes.
(func $one (param $at i32) (param $size i32) (result i32)
  (drop (call $answer (local.get $at) (local.get $size)))
  (i32.store (i32.const 2048) (i32.const 0))
  (i32.store (i32.const 2052) (local.get $size))
  (i32.store (i32.const 2056) (i32.const 1))
  (i32.store (i32.const 72) (i32.const 2048))
  (i32.store (i32.const 76) (i32.const 2))
  (i32.store (i32.const 80) (i32.const 2056))
  (i32.store (i32.const 84) (i32.const 1))
  (i32.const 64))
;; The text at 200, if there is one.
(func $maybe (result i32)
  (if (result i32) (i32.load8_u (i32.const 200))
    (then (call $one (i32.load (i32.const 204)) (i32.load (i32.const 208))))
    (else (call $one (i32.const 128) (i32.const 4)))))
(func (export "linemill:filter/batch@0.1.1#process")
  (param $bytes i32) (param $size i32) (param $spans i32) (param $count i32) (result i32)
  (local $mark i32) (local $kind i32)
  (local.set $mark (call $mark (local.get $bytes) (local.get $size)))
  (if (local.get $mark) (then (local.set $kind (i32.load8_u offset=1 (local.get $mark)))))
  (if (i32.eq (local.get $kind) (i32.const 112)) (then
    (call $peer (i32.const 200))
    (if (i32.eqz (i32.load8_u (i32.const 200))) (then (return (call $maybe))))
    (return (call $one (i32.const 204)
      (select (i32.const 16) (i32.const 4) (i32.load8_u (i32.const 202)))))))
  (if (i32.eq (local.get $kind) (i32.const 108)) (then (call $listener (i32.const 200)) (return (call $maybe))))
  (if (i32.eq (local.get $kind) (i32.const 115)) (then (call $server (i32.const 200)) (return (call $maybe))))
  (if (i32.eq (local.get $kind) (i32.const 99)) (then (call $client (i32.const 200)) (return (call $maybe))))
  (if (i32.eq (local.get $kind) (i32.const 102)) (then
    (i32.store8 (i32.const 200) (i32.add (i32.const 48) (call $framing)))
    (return (call $one (i32.const 200) (i32.const 1)))))
  (if (i32.eq (local.get $kind) (i32.const 100)) (then
    (i32.store8 (i32.const 200) (i32.add (i32.const 48) (call $direction)))
    (return (call $one (i32.const 200) (i32.const 1)))))
  (if (i32.eq (local.get $kind) (i32.const 110)) (then
    (if (i64.eqz (call $connection)) (then unreachable))))
  (if (i32.eq (local.get $kind) (i32.const 119)) (then (call $trap (i32.const 132) (i32.const 23))))
  (if (i32.eq (local.get $kind) (i32.const 87)) (then (call $trap (i32.const 0) (i32.const 131072))))
  (if (i32.eq (local.get $kind) (i32.const 101)) (then (call $trap (i32.const 0) (i32.const 0))))
  (call $shout (local.get $bytes) (local.get $size)))
(data (i32.const 128) "nonethe \1b[31mvat\0a is broken")
(export "linemill:filter/batch@0.1.1#start" (func $starts))
(export "linemill:filter/batch@0.1.1#finish" (func $ends))
