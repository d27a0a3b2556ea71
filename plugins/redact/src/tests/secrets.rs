//! Generates secrets of each detector.

use super::random::Random;
use crate::detector::Detector;

/// A secret, and the key that it needs to be recognised.
pub(super) struct Secret {
    pub(super) key: Option<String>,
    pub(super) value: String,
    /// What must not be left of it.
    pub(super) core: String,
}

impl Secret {
    fn plain(value: String) -> Self {
        Self {
            key: None,
            core: value.clone(),
            value,
        }
    }
}

/// A random secret that `detector` finds.
pub(super) fn secret(detector: Detector, random: &mut Random) -> Secret {
    match detector {
        Detector::Jwt => Secret::plain(jwt(random)),
        Detector::Bearer => bearer(random),
        Detector::Cookie => {
            let core = random.alnum(20);
            let value = format!("sid={core}; theme=dark");
            Secret {
                key: Some(random.of(&["Cookie", "Set-Cookie", "cookie"]).to_owned()),
                value,
                core,
            }
        }
        Detector::Password => password(random),
        Detector::Secret => Secret::plain(token(random)),
        Detector::Email => {
            let name = random.text("abcdefghijklmnopqrstuvwxyz0123456789", 8);
            let dot = random.of(&[".", "_", "-", "+", ""]);
            let domain = random.of(&[
                "example.org",
                "mail.example.co.uk",
                "x-y.io",
                "müller.de",
                "EXAMPLE.COM",
            ]);
            Secret::plain(format!("{name}{dot}a@{domain}"))
        }
        Detector::Iban => Secret::plain(iban(random)),
        Detector::Card => Secret::plain(card(random)),
        Detector::Ipv4 => {
            let part = |random: &mut Random| 10 + random.below(246);
            Secret::plain(format!(
                "{}.{}.{}.{}",
                part(random),
                part(random),
                part(random),
                part(random)
            ))
        }
        Detector::Ipv6 => Secret::plain(ipv6(random)),
        Detector::Mac => {
            let pairs: Vec<String> = (0..6).map(|_| random.hex(2)).collect();
            Secret::plain(pairs.join(random.of(&[":", "-"])))
        }
        Detector::Phone => {
            let digits = random.digits(7);
            let (area, rest) = digits.split_at(3);
            Secret::plain(match random.below(3) {
                0 => format!("+1 212 {area} {rest}"),
                1 => format!("(212) {area}-{rest}"),
                _ => format!("+4420{digits}"),
            })
        }
        Detector::Ssn => {
            let area = 100 + random.below(500);
            Secret::plain(format!(
                "{area}-{:02}-{:04}",
                1 + random.below(99),
                1 + random.below(9999)
            ))
        }
    }
}

fn jwt(random: &mut Random) -> String {
    let header = random.of(&[
        "eyJhbGciOiJIUzI1NiJ9",
        "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9",
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9",
    ]);
    let part = |random: &mut Random, len| {
        random.text(
            "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ0123456789-_",
            len,
        )
    };
    match random.below(3) {
        0 => format!("{header}.eyJ{}.", part(random, 30)),
        1 => format!(
            "{header}..{}.{}.{}",
            part(random, 16),
            part(random, 40),
            part(random, 22)
        ),
        _ => format!("{header}.eyJ{}.{}", part(random, 30), part(random, 43)),
    }
}

fn bearer(random: &mut Random) -> Secret {
    let core = format!("{}7", random.alnum(24));
    if random.below(2) == 0 {
        return Secret {
            key: None,
            value: format!("Bearer {core}"),
            core,
        };
    }
    let scheme = random.of(&["Bearer ", "Token ", "Basic ", "bearer ", ""]);
    let key = random
        .of(&["Authorization", "Proxy-Authorization", "authorization"])
        .to_owned();
    Secret {
        key: Some(key),
        value: format!("{scheme}{core}"),
        core,
    }
}

