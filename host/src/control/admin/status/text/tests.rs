//! The text for people, of a host with long names and much that is wrong.

use super::*;
use layout::WIDTH;

/// An answer of a host.
const BUSY: &str = include_str!("busy.json");
/// The text for it.
const SHOWN: &str = include_str!("busy.txt");

fn shown(json: &str) -> String {
    let status: Status = serde_json::from_str(json).expect("a status");
    let mut text = lines(&status).join("\n");
    text.push('\n');
    text
}

/// `UPDATE_GOLDEN=1` rewrites the text.
#[test]
fn the_text_is_as_it_was() {
    let text = shown(BUSY);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/src/control/admin/status/text/busy.txt"
        );
        std::fs::write(path, &text).expect("written");
        return;
    }
    assert!(text == SHOWN, "{text}");
}

#[test]
fn it_fits_a_terminal() {
    for json in [BUSY, "{}"] {
        for line in shown(json).lines() {
            assert!(line.chars().count() <= WIDTH, "{line}");
            assert_eq!(line, line.trim_end());
        }
    }
}
