//! Tests of the filter `redact`.

mod actions;
mod attacks;
mod escapes;
mod faults;
mod layouts;
mod lookalikes;
mod places;
mod random;
mod secrets;
mod shapes;
mod structure;

use super::Redact;
use super::detector::Detector;
use linemill_sdk::testing::{Value, Verdict, json, lines, refusal, verdicts};

/// The output for a single line.
#[track_caller]
fn one(settings: Value, line: &str) -> String {
    let out = lines::<Redact>(settings, [line]);
    String::from_utf8(out[0].0.clone()).unwrap()
}

/// Asserts the output for `line` with the default settings.
#[track_caller]
fn masked(line: &str, expected: &str) {
    assert_eq!(one(json!({}), line), expected);
    let all_bytes = json!({ "keys": ["zzzzzz"] });
    assert_eq!(one(all_bytes, line), expected, "looking at all bytes");
}

/// Asserts that `line` passes unchanged with the default settings.
#[track_caller]
fn untouched(line: &str) {
    assert_eq!(
        verdicts::<Redact>(json!({}), [line]),
        [Verdict::Pass],
        "{line}"
    );
}

#[test]
fn mail_addresses() {
    masked(
        "from=<jane.doe+list@mail.example.co.uk>, to",
        "from=<[email]>, to",
    );
    masked("grüße@müller.de and a_b@c.io.", "[email] and [email].");
    masked(
        "'o'brien@x-y.org', a@b.com.7 c@d.ef-",
        "'[email]', [email].7 [email]-",
    );
    untouched("user@localhost @home a@b. 3 @ 4.50");
}

#[test]
fn ipv4_addresses() {
    masked(
        "Failed from 192.168.0.1 port 22",
        "Failed from [ipv4] port 22",
    );
    masked("10.0.0.1:8080,255.255.255.255", "[ipv4]:8080,[ipv4]");
    masked("peer 8.8.8.8.", "peer [ipv4].");
    untouched("version 1.2.3 and 1.2.3.4.5 and 300.1.1.1 and v1.2.3.4x");
}

#[test]
fn ipv6_addresses() {
    masked("via 2001:db8:85a3::8a2e:370:7334 ok", "via [ipv6] ok");
    masked("[::1]:80 fe80::1%eth0", "[[ipv6]]:80 [ipv6]%eth0");
    masked("1:2:3:4:5:6:7:8,::ffff:192.0.2.1", "[ipv6],[ipv6]");
    masked("net 2001:db8::/32", "net [ipv6]/32");
    untouched("12:34:56 std::vec a::b :: core::fmt::x1 1:2:3 00:1b:44:11:3a:b7");
}

#[test]
fn card_numbers() {
    masked("paid with 4111 1111 1111 1111.", "paid with [card].");
    masked("5500-0000-0000-0004/378282246310005", "[card]/[card]");
    masked("order 1234 4111111111111111", "order 1234 [card]");
    untouched("4111 1111 1111 1112, id 0000000000000000, at 1700000000000");
}

#[test]
fn bank_accounts() {
    masked("IBAN DE89 3704 0044 0532 0130 00 EUR", "IBAN [iban] EUR");
    masked("to GB82WEST12345698765432;", "to [iban];");
    masked("to GB82WEST12345698765432 NEXT", "to [iban] NEXT");
    masked("NO93 8601 1117 947", "[iban]");
    untouched("DE00 3704 0044 0532 0130 00 and AB12CDEF3456GHIJ");
}

#[test]
fn tokens() {
    masked(
        "Authorization: Bearer abc.DEF-123_456==",
        "Authorization: Bearer [bearer]",
    );
    masked(
        "cookie eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P; next",
        "cookie [jwt]; next",
    );
    untouched("the bearer of this is basic");
}

#[test]
fn values_of_sensitive_keys() {
    masked(
        "GET /login?user=x&password=hunter2&x=1",
        "GET /login?user=x&password=[password]&x=1",
    );
    masked(
        r#"{"api_key": "abc def", "n": 1}"#,
        r#"{"api_key": "[password]", "n": 1}"#,
    );
    masked(
        "Token: 'a b' pwd = c",
        "Token: '[password]' pwd = [password]",
    );
    masked(
        r#"{"password":"a\"b","c":1}"#,
        r#"{"password":"[password]","c":1}"#,
    );
    masked(
        r#""{\"token\":\"abc\"}""#,
        r#""{\"token\":\"[password]\"}""#,
    );
    masked("secret='never closed, so", "secret='[password]");
    untouched("password reset for the secret garden; token=");
}

