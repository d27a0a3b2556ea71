//! What is done with secrets, and the settings for it.

use super::{Redact, one};
use linemill_sdk::testing::{Verdict, json, lines, refusal, verdicts};

#[test]
fn the_last_four_characters_can_be_kept() {
    let settings = json!({ "action": "keep_last4" });
    assert_eq!(
        one(settings.clone(), "4111 1111 1111 1112 4111 1111 1111 1111"),
        "4111 1111 1111 1112 ****1111"
    );
    assert_eq!(
        one(
            settings.clone(),
            "password=hunter2 token=abcdefg\u{e9}\u{e9}"
        ),
        "password=**** token=****fg\u{e9}\u{e9}"
    );
    assert_eq!(
        one(settings, r#"{"n":378282246310005}"#),
        r#"{"n":"****0005"}"#
    );
}

#[test]
fn the_same_secret_has_the_same_hash() {
    let hashed = |salt: &str, line: &str| one(json!({ "action": "hash", "salt": salt }), line);
    let card = hashed("0123456789", "4111111111111111");
    assert_eq!(card.len(), "[card:0123456789abcdef]".len());
    assert_eq!(hashed("0123456789", "4111-1111-1111-1111"), card);
    assert_eq!(
        hashed("0123456789", r#"{"n":4111111111111111}"#),
        format!(r#"{{"n":"{card}"}}"#)
    );
    assert_ne!(hashed("9876543210", "4111111111111111"), card);
    let secret = hashed("0123456789", "password=hunter2");
    assert_eq!(
        hashed("0123456789", r#"{"password":"\u0068unter2"}"#),
        format!(r#"{{"password":"{}"}}"#, &secret[9..])
    );
    assert_eq!(
        hashed("0123456789", &secret),
        secret,
        "a redacted line stays as it is"
    );
    let plain = json!({ "action": "hash", "salt": "0123456789", "mask": "#" });
    assert_eq!(one(plain, "a@b.cc").len(), 16);
}

#[test]
fn each_pattern_can_have_an_action_and_a_mask() {
    let settings = json!({
        "custom": { "badge": "B-[0-9]{4}" },
        "actions": { "card": "drop", "badge": "keep_last4", "email": "hash" },
        "masks": { "ipv4": "0.0.0.0" },
        "salt": "0123456789",
    });
    let out = lines::<Redact>(
        settings,
        ["4111111111111111", "badge B-123456 10.1.1.1 ::1", "no"],
    );
    assert_eq!(out, ["badge ****56 0.0.0.0 [ipv6]", "no"]);
}

#[test]
fn lines_can_be_routed_or_reported() {
    let settings = json!({ "actions": { "card": "route" }, "route": "pci" });
    let out = verdicts::<Redact>(settings, ["4111111111111111", "a@b.cc", "x"]);
    assert_eq!(
        out,
        [
            Verdict::Replace("[card]".into()).by("pci"),
            Verdict::Replace("[email]".into()),
            Verdict::Pass
        ]
    );
    let settings = json!({ "action": "report" });
    let out = verdicts::<Redact>(settings, ["4111111111111111", r#"{"token":1}"#, "x"]);
    assert_eq!(
        out,
        [
            Verdict::Pass.by("redact"),
            Verdict::Pass.by("redact"),
            Verdict::Pass
        ]
    );
}

#[test]
fn names_and_values_can_be_excluded() {
    let settings = json!({ "exclude": ["csrf_token", "127\\.0\\.0\\.1", "::1", ".*@example\\.org"], "keys": ["badge_no"] });
    assert_eq!(
        one(
            settings,
            "csrf_token=abc token=abc 127.0.0.1 127.0.0.11 ::1 a@example.org a@example.com badge-no=7"
        ),
        "csrf_token=abc token=[password] 127.0.0.1 [ipv4] ::1 a@example.org [email] badge-no=[password]",
    );
}

#[test]
fn only_the_groups_of_a_custom_pattern_are_masked() {
    let settings = json!({ "patterns": [], "custom": { "user": r"user (\w+) from (\w+)" } });
    assert_eq!(
        one(settings, "the user ann from home, user bob from work"),
        "the user [user] from [user], user [user] from [user]"
    );
}

#[test]
fn refusals_name_the_key_and_the_way_out() {
    for (settings, expected) in [
        (
            json!({ "mask": "a\nb" }),
            "`mask`: must not contain a line end or another control character, nor may the names that it shows",
        ),
        (
            json!({ "masks": { "email": "a\u{0}" } }),
            "`masks.email`: must not contain a line end or another control character, nor may the names that it shows",
        ),
        (
            json!({ "actions": { "phone": "drop" } }),
            "`actions.phone`: `phone` is off; add it to `patterns`",
        ),
        (
            json!({ "masks": { "emial": "x" } }),
            "`masks.emial`: `emial` is neither a built-in pattern nor one of `custom`",
        ),
        (
            json!({ "action": "hash" }),
            "`salt`: is needed for the action `hash`, such as salt = \"${REDACT_SALT}\"",
        ),
        (
            json!({ "salt": "short" }),
            "`salt`: must have at least 8 bytes; better 32 at random",
        ),
        (
            json!({ "keys": ["--"] }),
            "`keys[0]`: `--` is not a key's name; it needs a letter or digit, and at most 64 bytes",
        ),
        (
            json!({ "exclude": ["("] }),
            "`exclude[0]`: `(` is not a valid regular expression: unclosed group",
        ),
        (
            json!({ "action": "route", "route": "a b" }),
            "`a b` is not a valid route name; use 1 to 64 letters, digits, `-` and `_`",
        ),
    ] {
        assert_eq!(refusal::<Redact>(settings), expected);
    }
    assert_eq!(
        refusal::<Redact>(json!({ "mask": "x".repeat(129) })),
        "`mask`: is too long: 129 bytes with the name `jwt`; at most 128",
    );
}
