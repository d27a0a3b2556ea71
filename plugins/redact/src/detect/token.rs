//! Secrets that are recognised by their form: keys and tokens of well-known services, and private keys.
//!
//! In: a text, and where a word begins. Out: the range of a secret that begins there.

use std::ops::Range;

use memchr::memmem;

/// Which bytes a token consists of, behind its prefix.
#[derive(Clone, Copy)]
pub(crate) enum Of {
    /// Letters and digits.
    Alnum,
    /// Upper-case letters and digits.
    Upper,
    /// Digits and the letters a to f.
    Hex,
    /// Letters, digits and `_`.
    Word,
    /// Letters, digits, `-` and `_`.
    Base64Url,
    /// Letters, digits, `-`, `_` and `.`.
    Dotted,
    /// Letters, digits and `/`.
    Path,
}

/// A prefix, what follows it, and how many bytes at least and at most.
pub(crate) type Form = (&'static [u8], Of, usize, usize);

/// The forms of tokens.
pub(crate) const FORMS: [Form; 59] = [
    (b"1//0", Of::Base64Url, 30, MAX),                 // Google
    (b"hooks.slack.com/services/", Of::Path, 20, MAX), // Slack
    (b"AKIA", Of::Upper, 16, 16),                      // Amazon
    (b"ASIA", Of::Upper, 16, 16),
    (b"ABIA", Of::Upper, 16, 16),
    (b"ACCA", Of::Upper, 16, 16),
    (b"AIza", Of::Base64Url, 35, 35), // Google
    (b"GOCSPX-", Of::Base64Url, 20, 64),
    (b"ya29.", Of::Dotted, 20, MAX),
    (b"ghp_", Of::Alnum, 20, MAX), // GitHub
    (b"gho_", Of::Alnum, 20, MAX),
    (b"ghu_", Of::Alnum, 20, MAX),
    (b"ghs_", Of::Alnum, 20, MAX),
    (b"ghr_", Of::Alnum, 20, MAX),
    (b"github_pat_", Of::Word, 20, MAX),
    (b"glpat-", Of::Dotted, 16, MAX), // GitLab
    (b"gldt-", Of::Dotted, 16, MAX),
    (b"glrt-", Of::Dotted, 16, MAX),
    (b"glptt-", Of::Dotted, 16, MAX),
    (b"glcbt-", Of::Dotted, 16, MAX),
    (b"xoxa-", Of::Base64Url, 10, MAX), // Slack
    (b"xoxb-", Of::Base64Url, 10, MAX),
    (b"xoxc-", Of::Base64Url, 10, MAX),
    (b"xoxe-", Of::Base64Url, 10, MAX),
    (b"xoxe.", Of::Dotted, 10, MAX),
    (b"xoxo-", Of::Base64Url, 10, MAX),
    (b"xoxp-", Of::Base64Url, 10, MAX),
    (b"xoxr-", Of::Base64Url, 10, MAX),
    (b"xoxs-", Of::Base64Url, 10, MAX),
    (b"xapp-", Of::Base64Url, 10, MAX),
    (b"sk_live_", Of::Alnum, 10, MAX), // Stripe
    (b"sk_test_", Of::Alnum, 10, MAX),
    (b"rk_live_", Of::Alnum, 10, MAX),
    (b"rk_test_", Of::Alnum, 10, MAX),
    (b"whsec_", Of::Alnum, 20, MAX),
    (b"npm_", Of::Alnum, 30, MAX),
    (b"pypi-AgE", Of::Base64Url, 40, MAX),
    (b"hf_", Of::Alnum, 30, MAX),          // Hugging Face
    (b"sk-ant-", Of::Base64Url, 20, MAX),  // Anthropic
    (b"sk-proj-", Of::Base64Url, 20, MAX), // OpenAI
    (b"sk-svcacct-", Of::Base64Url, 20, MAX),
    (b"sk-", Of::Alnum, 20, MAX),
    (b"dop_v1_", Of::Hex, 64, 64), // DigitalOcean
    (b"doo_v1_", Of::Hex, 64, 64),
    (b"dor_v1_", Of::Hex, 64, 64),
    (b"shpat_", Of::Hex, 32, 32), // Shopify
    (b"shpca_", Of::Hex, 32, 32),
    (b"shppa_", Of::Hex, 32, 32),
    (b"shpss_", Of::Hex, 32, 32),
    (b"hvs.", Of::Base64Url, 20, MAX), // HashiCorp Vault
    (b"hvb.", Of::Base64Url, 20, MAX),
    (b"dckr_pat_", Of::Base64Url, 20, MAX), // Docker
    (b"glsa_", Of::Word, 32, MAX),          // Grafana
    (b"sq0atp-", Of::Base64Url, 20, MAX),   // Square
    (b"sq0csp-", Of::Base64Url, 20, MAX),
    (b"lin_api_", Of::Alnum, 30, MAX), // Linear
    (b"rubygems_", Of::Hex, 48, 48),
    (b"AGE-SECRET-KEY-1", Of::Upper, 58, 58),
    (b"ATATT3", Of::Base64Url, 40, MAX), // Atlassian
];

/// The most bytes behind a prefix; a longer word is not a token.
const MAX: usize = 4096;

/// A bit for each pair of bytes that a token begins with.
const STARTS: [u64; 16] = {
    let mut starts = [0; 16];
    let mut index = 0;
    while index <= FORMS.len() {
        let prefix = if index < FORMS.len() {
            FORMS[index].0
        } else {
            b"SG."
        };
        let bit = start(prefix[0], prefix[1]);
        starts[bit / 64] |= 1 << (bit % 64);
        index += 1;
    }
    starts
};

/// A number below 1024 for the first two bytes of a word.
const fn start(a: u8, b: u8) -> usize {
    (a as usize & 31) << 5 | (b as usize & 31)
}

/// Finds a token that begins at `at`, which is the first byte of a word.
#[inline]
pub(super) fn find(text: &[u8], at: usize) -> Option<Range<usize>> {
    let &[a, b, ..] = text.get(at..)? else {
        return None;
    };
    let bit = start(a, b);
    if STARTS[bit / 64] >> (bit % 64) & 1 == 0 {
        return None;
    }
    if a == b'S' {
        return sendgrid(text, at);
    }
    let rest = &text[at..];
    let &(prefix, of, least, most) = FORMS.iter().find(|form| rest.starts_with(form.0))?;
    let len = run(&rest[prefix.len()..], of);
    let token = &rest[prefix.len()..prefix.len() + len];
    // A word in letters may follow `sk-`.
    let random = prefix != b"sk-" || token.iter().any(u8::is_ascii_digit);
    let end = at + prefix.len() + len;
    let ends = !text
        .get(end)
        .is_some_and(|&byte| byte.is_ascii_alphanumeric());
    let trimmed = token.iter().rev().take_while(|&&byte| byte == b'.').count();
    ((least..=most).contains(&len) && random && ends).then_some(at..end - trimmed)
}

/// `SG.`, 22 bytes, a dot and 43 bytes.
fn sendgrid(text: &[u8], at: usize) -> Option<Range<usize>> {
    let rest = text[at..].strip_prefix(b"SG.")?;
    let id = run(rest, Of::Base64Url);
    let key = run(rest.get(id + 1..)?, Of::Base64Url);
    (rest[id] == b'.' && id >= 16 && key >= 16).then_some(at..at + 3 + id + 1 + key)
}

/// How many bytes at the start of `text` are of a kind, up to a few more than a token may have.
fn run(text: &[u8], of: Of) -> usize {
    let belongs = |byte: u8| match of {
        Of::Alnum => byte.is_ascii_alphanumeric(),
        Of::Upper => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
        Of::Hex => byte.is_ascii_hexdigit(),
        Of::Word => byte.is_ascii_alphanumeric() || byte == b'_',
        Of::Base64Url => byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'),
        Of::Path => byte.is_ascii_alphanumeric() || byte == b'/',
        Of::Dotted => byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'),
    };
    text.iter()
        .take(MAX + 1)
        .take_while(|&&byte| belongs(byte))
        .count()
}

/// Finds the secret key that belongs to a key of Amazon, which ends at `end`: 40 bytes of base64 near it.
pub(super) fn amazon(text: &[u8], end: usize) -> Option<Range<usize>> {
    /// How far behind the key it may begin.
    const NEAR: usize = 48;
    let belongs = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    let mut at = end;
    while at < text.len().min(end + NEAR) {
        let len = text[at..]
            .iter()
            .take(41)
            .take_while(|&&byte| belongs(byte))
            .count();
        let key = &text[at..at + len];
        let random = key.iter().any(u8::is_ascii_digit)
            && key.iter().any(u8::is_ascii_uppercase)
            && key.iter().any(u8::is_ascii_lowercase);
        if len == 40 && random {
            return Some(at..at + 40);
        }
        at += len.max(1);
    }
    None
}

/// Finds a private key in one line that begins with the dashes at `at`: from its first line to its last, or to the
/// end of the text. `ends` says where the text that it is in ends.
pub(super) fn private_key(text: &[u8], at: usize) -> Option<Range<usize>> {
    let label = text[at..].strip_prefix(b"-----BEGIN ")?;
    let len = memmem::find(&label[..label.len().min(64)], b"-----")?;
    memmem::find(&label[..len], b"PRIVATE KEY")?;
    let body = at + 11 + len + 5;
    let Some(last) = memmem::find(&text[body..], b"-----END ") else {
        return Some(at..text.len());
    };
    let last = body + last + 9;
    let dashes = memmem::find(&text[last..text.len().min(last + 64)], b"-----");
    Some(at..dashes.map_or(last, |dashes| last + dashes + 5))
}

/// Finds the token of a bot of Telegram whose colon is at `at`: `123456789:AA…`, of which what is behind the colon is
/// secret.
pub(super) fn telegram(text: &[u8], at: usize) -> Option<Range<usize>> {
    const LEN: usize = 35;
    let rest = text[at..].strip_prefix(b":AA")?;
    let number = text[..at]
        .iter()
        .rev()
        .take(16)
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let valid = (6..=12).contains(&number) && run(rest, Of::Base64Url) + 2 == LEN;
    valid.then_some(at + 1..at + 1 + LEN)
}

/// Finds the signature of a shared link of Azure whose name is at `at`: `&sig=…`.
pub(super) fn signature(text: &[u8], at: usize) -> Option<Range<usize>> {
    let value = text[at..].strip_prefix(b"sig=")?;
    let is_parameter = at > 0 && matches!(text[at - 1], b'?' | b'&' | b';');
    let belongs = |byte: u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'%' | b'+' | b'/' | b'-' | b'_' | b'=')
    };
    let len = value.iter().take_while(|&&byte| belongs(byte)).count();
    (is_parameter && len > 0).then_some(at + 4..at + 4 + len)
}