#[test]
fn many_secrets_in_one_line() {
    masked(
        "1.2.3.4 - bob@x.org [10/Oct/2000:13:55:36 -0700] \"GET / HTTP/1.0\" 200 ::1",
        "[ipv4] - [email] [10/Oct/2000:13:55:36 -0700] \"GET / HTTP/1.0\" 200 [ipv6]",
    );
    masked("1.1.1.1 1.1.1.1", "[ipv4] [ipv4]");
}

#[test]
fn lines_are_bytes() {
    let out = lines::<Redact>(json!({}), [&b"\x00\xc3\x28 1.2.3.4 \xfe"[..]]);
    assert_eq!(out, [&b"\x00\xc3\x28 [ipv4] \xfe"[..]]);
}

#[test]
fn only_the_listed_patterns_are_masked() {
    let line = "a@b.cc 1.2.3.4 00:1b:44:11:3a:b7";
    assert_eq!(
        one(json!({ "patterns": ["ipv4"] }), line),
        "a@b.cc [ipv4] 00:1b:44:11:3a:b7"
    );
    assert_eq!(
        one(json!({ "patterns": ["mac"] }), line),
        "a@b.cc 1.2.3.4 [mac]"
    );
}

#[test]
fn custom_patterns_are_masked() {
    let custom = json!({ "badge": "B-[0-9]{4}", "host": r"\bdb\d+\.internal\b" });
    let line = "B-1234 on db07.internal by a@b.cc";
    assert_eq!(
        one(json!({ "custom": custom }), line),
        "[badge] on [host] by [email]"
    );
    let alone = json!({ "patterns": [], "custom": custom, "mask": "" });
    assert_eq!(one(alone, line), " on  by a@b.cc");
}

#[test]
fn the_mask_can_be_any_text() {
    assert_eq!(one(json!({ "mask": "***" }), "a@b.cc 1.2.3.4"), "*** ***");
    assert_eq!(
        one(json!({ "mask": "<{name}/{name}>" }), "a@b.cc"),
        "<email/email>"
    );
}

#[test]
fn an_empty_match_masks_nothing() {
    let settings = json!({ "patterns": [], "custom": { "x": "x*" } });
    assert_eq!(
        lines::<Redact>(settings, ["abxxc", "", "x"]),
        ["ab[x]c", "", "[x]"]
    );
}

#[test]
fn the_longest_secret_covers_those_inside_it() {
    masked("to 1.2.3.4@example.org, x", "to [email], x");
    masked("jo.4111111111111111@example.org", "[email]");
    masked("token=a@example.org&b=1", "token=[password]&b=1");
}

#[test]
fn long_lines_of_near_matches() {
    for near_match in [
        "1-",
        "1.",
        "1:",
        "a@1.",
        "a-eyJaaaaaa",
        "1111111111111.",
        "AB12",
        "x@",
    ] {
        untouched(&near_match.repeat(4096 / near_match.len()));
    }
    masked(
        &"token='".repeat(400),
        &"token='[password]'".repeat(200).replace("''", "'"),
    );
}

#[test]
fn refusals_name_the_key() {
    assert_eq!(
        refusal::<Redact>(json!({ "patterns": ["email", "fone"] })),
        "`patterns[1]`: must be one of `jwt`, `bearer`, `cookie`, `password`, `secret`, `email`, `iban`, \
         `card`, `ipv4`, `ipv6`, `mac`, `phone`, `ssn`; found the text \"fone\"",
    );
    assert_eq!(
        refusal::<Redact>(json!({ "custom": { "badge": "B-[0-9" } })),
        "`custom.badge`: `B-[0-9` is not a valid regular expression: unclosed character class",
    );
    assert_eq!(
        refusal::<Redact>(json!({ "custom": { "email": "a@b" } })),
        "`custom.email`: `email` is the name of a built-in pattern; choose another",
    );
    assert_eq!(
        refusal::<Redact>(json!({ "patterns": [] })),
        "`patterns` or `custom`: one of them needs a pattern; omit `patterns` for the defaults",
    );
}

#[test]
fn names_equal_those_in_the_settings() {
    for (index, detector) in Detector::ALL.into_iter().enumerate() {
        assert_eq!(detector as usize, index);
        let read: Detector = serde_json::from_value(json!(detector.name())).unwrap();
        assert_eq!(read, detector);
    }
}
