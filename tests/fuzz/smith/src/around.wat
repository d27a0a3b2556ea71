;; Random code where a filter's own would run, put behind `base.wat`. `$random` is the function that
;; wasm-smith made; it works on this memory, and knows nothing of what is where in it.

;; The right answer is there before the random code runs, which may spoil it. An odd number that it
;; gives is where an answer of its own is.
(func $chance-process (param $bytes i32) (param $size i32) (param $spans i32) (param $count i32) (result i32)
  (local $said i32)
  (drop (call $shout (local.get $bytes) (local.get $size)))
  (local.set $said (call $random
    (local.get $bytes) (local.get $size) (local.get $spans) (local.get $count)))
  (if (result i32) (i32.and (local.get $said) (i32.const 1))
    (then (i32.and (local.get $said) (i32.const 0x1fff8)))
    (else (i32.const 64))))

(func $chance-start (param i32 i32 i32) (result i32)
  (i32.and
    (call $random (local.get 0) (local.get 1) (local.get 2) (i32.const 0))
    (i32.const 0x1fff8)))

(func $chance-finish (result i32)
  (i32.and
    (call $random (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
    (i32.const 0x1fff8)))

(func $chance-realloc (param i32 i32 i32 i32) (result i32)
  (call $random (local.get 0) (local.get 1) (local.get 2) (local.get 3)))

(func $shouts (param $bytes i32) (param $size i32) (param $spans i32) (param $count i32) (result i32)
  (call $shout (local.get $bytes) (local.get $size)))
