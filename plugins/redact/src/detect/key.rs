//! Which keys hold secrets.
//!
//! In: a key, such as `DB_PASS`, `client-secret` or `apiKey`. Out: what its value is. Not here: where keys and
//! values are in a text.
//!
//! Names are compared without case and without `_`, `-`, `.` and blanks. A name may be the end of a longer key. If
//! it is short, it must then begin a word of its own: `db_pass` and `dbPass`, but not `bypass` or `chpasswd`.

use super::ends_with;

/// What the value of a key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// A secret.
    Secret,
    /// A secret, unless it is a number or a truth value: `pass=3`, `tokens: 512`.
    Text,
    /// Credentials of HTTP, after the name of a scheme.
    Authorization,
    /// Cookies.
    Cookie,
}

/// The longest key that is looked at.
pub(crate) const MAX: usize = 64;

/// A name, in lower case and without marks: whether it may be the end of any word, and what its value is.
type Name = (&'static [u8], bool, Class);

/// The names that end with a letter.
const fn names(last: u8) -> &'static [Name] {
    use Class::{Authorization, Cookie, Secret, Text};
    match last {
        b'c' => &[(b"cvc", false, Secret)],
        b'd' => &[
            (b"password", true, Secret),
            (b"passwd", false, Secret),
            (b"pwd", false, Secret),
            (b"jsessionid", true, Secret),
            (b"phpsessid", true, Secret),
            (b"sessionid", false, Secret),
        ],
        b'e' => &[
            (b"amzsignature", true, Secret),
            (b"passphrase", true, Secret),
            (b"passcode", true, Secret),
            (b"secretkeybase", true, Secret),
            (b"cookie", true, Cookie),
        ],
        b'l' => &[(b"credential", true, Secret)],
        b'n' => &[
            (b"token", true, Secret),
            (b"authorization", true, Authorization),
            (b"cvn", false, Secret),
        ],
        b's' => &[
            (b"passwords", true, Secret),
            (b"passphrases", true, Secret),
            (b"secrets", true, Secret),
            (b"apikeys", true, Secret),
            (b"secretkeys", true, Secret),
            (b"accesskeys", true, Secret),
            (b"privatekeys", true, Secret),
            (b"credentials", true, Secret),
            (b"passwds", false, Secret),
            (b"cookies", true, Cookie),
            (b"tokens", false, Text),
            (b"pass", false, Text),
        ],
        b't' => &[
            (b"secret", true, Secret),
            (b"passwort", true, Secret),
            (b"jwt", false, Secret),
        ],
        b'p' => &[(b"otp", false, Secret)],
        b'v' => &[(b"cvv", false, Secret)],
        b'w' => &[(b"psw", false, Secret)],
        b'y' => &[
            (b"apikey", true, Secret),
            (b"secretkey", true, Secret),
            (b"accesskey", true, Secret),
            (b"privatekey", true, Secret),
            (b"signingkey", true, Secret),
            (b"encryptionkey", true, Secret),
            (b"masterkey", true, Secret),
            (b"authkey", true, Secret),
            (b"accountkey", true, Secret),
            (b"sharedkey", true, Secret),
            (b"storagekey", true, Secret),
            (b"sessionkey", true, Secret),
            (b"clientkey", true, Secret),
            (b"servicekey", true, Secret),
            (b"licensekey", true, Secret),
            (b"subscriptionkey", true, Secret),
            (b"appkey", false, Secret),
        ],
        _ => &[],
    }
}

/// Parts of the names, in lower case. Each secret key has one of them as it stands, without marks in it. The screen
/// looks for them.
pub(crate) const PARTS: [&[u8; 3]; 17] = [
    b"nid", b"hps", b"otp", b"amz", b"pas", b"pwd", b"psw", b"ecr", b"tok", b"key", b"ede", b"cvv",
    b"cvc", b"cvn", b"jwt", b"zat", b"oki",
];

/// What may stand before a short name without a mark between them.
const OWNERS: [&[u8]; 18] = [
    b"db",
    b"user",
    b"root",
    b"admin",
    b"my",
    b"sql",
    b"mysql",
    b"pg",
    b"postgres",
    b"redis",
    b"smtp",
    b"mail",
    b"ftp",
    b"ldap",
    b"login",
    b"old",
    b"new",
    b"app",
];

