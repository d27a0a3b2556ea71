//! Secrets of every detector in twelve layouts: none of them may be left, and JSON must stay JSON.

use super::Redact;
use super::random::Random;
use super::secrets::{Secret, secret};
use crate::detector::Detector;
use crate::read::Decoded;
use linemill_sdk::testing::{Instance, Value, json, screened};

/// A layout: its name, and whether its lines are JSON.
pub(super) const LAYOUTS: [(&str, bool); 12] = [
    ("plain", false),
    ("json", true),
    ("json in a json string", true),
    ("logfmt", false),
    ("url", false),
    ("ruby", false),
    ("python", false),
    ("xml", false),
    ("csv", false),
    ("syslog", false),
    ("escaped", false),
    ("percent-encoded", false),
];

/// A line in a layout with a secret in it.
pub(super) fn line(layout: &str, secret: &Secret, random: &mut Random) -> String {
    let key = mixed_case(secret.key.as_deref().unwrap_or("note"), random);
    let (key, value) = (key.as_str(), secret.value.as_str());
    let pair = format!("{key}={}", quoted_if_needed(value));
    match layout {
        "plain" if secret.key.is_none() => {
            format!("2026-11-23T10:14:02Z INFO seen {value} today, retry 3")
        }
        "plain" => format!(
            "2026-11-23 10:14:02 INFO {key}: {} rejected",
            quoted_if_needed(value)
        ),
        "json" => json!({ "ts": 1_700_000_000_123u64, key: value, "ok": [true, null] }).to_string(),
        "json in a json string" => {
            let inner = json!({ "level": 3, key: value, "a": { "b": "c" } }).to_string();
            json!({ "log": inner, "stream": "stdout" }).to_string()
        }
        "logfmt" => format!("ts=2026-11-23T10:14:02Z level=info {pair} ms=12"),
        "url" => format!("GET /x/y?a=1&{key}={}&b=2 HTTP/1.1", encoded(value, random)),
        "ruby" if random.below(2) == 0 => {
            format!("Parameters: {{\"a\"=>\"1\", {key:?}=>{value:?}, :b=>2}}")
        }
        "ruby" => format!("{{:a=>1, :{}=>{value:?}}}", key.replace('-', "_")),
        "python" => format!("{{'a': 1, '{key}': '{value}', 'b': None}}"),
        "xml" => format!(
            "<r><a>1</a><{key}>{}</{key}></r>",
            value.replace('&', "&amp;")
        ),
        "csv" => format!("17,{pair:?},200,\"{key}: {value}\"",),
        "syslog" => format!("<34>1 2026-11-23T10:14:02.003Z host app 12 ID47 - {pair}"),
        "escaped" => format!(
            "body=\"{{\\\"a\\\":1,\\n \\\"{key}\\\":\\\"{}\\\"}}\"",
            escaped(value, random)
        ),
        _ => format!(
            "q={}&x=1",
            encoded(&json!({ key: value, "n": 1 }).to_string(), random)
        ),
    }
}

fn mixed_case(key: &str, random: &mut Random) -> String {
    match random.below(4) {
        0 => key.to_uppercase().replace("PWD", "pwd"),
        1 => key.to_lowercase(),
        2 => key[..1].to_uppercase() + &key[1..],
        _ => key.to_owned(),
    }
}

fn quoted_if_needed(value: &str) -> String {
    if value.contains([' ', ';', ',', '=']) {
        format!("\"{value}\"")
    } else {
        value.to_owned()
    }
}

/// All bytes but letters, digits and a few others as `%40`, which may be in lower case.
fn encoded(value: &str, random: &mut Random) -> String {
    let upper = random.below(2) == 0;
    value
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            _ if upper => format!("%{byte:02X}"),
            _ => format!("%{byte:02x}"),
        })
        .collect()
}