/// Whether a word may begin at `at` that is not part of another.
pub(super) fn begins(text: &[u8], at: usize) -> bool {
    at == 0 || !text[at - 1].is_ascii_alphanumeric()
}

#[cfg(test)]
mod tests {
    use super::{amazon, find, private_key};

    #[test]
    fn tokens_of_services_are_found() {
        let a = |count| "a1B2".repeat(count / 4 + 1)[..count].to_owned();
        let hex = |count| "0a1b2c3d".repeat(count / 8 + 1)[..count].to_owned();
        for token in [
            // Those of the documentation of the services, where there are any; in two parts each.
            ["AKIA", "IOSFODNN7EXAMPLE"].concat(),
            ["ASIA", "Y34FZKBOKMUTVV7A"].concat(),
            ["AIza", "SyDaGmWKa4JsXZ-HjGw7ISLn_3namBGewQe"].concat(),
            format!("ghp_{}", a(36)),
            format!("github_pat_{}_{}", a(22), a(59)),
            format!("glpat-{}", a(20)),
            format!("xoxb-123456789012-1234567890123-{}", a(24)),
            format!("sk_live_{}", a(24)),
            format!("rk_live_{}", a(24)),
            format!("npm_{}", a(36)),
            format!("SG.{}.{}", a(22), a(43)),
            format!("sk-{}", a(48)),
            format!("sk-ant-api03-{}", a(90)),
            format!("hvs.{}", a(24)),
            format!("dop_v1_{}", hex(64)),
            format!("shpat_{}", hex(32)),
            format!("ya29.{}", a(60)),
            format!("hf_{}", a(34)),
        ] {
            for after in ["", " ", "\"", ",x", ": x", "&a=b"] {
                let text = format!("{token}{after}");
                assert_eq!(find(text.as_bytes(), 0), Some(0..token.len()), "{text}");
            }
        }
    }

