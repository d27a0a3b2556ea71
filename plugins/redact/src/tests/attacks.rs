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

#[test]
fn values_in_brackets() {
    masked(
        "Authorization:[Bearer abc.def1] x",
        "Authorization:[Bearer [bearer]] x",
    );
    masked(
        "{Authorization=[Basic YTpi], a=[b]}",
        "{Authorization=[Basic [bearer]], a=[b]}",
    );
    masked("Cookie:[a=b; c=d] x", "Cookie:[[cookie]] x");
    masked(
        "password: Some(\"abc def\"), n: 1",
        "password: Some(\"[password]\"), n: 1",
    );
    masked(
        "Login { password: Secret(\"x\") }",
        "Login { password: Secret(\"[password]\") }",
    );
    masked("token=SecretStr('x')", "token=SecretStr('[password]')");
    masked("token=hash(a b)", "token=[password]");
    masked("tokens: [abc, hunter2] x", "tokens: [[password]] x");
    masked("passwords=[abc, hunter2]", "passwords=[[password]]");
    masked("password=(abc def)", "password=([password])");
    masked("password={abc def}, x", "password={[password]}, x");
    masked("password=(abc def", "password=[password] def");
    untouched("tokens: [1, 2], password=[] token=()");
    for line in [
        "password=([password])",
        "passwords=[[password]]",
        "t: Secret(\"[password]\")",
    ] {
        untouched(line);
    }
}