/// What may follow a name.
const ENDINGS: [&[u8]; 8] = [
    b"confirmation",
    b"confirm",
    b"repeat",
    b"hash",
    b"value",
    b"base64",
    b"plaintext",
    b"string",
];

/// Keys that end as a secret does but are none.
const OTHERS: [&[u8]; 4] = [
    b"accesscontrolallowcredentials",
    b"allowcredentials",
    b"withcredentials",
    b"usecredentials",
];

/// A key in lower case, without marks, and where words begin in it.
struct Plain {
    bytes: [u8; MAX],
    len: usize,
    /// Bit N: a word begins at byte N.
    words: u64,
}

/// Names of keys from the settings, in lower case and without marks.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    /// Further names of secret keys.
    secret: Vec<Vec<u8>>,
    /// Names of keys that are not secret.
    excluded: Vec<Vec<u8>>,
}

impl Keys {
    /// Adds a name of secret keys. Returns false if it has no letter or digit, or is too long.
    pub(crate) fn add(&mut self, name: &str) -> bool {
        Self::push(&mut self.secret, name)
    }

    /// Adds a name of keys that are not secret. Returns false as above.
    pub(crate) fn exclude(&mut self, name: &str) -> bool {
        Self::push(&mut self.excluded, name)
    }

    fn push(list: &mut Vec<Vec<u8>>, name: &str) -> bool {
        let Some(plain) = Plain::of(name.as_bytes()) else {
            return false;
        };
        list.push(plain.name().to_vec());
        true
    }

    /// Whether a secret key may end before the separator at `at`, behind blanks and quotes.
    #[inline]
    pub(crate) fn may_end(&self, text: &[u8], at: usize) -> bool {
        let marks = |byte: &u8| matches!(byte, b' ' | b'\t' | b'"' | b'\'' | b'`' | b'\\' | b']');
        let end = text[..at]
            .iter()
            .rposition(|byte| !marks(byte))
            .map_or(0, |last| last + 1);
        // Digits that are no key are most often those of a time.
        self.has_own()
            || end + MAX < at
            || end > 1 && may_be_secret(&text[end.saturating_sub(MAX)..end])
    }

    /// Whether there are names of secret keys besides those that are known.
    pub(crate) fn has_own(&self) -> bool {
        !self.secret.is_empty()
    }
}

/// What the value of `key` is, if it is a secret.
pub(crate) fn class(key: &[u8], keys: &Keys) -> Option<Class> {
    let known = may_be_secret(last_field(key.trim_ascii()));
    if !known && keys.secret.is_empty() || matches!(key, b"PWD" | b"OLDPWD") {
        return None;
    }
    let raw = last_words(last_field(key.trim_ascii()));
    let key = Plain::of(raw)?;
    if keys.excluded.iter().any(|name| key.name() == name) {
        return None;
    }
    if keys.secret.iter().any(|name| key.ends_with_word(name)) {
        return Some(Class::Secret);
    }
    if !known {
        return None;
    }
    let key = key.without_ending();
    let name = key.name();
    if name.ends_with(b"s") && OTHERS.contains(&name) || !has_part(raw) {
        return None;
    }
    let is = |&&(end, anywhere, _): &&Name| {
        if anywhere {
            ends_with(name, end)
        } else {
            key.ends_with_word(end)
        }
    };
    let &(_, _, class) = names(*name.last()?).iter().find(is)?;
    Some(class)
}

/// First words of keys of switches.
const FLAGS: [&[u8]; 20] = [
    b"allow",
    b"ask",
    b"change",
    b"disable",
    b"enable",
    b"force",
    b"has",
    b"have",
    b"hide",
    b"is",
    b"mask",
    b"need",
    b"needs",
    b"no",
    b"remember",
    b"require",
    b"requires",
    b"reset",
    b"show",
    b"use",
];