    #[test]
    fn other_words_are_not() {
        for text in [
            "AKIAIOSFODNN7EXAMPL",
            "AKIAIOSFODNN7EXAMPLEX",
            "ghp_short",
            "sk-learn",
            "sk-abcdefghijklmnopqrstuvwxyz",
            "SG.short.x",
            "npm_config_registry",
            "hf_x",
            "xoxb-",
            "AIzaShort",
            "shpat_0a1b",
            "",
            "A",
        ] {
            assert_eq!(find(text.as_bytes(), 0), None, "{text}");
        }
    }

    #[test]
    fn the_secret_of_a_key_is_found_next_to_it() {
        let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
        for between in [":", ",", " / ", "\",\"secret\":\""] {
            let text = format!("{between}{secret}\"");
            assert_eq!(
                amazon(text.as_bytes(), 0),
                Some(between.len()..between.len() + 40),
                "{text}"
            );
        }
        assert_eq!(amazon(format!(" {secret}x").as_bytes(), 0), None);
        assert_eq!(amazon(format!(" {}", "a".repeat(40)).as_bytes(), 0), None);
    }

    #[test]
    fn private_keys_end_with_their_last_line() {
        let key = "-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----";
        assert_eq!(
            private_key(format!("{key}\nx").as_bytes(), 0),
            Some(0..key.len())
        );
        assert_eq!(private_key(&key.as_bytes()[..40], 0), Some(0..40));
        assert_eq!(private_key(b"-----BEGIN CERTIFICATE-----\nMIIB", 0), None);
        assert_eq!(private_key(b"-----BEGIN", 0), None);
    }
}
