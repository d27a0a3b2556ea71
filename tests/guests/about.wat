;; A correct filter that describes itself: it declares `drop`, and its settings have the keys `words` and
;; `inner`. It accepts any settings itself. Tests replace parts of it (`guest::describing`).
;; Memory: 256 its description, 320 its need, 336 its example, 4096 texts, 65536 the schema.
(func $text (param $at i32) (param $text i32) (param $size i32)
  (i32.store (local.get $at) (local.get $text))
  (i32.store offset=4 (local.get $at) (local.get $size)))
(func (export "linemill:filter/about@0.1.1#describe") (result i32)
  (call $text (i32.const 256) (i32.const 4096) (i32.const 7)) ;; name
  (call $text (i32.const 264) (i32.const 4103) (i32.const 5)) ;; version
  (call $text (i32.const 272) (i32.const 4108) (i32.const 13)) ;; summary
  (call $text (i32.const 280) (i32.const 4121) (i32.const 3)) ;; license
  (call $text (i32.const 288) (i32.const 65536) (i32.const 258)) ;; schema
  (i32.store16 (i32.const 296) (i32.const 0x0101)) ;; on-error
  (call $text (i32.const 300) (i32.const 320) (i32.const 1)) ;; needs
  (call $text (i32.const 308) (i32.const 336) (i32.const 1)) ;; examples
  (call $text (i32.const 320) (i32.const 4124) (i32.const 6))
  (call $text (i32.const 328) (i32.const 4130) (i32.const 19))
  (call $text (i32.const 336) (i32.const 4149) (i32.const 14))
  (call $text (i32.const 344) (i32.const 4163) (i32.const 18))
  (i32.const 256))
(func (export "linemill:filter/about@0.1.1#memory") (param $line i32) (result i64)
  (i64.add (i64.const 65536) (i64.mul (i64.const 3) (i64.extend_i32_u (local.get $line))))) ;; memory
(data (i32.const 4096) "shouter1.2.0Shouts lines.MITstreamTo know who shouts.Shouts loudly.{\"words\":[\"loud\"]}")
(data (i32.const 65536) "{\"type\":\"object\",\"properties\":{\"words\":{\"type\":\"array\",\"items\":{\"enum\":[\"loud\",\"quiet\"]},\"description\":\"Which words.\"},\"inner\":{\"type\":\"object\",\"properties\":{\"width\":{\"type\":\"integer\",\"maximum\":9}},\"additionalProperties\":false}},\"additionalProperties\":false}")
(func (export "linemill:filter/batch@0.1.1#process")
  (param $bytes i32) (param $size i32) (param $spans i32) (param $count i32) (result i32)
  (call $shout (local.get $bytes) (local.get $size)))
(export "linemill:filter/batch@0.1.1#start" (func $starts))
(export "linemill:filter/batch@0.1.1#finish" (func $ends))
