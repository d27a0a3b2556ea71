;; An Extism plugin: fetches its input from the kernel eight bytes at a time, as Extism's own SDKs
;; do, turns it, and puts it into a block of the kernel's.
(import "extism:host/env" "input_length" (func $input_length (result i64)))
(import "extism:host/env" "input_load_u8" (func $input_load_u8 (param i64) (result i32)))
(import "extism:host/env" "input_load_u64" (func $input_load_u64 (param i64) (result i64)))
(import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
(import "extism:host/env" "store_u8" (func $store_u8 (param i64 i32)))
(import "extism:host/env" "store_u64" (func $store_u64 (param i64 i64)))
(import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
(memory 2)
(func (export "rot13") (result i32)
  (local $length i32) (local $at i32) (local $output i64)
  (local.set $length (i32.wrap_i64 (call $input_length)))
  (if (i32.gt_u (local.get $length) (i32.const 65536)) (then (unreachable)))
  (block $few
    (loop $eight
      (br_if $few (i32.lt_u (i32.sub (local.get $length) (local.get $at)) (i32.const 8)))
      (i64.store (local.get $at) (call $input_load_u64 (i64.extend_i32_u (local.get $at))))
      (local.set $at (i32.add (local.get $at) (i32.const 8)))
      (br $eight)))
  (block $none
    (loop $one
      (br_if $none (i32.eq (local.get $at) (local.get $length)))
      (i32.store8 (local.get $at) (call $input_load_u8 (i64.extend_i32_u (local.get $at))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br $one)))
  (call $turn (i32.const 0) (local.get $length))
  (local.set $output (call $alloc (i64.extend_i32_u (local.get $length))))
  (local.set $at (i32.const 0))
  (block $few
    (loop $eight
      (br_if $few (i32.lt_u (i32.sub (local.get $length) (local.get $at)) (i32.const 8)))
      (call $store_u64
        (i64.add (local.get $output) (i64.extend_i32_u (local.get $at)))
        (i64.load (local.get $at)))
      (local.set $at (i32.add (local.get $at) (i32.const 8)))
      (br $eight)))
  (block $none
    (loop $one
      (br_if $none (i32.eq (local.get $at) (local.get $length)))
      (call $store_u8
        (i64.add (local.get $output) (i64.extend_i32_u (local.get $at)))
        (i32.load8_u (local.get $at)))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br $one)))
  (call $output_set (local.get $output) (i64.extend_i32_u (local.get $length)))
  (i32.const 0))