fn password(random: &mut Random) -> Secret {
    if random.below(6) == 0 {
        let core = format!(
            "{}z",
            random.text("abcdefghijkmnopqrstuvwxyz0123456789!$*_-.~", 11)
        );
        let scheme = random.of(&["postgres", "mysql", "https", "redis", "amqp", "mongodb+srv"]);
        return Secret {
            key: None,
            value: format!("{scheme}://app:{core}@db.internal:5432/x"),
            core,
        };
    }
    let key = random.of(&[
        "password",
        "passwd",
        "passphrase",
        "secret",
        "client_secret",
        "token",
        "access_token",
        "api_key",
        "apiKey",
        "X-Api-Key",
        "DB_PASS",
        "aws_secret_access_key",
        "privateKey",
        "new_password",
        "userPassword",
        "pwd",
        "credentials",
    ]);
    let core = random.text(
        "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ0123456789!$*_+-.~^@?/",
        14,
    );
    Secret {
        key: Some(key.to_owned()),
        value: core.clone(),
        core,
    }
}

fn token(random: &mut Random) -> String {
    match random.below(10) {
        0 => format!(
            "AKIA{}",
            random.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16)
        ),
        1 => format!(
            "gh{}_{}",
            random.of(&["p", "o", "u", "s", "r"]),
            random.alnum(36)
        ),
        2 => format!("github_pat_{}_{}", random.alnum(22), random.alnum(59)),
        3 => format!(
            "xox{}-{}-{}",
            random.of(&["a", "b", "p", "r", "s"]),
            random.digits(12),
            random.alnum(24)
        ),
        4 => format!("{}_live_{}", random.of(&["sk", "rk"]), random.alnum(24)),
        5 => format!("AIza{}", random.alnum(35)),
        6 => format!("glpat-{}", random.alnum(20)),
        7 => format!("npm_{}", random.alnum(36)),
        8 => format!("SG.{}.{}", random.alnum(22), random.alnum(43)),
        _ => format!("sk-{}7", random.alnum(47)),
    }
}

/// A number of one of the usual issuers, in one piece or grouped.
pub(super) fn card(random: &mut Random) -> String {
    let (prefix, len) = [
        ("4", 16),
        ("51", 16),
        ("2221", 16),
        ("34", 15),
        ("6011", 16),
        ("3528", 16),
        ("62", 16),
        ("36", 14),
        ("4", 13),
        ("6205", 19),
        ("6759", 16),
    ][random.below(11) as usize];
    let mut number = format!("{prefix}{}", random.digits(len - 1 - prefix.len() as u64));
    let sum: u32 = number
        .bytes()
        .rev()
        .enumerate()
        .map(|(index, digit)| {
            let digit = u32::from(digit - b'0') * if index % 2 == 0 { 2 } else { 1 };
            digit / 10 + digit % 10
        })
        .sum();
    number.push_str(&((10 - sum % 10) % 10).to_string());
    if len != 16 || random.below(3) == 0 {
        return number;
    }
    let groups: Vec<&str> = [0, 4, 8, 12]
        .iter()
        .map(|&at| &number[at..at + 4])
        .collect();
    groups.join(random.of(&[" ", "-"]))
}

fn iban(random: &mut Random) -> String {
    let (country, len) = [
        ("DE", 18),
        ("FR", 23),
        ("NL", 14),
        ("NO", 11),
        ("GB", 18),
        ("MT", 27),
    ][random.below(6) as usize];
    let account = match country {
        "NL" => format!("ABNA{}", random.digits(10)),
        "GB" => format!("WEST{}", random.digits(14)),
        _ => random.digits(len),
    };
    let text = format!("{account}{country}00");
    let rest = text.bytes().fold(0u64, |rest, byte| match byte {
        b'0'..=b'9' => (rest * 10 + u64::from(byte - b'0')) % 97,
        _ => (rest * 100 + u64::from(byte - b'A') + 10) % 97,
    });
    let whole = format!("{country}{:02}{account}", 98 - rest);
    if random.below(2) == 0 {
        return whole;
    }
    let groups: Vec<&str> = whole
        .as_bytes()
        .chunks(4)
        .map(|group| str::from_utf8(group).unwrap())
        .collect();
    groups.join(" ")
}

fn ipv6(random: &mut Random) -> String {
    let group = |random: &mut Random| random.hex(4);
    match random.below(3) {
        0 => {
            let groups: Vec<String> = (0..7).map(|_| group(random)).collect();
            format!("2001:{}", groups.join(":"))
        }
        1 => format!("2001:db8::{}:{}", group(random), group(random)),
        _ => format!("fe80::{}:{}", group(random), group(random)),
    }
}