/// Whether a key is the name of a switch: `has_password`, `isToken`.
pub(super) fn is_flag(key: &[u8]) -> bool {
    let mut before = 0;
    let end = key.iter().position(|&byte| {
        let begins = matches!(byte, b'_' | b'-' | b'.' | b' ')
            || byte.is_ascii_uppercase() && u8::is_ascii_lowercase(&before);
        before = byte;
        begins
    });
    let first = &key[..end.unwrap_or(key.len())];
    FLAGS.iter().any(|flag| flag.eq_ignore_ascii_case(first))
}

/// Whether a key has one of the parts as it stands. It has if there are no marks in it.
fn has_part(key: &[u8]) -> bool {
    key.iter().all(u8::is_ascii_alphanumeric)
        || key
            .windows(3)
            .any(|part| PARTS.iter().any(|name| name.eq_ignore_ascii_case(part)))
}

/// The last field in the name of one in a form: `password` of `user[password]`.
fn last_field(key: &[u8]) -> &[u8] {
    match key.strip_suffix(b"]") {
        Some(rest) => rest.rsplit(|&byte| byte == b'[').next().unwrap_or(key),
        None => key,
    }
}

/// The words of a key that tell what it is: the last, or the last two if they are such as `API key`.
fn last_words(key: &[u8]) -> &[u8] {
    let mut words = key.rsplitn(3, |&byte| byte == b' ');
    let (Some(last), Some(first)) = (words.next(), words.next()) else {
        return key;
    };
    let both = last.eq_ignore_ascii_case(b"key") || last.eq_ignore_ascii_case(b"keys");
    let len = if both {
        first.len() + 1 + last.len()
    } else {
        last.len()
    };
    &key[key.len() - len..]
}

/// The ends of the names and endings above, without digits.
const ENDS: [[u8; 2]; 32] = [
    *b"id", *b"re", *b"tp", *b"rd", *b"rt", *b"ds", *b"se", *b"ss", *b"sw", *b"sh", *b"de", *b"et",
    *b"en", *b"ey", *b"ts", *b"ys", *b"al", *b"ls", *b"ns", *b"ng", *b"wd", *b"vv", *b"vc", *b"vn",
    *b"on", *b"ie", *b"es", *b"rm", *b"ue", *b"at", *b"xt", *b"wt",
];

/// A bit for each pair of letters, in any case, that a name or an ending ends with.
const LAST: [u64; 16] = {
    let mut last = [0; 16];
    let mut index = 0;
    while index < ENDS.len() {
        let bit = pair(ENDS[index][0], ENDS[index][1]);
        last[bit / 64] |= 1 << (bit % 64);
        index += 1;
    }
    last
};

/// A number below 1024 for two letters in any case.
const fn pair(a: u8, b: u8) -> usize {
    (a as usize & 31) << 5 | (b as usize & 31)
}

/// Whether a key may be secret by its last bytes. This rules most keys out at once.
#[inline]
fn may_be_secret(key: &[u8]) -> bool {
    let end = key
        .iter()
        .rposition(|byte| !byte.is_ascii_digit())
        .map_or(0, |last| last + 1);
    let Some(&[a, b]) = key[..end].last_chunk() else {
        return false;
    };
    let bit = pair(a, b);
    match b {
        // What stands before the mark counts: `password_1`.
        b'_' | b'-' | b'.' => true,
        _ => b.is_ascii_alphabetic() && LAST[bit / 64] >> (bit % 64) & 1 == 1,
    }
}

impl Plain {
    /// Returns `None` if the key is empty or too long.
    fn of(key: &[u8]) -> Option<Self> {
        if key.len() > MAX {
            return None;
        }
        let mut plain = Self {
            bytes: [0; MAX],
            len: 0,
            words: 1,
        };
        let mut before = 0;
        for &byte in key {
            let begins = match before {
                b'_' | b'-' | b'.' | b' ' | b'$' => true,
                b'a'..=b'z' | b'0'..=b'9' => byte.is_ascii_uppercase(),
                _ => false,
            };
            before = byte;
            if matches!(byte, b'_' | b'-' | b'.' | b' ' | b'$') {
                continue;
            }
            plain.words |= u64::from(begins) << plain.len;
            plain.bytes[plain.len] = byte.to_ascii_lowercase();
            plain.len += 1;
        }
        (plain.len > 0).then_some(plain)
    }