/// Some characters as `\u0040`.
fn escaped(value: &str, random: &mut Random) -> String {
    value
        .chars()
        .map(|character| match character {
            '"' | '\\' => format!("\\\\\\{character}"),
            'a'..='z' | 'A'..='Z' | '0'..='9' => character.to_string(),
            _ if random.below(2) == 0 && (character as u32) < 0x10000 => {
                format!("\\u{:04x}", character as u32)
            }
            _ => character.to_string(),
        })
        .collect()
}

/// Whether a part of a secret is left in a text, encoded or not.
fn leaks(text: &[u8], core: &str) -> bool {
    let pieces: Vec<&str> = core
        .split(|byte: char| !byte.is_alphanumeric())
        .filter(|piece| piece.chars().count() >= 7)
        .collect();
    let mut text = text.to_vec();
    for _ in 0..6 {
        let found = |part: &str| memchr::memmem::find(&text, part.as_bytes()).is_some();
        if found(core) || pieces.iter().any(|piece| found(piece)) {
            return true;
        }
        match Decoded::of(&text) {
            Some(decoded) => text = decoded.text,
            None => break,
        }
    }
    false
}

/// Redacts lines in one call.
pub(super) fn redacted(filter: &mut Instance<Redact>, lines: &[String]) -> Vec<Vec<u8>> {
    let (mut bytes, mut spans) = (Vec::new(), Vec::new());
    for line in lines {
        spans.push(bytes.len() as u32);
        bytes.extend_from_slice(line.as_bytes());
        spans.push(bytes.len() as u32);
        bytes.push(b'\n');
    }
    let mut out = Vec::new();
    filter.call(bytes, spans, |line| out.push(line.to_vec()));
    assert_eq!(out.len(), lines.len());
    out
}

/// How many lines of each detector and layout are generated.
const EACH: usize = 40;

#[test]
fn nothing_is_left_in_any_layout() {
    let names: Vec<&str> = Detector::ALL
        .iter()
        .map(|detector| detector.name())
        .collect();
    let mut filter = Instance::<Redact>::new(&json!({ "patterns": names })).unwrap();
    let mut random = Random::new(7);
    let mut failed = Vec::new();
    for detector in Detector::ALL {
        for (layout, is_json) in LAYOUTS {
            let secrets: Vec<Secret> = (0..EACH).map(|_| secret(detector, &mut random)).collect();
            let lines: Vec<String> = secrets
                .iter()
                .map(|secret| line(layout, secret, &mut random))
                .collect();
            let once = redacted(&mut filter, &lines);
            let texts: Vec<String> = once
                .iter()
                .map(|line| String::from_utf8(line.clone()).unwrap())
                .collect();
            let twice = redacted(&mut filter, &texts);
            for (((line, secret), out), again) in lines.iter().zip(&secrets).zip(&texts).zip(&twice)
            {
                let problem = if leaks(out.as_bytes(), &secret.core) {
                    "leaks"
                } else if is_json && serde_json::from_str::<Value>(out).is_err() {
                    "is no JSON"
                } else if out.as_bytes() != again {
                    "changes again"
                } else {
                    continue;
                };
                failed.push(format!(
                    "{} in {layout} {problem}: {line}\n  -> {out}\n  -> {}",
                    detector.name(),
                    String::from_utf8_lossy(again)
                ));
            }
        }
    }
    let total = Detector::COUNT * LAYOUTS.len() * EACH;
    assert!(
        failed.is_empty(),
        "{} of {total}:\n{}",
        failed.len(),
        failed[..failed.len().min(40)].join("\n")
    );
}

#[test]
fn the_screen_misses_no_secret() {
    let mut random = Random::new(11);
    let mut lines = Vec::new();
    for detector in Detector::DEFAULT {
        for (layout, _) in LAYOUTS {
            let secret = secret(detector, &mut random);
            lines.push(line(layout, &secret, &mut random));
        }
    }
    assert_eq!(screened::<Redact>(json!({}), &lines), lines.len());
}
