//! The places that are looked at are all places that matter.
//!
//! A name of a key in the settings makes the filter look at all bytes, so both ways can be compared.

use super::Redact;
use super::layouts::{LAYOUTS, line, redacted};
use super::lookalikes;
use super::random::Random;
use super::secrets::secret;
use crate::detector::Detector;
use linemill_sdk::testing::{Instance, json};

/// Pieces that are put into lines.
const PIECES: [&str; 40] = [
    "_",
    "\x1b[32m",
    "\\u001b[0m",
    "\\e[m",
    "%B",
    "Some(",
    "=[",
    ", ",
    ")",
    ";",
    "\"",
    "\\\"",
    "\\",
    ":",
    "::",
    "=",
    "=>",
    " ",
    "'",
    "-",
    "--",
    ".",
    "@",
    "%40",
    "\\u0040",
    "\\n",
    "{",
    "}",
    "[",
    "]",
    "<",
    ">",
    "/",
    "://",
    "&",
    "&quot;",
    "password",
    "token",
    "1",
    "a",
];

/// A line that is cut, or has another piece in it.
fn changed(line: &str, random: &mut Random) -> String {
    let mut characters: Vec<char> = line.chars().collect();
    for _ in 0..random.below(4) {
        let at = random.below(characters.len() as u64 + 1) as usize;
        match random.below(3) {
            0 => characters.truncate(at.max(1)),
            1 => drop(characters.drain(..at.min(characters.len() / 2))),
            _ => drop(characters.splice(at..at, random.of(&PIECES).chars())),
        }
    }
    characters.into_iter().collect()
}

#[test]
fn looking_at_all_bytes_finds_the_same() {
    let mut places = Instance::<Redact>::new(&json!({})).unwrap();
    let mut all = Instance::<Redact>::new(&json!({ "keys": ["zzzzzz"] })).unwrap();
    let mut random = Random::new(13);
    let mut lines = Vec::new();
    for _ in 0..20 {
        for detector in Detector::ALL {
            for (layout, _) in LAYOUTS {
                let secret = secret(detector, &mut random);
                let line = line(layout, &secret, &mut random);
                lines.push(changed(&line, &mut random));
            }
            let line = lookalikes::line(&mut random);
            lines.push(changed(&line, &mut random));
        }
    }
    let pairs = redacted(&mut places, &lines)
        .into_iter()
        .zip(redacted(&mut all, &lines));
    for (line, (places, all)) in lines.iter().zip(pairs) {
        assert_eq!(
            String::from_utf8(places).unwrap(),
            String::from_utf8(all).unwrap(),
            "{line}"
        );
    }
}
