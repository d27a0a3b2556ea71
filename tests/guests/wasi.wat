;; Uses its WASI, by the letter behind the first mark of a call: `o` writes a line, in two parts, `e` and
;; `x` end by it with success and failure, `s` sleeps for ever, `n` naps for a millisecond, `m` holds
;; pollables without end, `i` calls it without end, `R` asks for 1 GiB of random bytes, `?` looks
;; around: it puts in place of `!` how many variables, arguments and folders there are, and of `?`
;; whether a socket was refused.
(import "wasi:cli/environment@0.2.0" "get-environment" (func $environment (param i32)))
(import "wasi:cli/environment@0.2.0" "get-arguments" (func $arguments (param i32)))
(import "wasi:cli/exit@0.2.0" "exit" (func $exit (param i32)))
(import "wasi:cli/stdout@0.2.0" "get-stdout" (func $stdout (result i32)))
(import "wasi:io/streams@0.2.0" "[method]output-stream.blocking-write-and-flush" (func $write (param i32 i32 i32 i32)))
(import "wasi:io/streams@0.2.0" "[resource-drop]output-stream" (func $close (param i32)))
(import "wasi:io/poll@0.2.0" "[method]pollable.block" (func $block (param i32)))
(import "wasi:io/poll@0.2.0" "poll" (func $poll (param i32 i32 i32)))
(import "wasi:io/poll@0.2.0" "[resource-drop]pollable" (func $forget (param i32)))
(import "wasi:clocks/monotonic-clock@0.2.0" "subscribe-duration" (func $after (param i64) (result i32)))
(import "wasi:clocks/monotonic-clock@0.2.0" "now" (func $now (result i64)))
(import "wasi:filesystem/preopens@0.2.0" "get-directories" (func $folders (param i32)))
(import "wasi:sockets/tcp-create-socket@0.2.0" "create-tcp-socket" (func $socket (param i32 i32)))
(import "wasi:random/random@0.2.0" "get-random-bytes" (func $random (param i64 i32)))
(func (export "linemill:filter/batch@0.1.0#process")
  (param $bytes i32) (param $size i32) (param $spans i32) (param $count i32) (result i32)
  (local $mark i32) (local $kind i32) (local $out i32) (local $begun i64)
  (local.set $mark (call $mark (local.get $bytes) (local.get $size)))
  (if (local.get $mark) (then (local.set $kind (i32.load8_u offset=1 (local.get $mark)))))
  ;; `o`
  (if (i32.eq (local.get $kind) (i32.const 111)) (then
    (local.set $out (call $stdout))
    (call $write (local.get $out) (i32.const 128) (i32.const 7) (i32.const 200))
    (call $write (local.get $out) (i32.const 135) (i32.const 7) (i32.const 200))
    (call $close (local.get $out))))
  ;; `e`, `x`
  (if (i32.eq (local.get $kind) (i32.const 101)) (then (call $exit (i32.const 0))))
  (if (i32.eq (local.get $kind) (i32.const 120)) (then (call $exit (i32.const 1))))
  ;; `s`, `S`
  (if (i32.eq (local.get $kind) (i32.const 115)) (then (call $block (call $after (i64.const -1)))))
  (if (i32.eq (local.get $kind) (i32.const 83)) (then
    (i32.store (i32.const 200) (call $after (i64.const 3600000000000)))
    (call $poll (i32.const 200) (i32.const 1) (i32.const 208))))
  ;; `n`
  (if (i32.eq (local.get $kind) (i32.const 110)) (then
    (local.set $begun (call $now))
    (local.set $out (call $after (i64.const 1000000)))
    (call $block (local.get $out))
    (call $forget (local.get $out))
    (if (i64.lt_u (i64.sub (call $now) (local.get $begun)) (i64.const 1000000)) (then unreachable))))
  ;; `m`, `i`, `R`
  (if (i32.eq (local.get $kind) (i32.const 109)) (then (loop $next (drop (call $after (i64.const 1))) (br $next))))
  (if (i32.eq (local.get $kind) (i32.const 105)) (then (loop $next (drop (call $now)) (br $next))))
  (if (i32.eq (local.get $kind) (i32.const 82)) (then (call $random (i64.const 1073741824) (i32.const 200))))
  ;; `?`
  (if (i32.eq (local.get $kind) (i32.const 63)) (then
    (call $environment (i32.const 200))
    (call $arguments (i32.const 208))
    (call $folders (i32.const 216))
    (i32.store8 (local.get $mark) (i32.add (i32.const 48)
      (i32.add (i32.load (i32.const 204)) (i32.add (i32.load (i32.const 212)) (i32.load (i32.const 220))))))
    (call $socket (i32.const 0) (i32.const 200))
    (i32.store8 offset=1 (local.get $mark) (i32.add (i32.const 48) (i32.load8_u (i32.const 200))))))
  (call $shout (local.get $bytes) (local.get $size)))
(data (i32.const 128) "said so\0aand no")
(export "linemill:filter/batch@0.1.0#start" (func $starts))
(export "linemill:filter/batch@0.1.0#finish" (func $ends))
