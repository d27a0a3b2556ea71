//! Faults that the filter had once, and others of their kinds.

use super::{masked, untouched};

#[test]
fn a_card_may_be_followed_by_other_numbers() {
    masked(
        "PAN 5500000000000004 07/29 CVV 123",
        "PAN [card] 07/29 CVV 123",
    );
    masked("4111111111111111 12", "[card] 12");
    masked("card 4111111111111111-5", "card [card]-5");
    masked("4111 1111 1111 1111 0729 123", "[card] 0729 123");
    masked(
        "4111-1111-1111-1111,4111111111111111;378282246310005",
        "[card],[card];[card]",
    );
}

#[test]
fn other_long_numbers_are_no_cards() {
    untouched("081109 204453 34 INFO dfs.FSNamesystem: blk_-1608999687919862906 of size 67108864");
    untouched(
        "at 1700000000000 1700000000000000 1700000000000000000 6ba7b810-9dad-11d1-80b4-00c04fd430c8",
    );
    untouched("seq=4111111111111112 hash=-4111111111111111 0.4242424242424242 0x4111111111111111");
}

#[test]
fn json_stays_json() {
    masked(
        r#"{"a":"\u003cbob@example.org"}"#,
        r#"{"a":"\u003c[email]"}"#,
    );
    masked(r#"{"a":"x\nbob@x.org"}"#, r#"{"a":"x\n[email]"}"#);
    masked(
        r#"{"pan":4111111111111111,"n":1}"#,
        r#"{"pan":"[card]","n":1}"#,
    );
    masked(r#"{"token":true}"#, r#"{"token":"[password]"}"#);
    masked(r#"{"a":{"token":null}}"#, r#"{"a":{"token":"[password]"}}"#);
    masked(
        r#"{"token":["abc","def"],"x":1}"#,
        r#"{"token":["[password]","[password]"],"x":1}"#,
    );
    masked(
        r#"{"secret":{"a":"b","c":[1,{"d":"e"}]},"x":"y"}"#,
        r#"{"secret":{"a":"[password]","c":["[password]",{"d":"[password]"}]},"x":"y"}"#,
    );
    masked(r#"[4111111111111111,"a@b.cc"]"#, r#"["[card]","[email]"]"#);
}

#[test]
fn nothing_hides_behind_an_escape() {
    masked(r#"{"a":"a\n10.0.0.1"}"#, r#"{"a":"a\n[ipv4]"}"#);
    masked(r"a\n10.0.0.1", r"a\n[ipv4]");
    masked(r"\u003c10.0.0.1", r"\u003c[ipv4]");
    masked(r"\x0a10.0.0.1", r"\x0a[ipv4]");
    masked("x#01210.0.0.1", "x#012[ipv4]");
    masked("a%3D10.0.0.1", "a%3D[ipv4]");
    masked("bob%40example.com", "[email]");
    masked(r"bob\u0040x.org", "[email]");
    masked("Bearer%20abc123DEF456", "Bearer%20[bearer]");
    masked(r"\nbob@x.org", r"\n[email]");
    masked(
        "&lt;bob@x.org&gt; &quot;password&quot;:&quot;a b&quot;",
        "&lt;[email]&gt; &quot;password&quot;:&quot;[password]&quot;",
    );
    masked(
        "q=%7B%22password%22%3A%22a%20b%22%7D&x=1",
        "q=%7B%22password%22%3A%22[password]%22%7D&x=1",
    );
    masked("u=bob%2540example.com", "u=[email]");
}

#[test]
fn the_secret_is_masked_not_the_operator() {
    masked(r#""password"=>"hunter2""#, r#""password"=>"[password]""#);
    for operator in [
        "=", ":", "=>", ":=", "==", "::", " = ", ": ", " => ", " := ", " : ",
    ] {
        masked(
            &format!("password{operator}hunter2 x"),
            &format!("password{operator}[password] x"),
        );
        masked(
            &format!("'password'{operator}'hun ter2', x"),
            &format!("'password'{operator}'[password]', x"),
        );
    }
    masked(
        r#"{"a":"b","password":"a\"b c","d":1}"#,
        r#"{"a":"b","password":"[password]","d":1}"#,
    );
    masked(r#"password="a\"b c" d"#, r#"password="[password]" d"#);
}

#[test]
fn words_that_only_look_like_keys() {
    for line in [
        "pam_unix(chpasswd:chauthtok): password changed for ann",
        "sudo: ann : TTY=pts/0 ; PWD=/home/ann ; USER=root ; COMMAND=/bin/ls",
        "/etc/passwd: no such file",
        "Unexpected token: }",
        "SyntaxError: Unexpected token: foo",
        "Basic understanding of bearer bonds",
        "PAM: Authentication failure",
        "Failed password for root from host port 22 ssh2",
        "password: must be at least 8 characters",
        "bypass=true compass: north pass=3 fail=0 max_tokens=512",
        "token_type: bearer, PWD=/root pwd=/tmp",
        "std::token::Kind secret::Key token::new(x)",
    ] {
        untouched(line);
    }
}

#[test]
fn addresses_of_the_sixth_version_in_all_places() {
    masked("en0:2607:f140:400:a036:7ce3:1d41:6e12:1a2b", "en0:[ipv6]");
    masked("ip:2001:db8::1", "ip:[ipv6]");
    masked("/2001:db8:0:0:0:0:0:1:41835", "/[ipv6]:41835");
    masked("2001:db8::3: x", "[ipv6]: x");
    masked(
        r#"{"ip":"2001:db8::1","x":"::1"}"#,
        r#"{"ip":"[ipv6]","x":"[ipv6]"}"#,
    );
}

#[test]
fn secrets_that_had_no_detector() {
    masked(
        "postgres://app:pw@10.4.0.9/shop",
        "postgres://app:[password]@[ipv4]/shop",
    );
    masked(
        r#"{"dsn":"postgres:\/\/app:pw@db\/shop"}"#,
        r#"{"dsn":"postgres:\/\/app:[password]@db\/shop"}"#,
    );
    masked(
        "secret_access_key=abc DB_PASS=x passphrase: x",
        "secret_access_key=[password] DB_PASS=[password] passphrase: [password]",
    );
    masked(
        "<password>hunter2</password><a b=\"c\">",
        "<password>[password]</password><a b=\"c\">",
    );
    masked(
        "<ns:db-password x=\"y\"><![CDATA[a<b]]></ns:db-password>",
        "<ns:db-password x=\"y\"><![CDATA[[password]]]></ns:db-password>",
    );
    masked(
        "run --password hunter2 --api-key 'a b' --token",
        "run --password [password] --api-key '[password]' --token",
    );
    masked("Cookie: a=b; c=d", "Cookie: [cookie]");
    masked(
        "-H 'Cookie: a=b; c=d e' -H 'Authorization: Token abc'",
        "-H 'Cookie: [cookie]' -H 'Authorization: Token [bearer]'",
    );
    masked(
        "Authorization: Digest username=\"ann\", response=\"6629\" 200",
        "Authorization: Digest [bearer] 200",
    );
    masked(
        r#"{"Authorization":"Basic YTpi","Set-Cookie":["a=b","c=d"]}"#,
        r#"{"Authorization":"Basic [bearer]","Set-Cookie":["[cookie]","[cookie]"]}"#,
    );
    masked(
        r#"{"name":"DB_PASSWORD","value":"x"}"#,
        r#"{"name":"DB_PASSWORD","value":"[password]"}"#,
    );
    masked(
        &[
            "key AKIA",
            "IOSFODNN7EXAMPLE:wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY x",
        ]
        .concat(),
        "key [secret]:[secret] x",
    );
    masked(
        r"-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----\n x",
        r"[secret]\n x",
    );
    masked(
        r#"{"k":"-----BEGIN PRIVATE KEY-----\nMIIB\n","x":1}"#,
        r#"{"k":"[secret]","x":1}"#,
    );
}
