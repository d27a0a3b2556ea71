//! `redact`: built-in and custom patterns, masks.

use super::pipe::{outputs, pipe};

#[test]
fn masks_each_built_in_pattern() {
    outputs(
        "plugin = \"redact\"",
        b"1.2.3.4 - bob@x.org \"GET /?password=hunter2&x=1\"\r\n\
          paid with 4111 1111 1111 1111.\n\
          Authorization: Bearer abc.DEF-123_456==\n\
          to DE89370400440532013000\n\
          auth eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl ok\n\
          from fe80::1 now\n\
          \0\xff bob@x.org \xfe",
        b"[ipv4] - [email] \"GET /?password=[password]&x=1\"\r\n\
          paid with [card].\n\
          Authorization: Bearer [bearer]\n\
          to [iban]\n\
          auth [jwt] ok\n\
          from [ipv6] now\n\
          \0\xff [email] \xfe",
    );
}

/// Values are decoded, and written back encoded: JSON stays JSON.
#[test]
fn masks_what_is_encoded() {
    outputs(
        "plugin = \"redact\"",
        br#"{"user":"bob@x.org","token":true,"n":4111111111111111,"m":"a\n10.0.0.1 \u003cbob@example.org"}
{"token":["abc","def"],"password":"a\"b"}
"password"=>"hunter2 x", :token => "abc"
PAN 5500000000000004 07/29 CVV 123
ip:2001:db8::1 %3D10.0.0.1 bob%40example.com
pam_unix(chpasswd:chauthtok): password changed
export AWS=AKIAIOSFODNN7EXAMPLE PWD=/home/bob
"#,
        br#"{"user":"[email]","token":"[password]","n":"[card]","m":"a\n[ipv4] \u003c[email]"}
{"token":["[password]","[password]"],"password":"[password]"}
"password"=>"[password]", :token => "[password]"
PAN [card] 07/29 CVV 123
ip:[ipv6] %3D[ipv4] [email]
pam_unix(chpasswd:chauthtok): password changed
export AWS=[secret] PWD=/home/bob
"#,
    );
}

#[test]
fn each_detector_has_an_action() {
    outputs(
        "plugin = \"redact\"\nsettings = { actions = { card = \"keep_last4\", email = \"hash\" }, salt = \"0123456789abcdef\" }",
        b"card 4111111111111111 of bob@x.org and bob@x.org\n",
        b"card ****1111 of [email:9c6cdc7d09851fd4] and [email:9c6cdc7d09851fd4]\n",
    );
    outputs(
        "plugin = \"redact\"\nsettings = { action = \"drop\" }",
        b"a bob@x.org\nb\n",
        b"b\n",
    );
}

#[test]
fn leaves_lookalikes() {
    // A card and an IBAN with wrong check digits; versions, times, paths; a pattern that is off by default.
    let input = b"order 4111 1111 1111 1112\n\
                  to DE88370400440532013000\n\
                  version 1.2.3 or 1.2.3.4.5\n\
                  at 10:14:02 in std::vec\n\
                  00:1b:44:11:3a:b7\n";
    outputs("plugin = \"redact\"", input, input);
}

#[test]
fn takes_custom_patterns_and_a_mask() {
    outputs(
        "plugin = \"redact\"\nsettings = { patterns = [\"email\", \"mac\"], \
         custom = { badge = \"B-[0-9]{4}\" }, mask = \"<{name}>\" }",
        b"B-1234 B-12 bob@x.org 1.2.3.4 00:1b:44:11:3a:b7\n",
        b"<badge> B-12 <email> 1.2.3.4 <mac>\n",
    );
    outputs(
        "plugin = \"redact\"\nsettings = { mask = \"\" }",
        b"mail bob@x.org now\n",
        b"mail  now\n",
    );
}

#[test]
fn refuses_settings_that_would_not_mask_as_intended() {
    let refused = |settings: &str, parts: &[&str]| {
        pipe(&format!("plugin = \"redact\"\nsettings = {settings}"), b"")
            .failure()
            .stderr_has(parts);
    };
    refused(
        "{ patterns = [\"e-mail\"] }",
        &["c.toml:3", "e-mail", "email"],
    );
    refused("{ custom = { badge = \"[\" } }", &["c.toml:3", "badge"]);
    refused("{ pattern = [\"email\"] }", &["c.toml:3", "pattern"]);
}
