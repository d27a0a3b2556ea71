//! Random lines: values come out as they went in, and whatever a line is, its object is JSON.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Parse, Value, json};
use linemill_sdk::testing::Instance;

/// A pseudo-random generator (xorshift), the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }

    /// A text with many characters that have a meaning somewhere.
    fn text(&mut self) -> String {
        const CHARACTERS: [char; 20] = [
            'a', 'b', '"', '\\', ']', '[', '=', ',', ' ', '\t', '\u{1}', 'ä', '😀', 'n', 'u', '0',
            '-', '\u{7f}', '\u{2028}', '/',
        ];
        let length = self.below(12);
        (0..length).map(|_| CHARACTERS[self.below(20)]).collect()
    }
}

/// What lines become: their objects, or `None` for one that fails.
fn objects(settings: Value, lines: &[Vec<u8>]) -> Vec<Option<Value>> {
    let mut parse = Instance::<Parse>::new(&settings).unwrap();
    let one = |line: &Vec<u8>| {
        let mut object = None;
        let end = line.len() as u32;
        parse.call(line.clone(), vec![0, end], |json| {
            let Names(value) = serde_json::from_slice(json).unwrap();
            object = Some(value);
        });
        object
    };
    lines.iter().map(one).collect()
}

/// An object in which no name occurs twice.
struct Names(Value);

impl<'de> serde::Deserialize<'de> for Names {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Names;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<Names, A::Error> {
                let mut all = serde_json::Map::new();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    assert!(
                        all.insert(name.clone(), value).is_none(),
                        "{name} occurs twice"
                    );
                }
                Ok(Names(Value::Object(all)))
            }
        }
        from.deserialize_map(Visitor)
    }
}

#[test]
fn values_come_out_as_they_went_in() {
    let mut random = Random(3);
    for _ in 0..3000 {
        let values: Vec<String> = (0..3).map(|_| random.text()).collect();
        let [x, y, z] = &values[..] else {
            unreachable!()
        };
        let expected = json!({ "x": x, "y": y, "z": z });

        let csv: Vec<String> = values
            .iter()
            .map(|v| format!("\"{}\"", v.replace('"', "\"\"")))
            .collect();
        let settings = json!({ "format": "csv", "columns": ["x", "y", "z"] });
        assert_eq!(
            objects(settings, &[csv.join(",").into()]),
            [Some(expected.clone())]
        );

        let logfmt = format!("x={} y={} z={}", json!(x), json!(y), json!(z));
        assert_eq!(
            objects(json!({ "format": "logfmt" }), &[logfmt.into()]),
            [Some(expected.clone())]
        );

        let mut data = String::new();
        for (name, value) in ["x", "y", "z"].iter().zip(&values) {
            let value = value
                .replace('\\', "\\\\")
                .replace('"', "\\\"")
                .replace(']', "\\]");
            write!(data, " {name}=\"{value}\"").unwrap();
        }
        let syslog = format!("<1>1 - - - - - [i{data}]");
        let object = objects(json!({ "format": "syslog" }), &[syslog.into()])
            .remove(0)
            .unwrap();
        assert_eq!(object["structured_data"]["i"], expected);

        let [x, y, z] = [x, y, z].map(|value| {
            let escape = |&byte: &u8| match byte {
                b'"' | b'\\' | 0..0x20 | 0x80.. => format!("\\x{byte:02X}"),
                _ => char::from(byte).to_string(),
            };
            value.as_bytes().iter().map(escape).collect::<String>()
        });
        let access = format!("c - - [t] \"GET {x} HTTP/1.1\" 200 1 \"r{y}\" \"a{z}\"");
        let object = objects(json!({ "format": "combined" }), &[access.into()])
            .remove(0)
            .unwrap();
        assert_eq!(
            [&object["path"], &object["referer"], &object["agent"]],
            [
                &json!(values[0]),
                &json!(format!("r{}", values[1])),
                &json!(format!("a{}", values[2]))
            ]
        );
    }
}

const SPECIAL: &[u8] = b"\"\\ =[],]<>:-\xe4\xc3\x00\t";

#[test]
fn every_object_is_json() {
    let lines: [&str; 9] = [
        "<34>1 2003-10-11T22:14:15.003Z host app 1 ID [a@1 x=\"1\\\"\" x=\"2\"][b] message",
        "<34>Oct 11 22:14:15 host su[1]: failed",
        "2024-05-01T12:00:00+0200 host app: message",
        "<189>123: *Mar  1 18:46:11.123: %SYS-5-CONFIG_I: x",
        "a=1 b=\"x \\u00e4 \\\"\" c a=2 d= e=\\n",
        "1,\"a,\"\"b\",",
        "1.2.3.4 - u [01/May/2024:12:00:00 +0000] \"GET /\\\"\\x22 HTTP/1.1\" 200 5",
        "1.2.3.4 - - [01/May/2024:12:00:00 +0000] \"GET / HTTP/1.1\" 200 5 \"-\" \"a \\\\\"",
        "[warn] -1.5e3 text",
    ];
    let formats = [
        json!({ "format": "syslog" }),
        json!({ "format": "syslog3164", "numbers": ["procid"] }),
        json!({ "format": "syslog5424", "keep_original": "raw" }),
        json!({ "format": "logfmt", "numbers": ["a", "b", "d"] }),
        json!({ "format": "logfmt", "keep_original": "a" }),
        json!({ "format": "csv", "columns": ["x", "y", "z"], "numbers": ["x", "y"] }),
        json!({ "format": "common", "numbers": ["size"] }),
        json!({ "format": "combined", "keep_original": "raw" }),
        json!({
            "format": "regex", "pattern": r"^\[(?<level>.*?)\] (?<n>\S+)(?<rest>.*)", "numbers": ["n"]
        }),
    ];
    let mut random = Random(5);
    let mut mutated = Vec::new();
    for _ in 0..4000 {
        let mut line = lines[random.below(lines.len())].as_bytes().to_vec();
        for _ in 0..random.below(4) {
            let at = random.below(line.len() + 1);
            match random.below(4) {
                0 if at < line.len() => line[at] = random.below(256) as u8,
                1 if at < line.len() => {
                    line.remove(at);
                }
                2 => line.insert(at, SPECIAL[random.below(SPECIAL.len())]),
                _ => line.extend_from_within(at..),
            }
        }
        line.retain(|byte| *byte != b'\n');
        line.truncate(400);
        mutated.push(line);
    }
    let mut counts = BTreeMap::new();
    for (index, settings) in formats.into_iter().enumerate() {
        let parsed = objects(settings, &mutated);
        counts.insert(index, parsed.iter().flatten().count());
    }
    assert!(
        counts.values().all(|count| *count > 10),
        "hardly any line is parsed: {counts:?}"
    );
}