    fn name(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// Without a number and a word such as `confirmation` at its end.
    fn without_ending(mut self) -> Self {
        self.strip_digits();
        for ending in ENDINGS {
            if self.name().len() > ending.len() && ends_with(self.name(), ending) {
                self.len -= ending.len();
                break;
            }
        }
        self.strip_digits();
        self
    }

    fn strip_digits(&mut self) {
        let end = self.name().iter().rposition(|byte| !byte.is_ascii_digit());
        self.len = end.map_or(self.len, |last| last + 1);
    }

    /// Whether the key ends with `name`, which begins a word or follows the name of an owner.
    fn ends_with_word(&self, name: &[u8]) -> bool {
        if !ends_with(self.name(), name) {
            return false;
        }
        let owner = &self.name()[..self.len - name.len()];
        self.words >> owner.len() & 1 == 1 || OWNERS.contains(&owner)
    }
}

#[cfg(test)]
mod tests {
    use super::{Class, Keys};

    fn class(key: &[u8]) -> Option<Class> {
        super::class(key, &Keys::default())
    }

    #[test]
    fn secret_keys() {
        for key in [
            "password",
            "Password",
            "PassWord",
            "PASSWORD",
            "passwd",
            "passphrase",
            "DB_PASSWORD",
            "db.password",
            "userPassword",
            "user-password",
            "secret",
            "client_secret",
            "clientSecret",
            "ClientSecret",
            "secret_access_key",
            "aws_secret_access_key",
            "SecretAccessKey",
            "api_key",
            "apiKey",
            "APIKey",
            "api-key",
            "X-API-Key",
            "x-auth-token",
            "token",
            "access_token",
            "csrftoken",
            "private_key",
            "privateKey",
            "pwd",
            "Pwd",
            "userPwd",
            "DB_PWD",
            "password1",
            "password_confirmation",
            "new_password2",
            "dbpassword",
            "credentials",
            "AccountKey",
            "cvv",
            "API Key",
            "spring.datasource.password",
            "dbpasswd",
        ] {
            assert_eq!(class(key.as_bytes()), Some(Class::Secret), "{key}");
        }
        for key in ["pass", "DB_PASS", "dbPass", "userpass", "tokens"] {
            assert_eq!(class(key.as_bytes()), Some(Class::Text), "{key}");
        }
        for key in [
            "Authorization",
            "authorization",
            "Proxy-Authorization",
            "http_authorization",
        ] {
            assert_eq!(class(key.as_bytes()), Some(Class::Authorization), "{key}");
        }
        for key in ["Cookie", "Set-Cookie", "set_cookie", "cookies"] {
            assert_eq!(class(key.as_bytes()), Some(Class::Cookie), "{key}");
        }
    }

    #[test]
    fn other_keys() {
        for key in [
            "",
            "PAM",
            "PWD",
            "OLDPWD",
            "chpasswd",
            "gpasswd",
            "bypass",
            "compass",
            "user",
            "key",
            "token_type",
            "tokenizer",
            "password_file",
            "secretary",
            "keys",
            "id",
            "session",
            "access_key_id",
            "monkey",
            "path",
            "d",
            "primary_key",
            "port",
            "access-control-allow-credentials",
            "keyword",
            "token_count",
            "passing",
            "passed",
        ] {
            assert_eq!(class(key.as_bytes()), None, "{key}");
        }
        assert_eq!(class(&[b'a'; 65]), None);
    }

    #[test]
    fn own_names() {
        let mut keys = Keys::default();
        assert!(keys.add("badge_no") && keys.exclude("csrf-token") && !keys.add("-_"));
        for key in ["badge_no", "badgeNo", "user-badge-no", "BADGE_NO"] {
            assert_eq!(
                super::class(key.as_bytes(), &keys),
                Some(Class::Secret),
                "{key}"
            );
        }
        for key in ["mybadgenox", "csrf_token", "csrfToken"] {
            assert_eq!(super::class(key.as_bytes(), &keys), None, "{key}");
        }
        assert_eq!(super::class(b"access_token", &keys), Some(Class::Secret));
    }
}