#[test]
fn all_of_a_header_of_cookies() {
    for cookies in [
        "a=1, sid=S3CRET",
        "sid=\"abc\"; z=SECRET",
        "a='x'; z=SECRET",
        "a=1; Expires=Wed, 21 Oct 2025 07:28:00 GMT, sid=S; Path=/",
        "a=1; expires=Wed, 21 Oct 2025 07:28:00 GMT; Secure; sid=S",
        "a=b;c=\"d e\", f=g",
    ] {
        masked(&format!("Set-Cookie: {cookies}"), "Set-Cookie: [cookie]");
        let line = json!({ "h": format!("Cookie: {cookies}"), "n": 1 }).to_string();
        masked(&line, r#"{"h":"Cookie: [cookie]","n":1}"#);
        let line = json!({ "l": line }).to_string();
        masked(&line, r#"{"l":"{\"h\":\"Cookie: [cookie]\",\"n\":1}"}"#);
    }
    masked(
        "Authorization: Token token=\"s3cr3t\", email=\"b\" 200",
        "Authorization: Token [bearer] 200",
    );
    untouched("cookie: disabled");
}

#[test]
fn what_only_looks_like_a_secret() {
    for line in [
        r#"{"dd.trace_id":"4111111111111111110","timestamp":"4111111111111111"}"#,
        r#"{"version":"1.2.3.4","appVersion":"1.2.3.4"}"#,
        "--- PASS: TestFoo (0.00s)",
        "PASS: test_foo",
        "passwd: pam_unix(passwd:chauthtok): password changed for bob",
        "invalid token: unexpected end of input",
        "unexpected token: ';'",
        "Authorization: missing header",
        "token_type=bearer expires_in=3600",
        "LISTEN 0 128 :::22 :::*",
        "slice[1::2]",
        "has_password=true isToken: false, reset_password: true show_password=false",
        r#"{"has_password":true,"useToken":false,"require_secret":true}"#,
    ] {
        untouched(line);
    }
    masked("slice[1::2x] [1::2]", "slice[1::2x] [[ipv6]]");
    masked("password=true", "password=[password]");
    masked("has_password=hunter2", "has_password=[password]");
    masked("PASS: hunter2", "PASS: [password]");
    masked(r#"{"token":true}"#, r#"{"token":"[password]"}"#);
}

#[test]
fn names_and_values_in_json() {
    masked(
        r#"[{"value":"hunter2","name":"password"},{"value":"x","name":"user"}]"#,
        r#"[{"value":"[password]","name":"password"},{"value":"x","name":"user"}]"#,
    );
    masked(
        r#"{"k":"password","v":"x"}"#,
        r#"{"k":"password","v":"[password]"}"#,
    );
    masked(
        r#"[["Cookie","a=b"],["X-Api-Key","abc"],["Host","h"]]"#,
        r#"[["Cookie","[cookie]"],["X-Api-Key","[password]"],["Host","h"]]"#,
    );
    masked(
        r#"["Authorization","Bearer abc","Cookie","a=b","Host","h"]"#,
        r#"["Authorization","Bearer [bearer]","Cookie","[cookie]","Host","h"]"#,
    );
    masked(
        r#"{"args":["docker","login","--password","hunter2","--token","-x","h"]}"#,
        r#"{"args":["docker","login","--password","[password]","--token","-x","h"]}"#,
    );
    untouched(r#"{"required":["password","email"],"value":"x","v":["a"]}"#);
}

#[test]
fn lists_forms_and_fields() {
    masked(
        "run ['--password', 'hunter2', 'x']",
        "run ['--password', '[password]', 'x']",
    );
    masked(
        "user[password]=abc&a[b]=c",
        "user[password]=[password]&a[b]=c",
    );
    masked(
        "user%5Bpassword%5D=hunter2&x=1",
        "user%5Bpassword%5D=[password]&x=1",
    );
    masked(
        r#"{"user[password]":"x"}"#,
        r#"{"user[password]":"[password]"}"#,
    );
    masked(
        r#"1,"{""password"":""hun ter2"",""n"":1}",x"#,
        r#"1,"{""password"":""[password]"",""n"":1}",x"#,
    );
    masked(
        r#""{""Authorization"":""Bearer abc""}",x"#,
        r#""{""Authorization"":""Bearer [bearer]""}",x"#,
    );
    masked(
        r#""DB_PASSWORD=correct horse""#,
        r#""DB_PASSWORD=[password]""#,
    );
    masked(
        "'DB_PASSWORD=correct horse' x",
        "'DB_PASSWORD=[password]' x",
    );
    masked(
        r#"{"env":["DB_PASSWORD=correct horse","A=b"],"a":["--password=abc def"]}"#,
        r#"{"env":["DB_PASSWORD=[password]","A=b"],"a":["--password=[password]"]}"#,
    );
    masked(
        r#"{"msg":"token=abc user=bob was here"}"#,
        r#"{"msg":"token=[password] user=bob was here"}"#,
    );
    masked(
        "Server=db;User Id=sa;Password=correct horse;Encrypt=true",
        "Server=db;User Id=sa;Password=[password];Encrypt=true",
    );
    masked(
        r#"{"y":"user: ann\npassword: s3cret zz\n  token: x y\nn: 1"}"#,
        r#"{"y":"user: ann\npassword: [password]\n  token: [password]\nn: 1"}"#,
    );
}

#[test]
fn attributes_and_elements() {
    for line in [
        "<add key=\"ApiKey\" value=\"#\"/>",
        "<property name='password' value='#'/>",
        "<property name=\"password\">#</property>",
        "<input type=\"text\" name=\"password\" class=\"c\" value=\"#\">",
        "<Password><Value>#</Value></Password>",
        "<key>password</key><string>#</string>",
        "<name>fs.s3a.secret.key</name> <value>#</value>",
    ] {
        masked(&line.replace('#', "a b"), &line.replace('#', "[password]"));
        untouched(&line.replace('#', "[password]"));
        let line = json!({ "x": line }).to_string();
        masked(&line.replace('#', "ab"), &line.replace('#', "[password]"));
    }
    untouched("<add key=\"Color\" value=\"red\"/><key>user</key><string>x</string>");
    untouched("<input name=\"password\"><b>x</b>");
}

#[test]
fn further_forms_and_keys() {
    let path = "T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX";
    masked(
        &format!("POST https://hooks.slack.com/services/{path} 200"),
        "POST https://[secret] 200",
    );
    masked(
        "/b?sv=2020&sig=abc%2Fdef%3D&se=1",
        "/b?sv=2020&sig=[secret]&se=1",
    );
    masked(
        "?X-Amz-Signature=abcdef0123&x=1",
        "?X-Amz-Signature=[password]&x=1",
    );
    let google = format!("1//0{}", "aB3-".repeat(12));
    masked(&format!("refresh {google} x"), "refresh [secret] x");
    let telegram = format!("123456789:AA{}", "aB3".repeat(11));
    masked(
        &format!("/bot{telegram}/getMe"),
        "/bot123456789:[secret]/getMe",
    );
    let jwt = "ewogICJhbGciOiAibm9uZSIKfQ.eyJzdWIiOiIxMjM0In0.";
    masked(&format!("t {jwt} x"), "t [jwt] x");
    for key in [
        "JSESSIONID",
        "PHPSESSID",
        "sessionid",
        "otp",
        "Ocp-Apim-Subscription-Key",
        "AuthKey",
        "app_key",
    ] {
        masked(&format!("{key}=abc1 x"), &format!("{key}=[password] x"));
        let line = json!({ key: "a b" }).to_string();
        masked(&line, &line.replace("a b", "[password]"));
    }
    untouched("sig=1 session_count=3 1//0 12:AAB resig=2 network framework");
}
