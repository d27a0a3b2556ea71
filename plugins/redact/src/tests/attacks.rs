//! Lines that a reader found who looked for ways around the filter, and others of their kinds.

use super::{masked, one, untouched};
use crate::detect::COUNTRIES;
use linemill_sdk::testing::json;

#[test]
fn accounts_of_every_country_with_the_defaults() {
    for (country, len) in COUNTRIES {
        let country = std::str::from_utf8(country).unwrap();
        let body = &"7034B5678901234567890123456789012345"[..len - 4];
        // The check digits are what lacks to 98, with the country and two zeros at the end.
        let rest = format!("{body}{country}00")
            .chars()
            .fold(0, |rest, character| {
                let value = character.to_digit(36).unwrap();
                (rest * if value > 9 { 100 } else { 10 } + value) % 97
            });
        let number = format!("{country}{:02}{body}", 98 - rest);
        masked(&number, "[iban]");
        masked(&format!("to {number}, x"), "to [iban], x");
        masked(&format!("to_{number}_x"), "to_[iban]_x");
    }
    for number in [
        "BE68539007547034",
        "BG80 BNBG 9661 1020 3456 78",
        "BR1800360305000010009795493C1",
    ] {
        masked(number, "[iban]");
    }
}

#[test]
fn colours_are_no_part_of_what_they_colour() {
    let jwt = "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxMjM0In0.";
    let github = format!("ghp_{}", "a1".repeat(18));
    for (secret, name) in [
        ("1.2.3.4", "ipv4"),
        ("2001:db8::1", "ipv6"),
        ("::1", "ipv6"),
        ("fe80::", "ipv6"),
        ("bob@x.org", "email"),
        ("4111111111111111", "card"),
        ("4111 1111 1111 1111", "card"),
        ("BE68539007547034", "iban"),
        ("AKIAIOSFODNN7EXAMPLE", "secret"),
        (&github, "secret"),
        (jwt, "jwt"),
    ] {
        for esc in [
            "\x1b",
            "\\u001b",
            "\\u001B",
            "\\x1b",
            "\\033",
            "\\e",
            "#033",
            "\\\\u001b",
        ] {
            for (on, off) in [("[32m", "[0m"), ("[1;38;5;40m", "[m"), ("[K", "[K")] {
                masked(
                    &format!("at {esc}{on}{secret}{esc}{off} x"),
                    &format!("at {esc}{on}[{name}]{esc}{off} x"),
                );
            }
        }
    }
    for esc in ["\x1b", "\\u001b", "\\x1b", "\\033", "\\e", "#033"] {
        for separator in ["=", ": ", " => "] {
            masked(
                &format!("{esc}[36mtoken{esc}[0m{separator}{esc}[32mhunter2{esc}[0m x"),
                &format!("{esc}[36mtoken{esc}[0m{separator}{esc}[32m[password]{esc}[0m x"),
            );
        }
        masked(
            &format!("{esc}[1mBearer{esc}[0m {esc}[2mabc.DEF-123{esc}[0m"),
            &format!("{esc}[1mBearer{esc}[0m {esc}[2m[bearer]{esc}[0m"),
        );
    }
    masked(
        r#"{"msg":"\u001b[36mtoken\u001b[0m=hunter2","n":1}"#,
        r#"{"msg":"\u001b[36mtoken\u001b[0m=[password]","n":1}"#,
    );
    masked(
        "\x1b[34;1m\"password\"\x1b[0m\x1b[1m:\x1b[0m \x1b[32m\"a b\"\x1b[0m",
        "\x1b[34;1m\"password\"\x1b[0m\x1b[1m:\x1b[0m \x1b[32m\"[password]\"\x1b[0m",
    );
    untouched("\x1b[32mINFO\x1b[0m started in [3] ms, \x1b[");
}

#[test]
fn an_underscore_is_a_boundary() {
    for secret in [
        "4111111111111111",
        "AKIAIOSFODNN7EXAMPLE",
        "1.2.3.4",
        "BE68539007547034",
    ] {
        let name = one(json!({}), secret);
        for (before, after) in [
            ("x_", ""),
            ("_", "_"),
            ("", "_access.log"),
            ("tok_", ".log"),
        ] {
            masked(
                &format!("{before}{secret}{after}"),
                &format!("{before}{name}{after}"),
            );
        }
    }
    masked(
        "%B4111111111111111^DOE/JOHN^2712101?;4111111111111111=2712101?",
        "%B[card]^DOE/JOHN^2712101?;[card]=2712101?",
    );
    untouched("blk_4111111111111111_1001 ts_4111111111111111 span_4111111111111111");
}
