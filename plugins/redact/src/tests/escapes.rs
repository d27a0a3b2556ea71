//! Texts in texts.

use super::masked;

#[test]
fn json_in_a_string() {
    masked(
        r#"{"log":"{\"password\":\"a\\\"b\",\"n\":4111111111111111,\"t\":[true]}"}"#,
        r#"{"log":"{\"password\":\"[password]\",\"n\":\"[card]\",\"t\":[true]}"}"#,
    );
    masked(
        r#"{"log":"{\"in\":\"{\\\"token\\\":12,\\\"a\\\":\\\"bob@x.org\\\"}\"}"}"#,
        r#"{"log":"{\"in\":\"{\\\"token\\\":\\\"[password]\\\",\\\"a\\\":\\\"[email]\\\"}\"}"}"#,
    );
}

#[test]
fn json_behind_a_prefix() {
    masked(
        r#"<13>Oct 11 22:14:15 host app[123]: {"token":1,"a":[4111111111111111]} 10.0.0.1"#,
        r#"<13>Oct 11 22:14:15 host app[123]: {"token":"[password]","a":["[card]"]} [ipv4]"#,
    );
    masked(
        r#"password={"a":"b"} x"#,
        r#"password={"a":"[password]"} x"#,
    );
}

#[test]
fn json_in_a_quoted_value() {
    masked(
        r#"level=info msg="{\"password\":\"a b\",\"n\":1}" x=1"#,
        r#"level=info msg="{\"password\":\"[password]\",\"n\":1}" x=1"#,
    );
    masked(
        r#"msg="{\"token\":true}" x=1"#,
        r#"msg="{\"token\":\"[password]\"}" x=1"#,
    );
}

#[test]
fn urls_in_json() {
    masked(
        r#"{"url":"https://x.org/?user=bob%40x.org&password=hun%20ter&b=1"}"#,
        r#"{"url":"https://x.org/?user=[email]&password=[password]&b=1"}"#,
    );
}

#[test]
fn truncated_json_is_read_as_text() {
    masked(
        r#"{"a":"bob@x.org","password":"a\"b c","token":12,"secret":"cut of"#,
        r#"{"a":"[email]","password":"[password]","token":"[password]","secret":"[password]"#,
    );
}

#[test]
fn hashes_of_other_languages() {
    masked(
        r#"{:user=>"ann", :password=>"a b", "token"=>nil}"#,
        r#"{:user=>"ann", :password=>"[password]", "token"=>"[password]"}"#,
    );
    masked(
        "{'user': 'ann', 'password': 'a b', 'token': None}",
        "{'user': 'ann', 'password': '[password]', 'token': '[password]'}",
    );
    masked(
        "{user=ann, password=abc}, x",
        "{user=ann, password=[password]}, x",
    );
    masked(
        "$_POST['password'] = 'x'; params[:token] = y",
        "$_POST['password'] = '[password]'; params[:token] = [password]",
    );
}
