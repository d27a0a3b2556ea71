use super::{failure, json, parsed};

#[test]
fn the_examples_of_apache() {
    let common =
        r#"127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /apache_pb.gif HTTP/1.0" 200 2326"#;
    assert_eq!(
        parsed(
            json!({ "format": "common", "numbers": ["status", "size"] }),
            common
        ),
        r#"{"client":"127.0.0.1","user":"frank","timestamp":"10/Oct/2000:13:55:36 -0700","method":"GET","path":"/apache_pb.gif","protocol":"HTTP/1.0","status":200,"size":2326}"#
    );
    let combined = format!(
        "{common} \"http://www.example.com/start.html\" \"Mozilla/4.08 [en] (Win98; I ;Nav)\""
    );
    assert_eq!(
        parsed(json!({ "format": "combined" }), combined),
        r#"{"client":"127.0.0.1","user":"frank","timestamp":"10/Oct/2000:13:55:36 -0700","method":"GET","path":"/apache_pb.gif","protocol":"HTTP/1.0","status":"200","size":"2326","referer":"http://www.example.com/start.html","agent":"Mozilla/4.08 [en] (Win98; I ;Nav)"}"#
    );
}

#[test]
fn a_virtual_host_may_come_first() {
    let rest = r#"[01/May/2024:12:00:00 +0000] "GET / HTTP/1.1" 200 5"#;
    for format in ["common", "combined"] {
        let quoted = if format == "combined" {
            r#" "-" "-""#
        } else {
            ""
        };
        for (before, json) in [
            (
                "example.com:80 1.2.3.4 - -",
                r#""vhost":"example.com:80","client":"1.2.3.4""#,
            ),
            (
                "[::1]:443 ::1 - ann",
                r#""vhost":"[::1]:443","client":"::1","user":"ann""#,
            ),
            (
                "example.com:80 client.example id ann b",
                r#""vhost":"example.com:80","client":"client.example","identity":"id","user":"ann b""#,
            ),
            (
                "example.com 1.2.3.4 - -",
                r#""vhost":"example.com","client":"1.2.3.4""#,
            ),
            ("1.2.3.4:567 - - ", r#""client":"1.2.3.4:567","user":"- ""#),
            (
                "1.2.3.4:567 - john doe",
                r#""client":"1.2.3.4:567","user":"john doe""#,
            ),
            (
                "2001:db8::80 id john doe",
                r#""client":"2001:db8::80","identity":"id","user":"john doe""#,
            ),
        ] {
            let line = format!("{before} {rest}{quoted}");
            if before.ends_with("- ") {
                failure(json!({ "format": format }), &line);
                continue;
            }
            let object = parsed(json!({ "format": format }), &line);
            assert!(
                object.starts_with(&format!("{{{json},\"timestamp\"")),
                "{line}: {object}"
            );
        }
        assert_eq!(
            failure(
                json!({ "format": format }),
                &format!("example.com client.example - - {rest}{quoted}")
            ),
            "not an access log: there is more than client, identity and user before the time"
        );
    }
}

#[test]
fn lines_of_nginx() {
    let settings = json!({ "format": "combined", "numbers": ["status", "size"] });
    assert_eq!(
        parsed(
            settings.clone(),
            r#"2001:db8::7 - - [01/May/2024:12:00:00 +0000] "POST /a b?q=\x22x\x22&u=\xC3\xBC HTTP/2.0" 204 0 "-" "-" "203.0.113.9, 10.0.0.1""#
        ),
        r#"{"client":"2001:db8::7","timestamp":"01/May/2024:12:00:00 +0000","method":"POST","path":"/a b?q=\"x\"&u=ü","protocol":"HTTP/2.0","status":204,"size":0,"forwarded_for":"203.0.113.9, 10.0.0.1"}"#
    );
    // A TLS handshake on a port for HTTP, and a connection without a request.
    assert_eq!(
        parsed(
            settings.clone(),
            r#"198.51.100.3 - - [01/May/2024:12:00:00 +0000] "\x16\x03\x01\x00\xEE" 400 157 "-" "-""#
        ),
        "{\"client\":\"198.51.100.3\",\"timestamp\":\"01/May/2024:12:00:00 +0000\",\
         \"request\":\"\\u0016\\u0003\\u0001\\u0000\u{FFFD}\",\"status\":400,\"size\":157}"
    );
    assert_eq!(
        parsed(
            settings,
            r#"198.51.100.3 - - [01/May/2024:12:00:00 +0000] "" 400 0 "-" "-""#
        ),
        r#"{"client":"198.51.100.3","timestamp":"01/May/2024:12:00:00 +0000","request":"","status":400,"size":0}"#
    );
}

#[test]
fn quotes_are_escaped_by_a_backslash() {
    let line = r#"h.example id "John \"J\" Doe" [01/May/2024:12:00:00 +0200] "GET /\"x\\ HTTP/1.1" 404 - "http://a/?q=\"y\"" "\t\\x""#;
    assert_eq!(
        parsed(json!({ "format": "combined" }), line),
        r#"{"client":"h.example","identity":"id","user":"\"John \"J\" Doe\"","timestamp":"01/May/2024:12:00:00 +0200","method":"GET","path":"/\"x\\","protocol":"HTTP/1.1","status":"404","referer":"http://a/?q=\"y\"","agent":"\t\\x"}"#
    );
}

#[test]
fn what_is_no_access_log_fails() {
    let head = r#"1.2.3.4 - - [01/May/2024:12:00:00 +0000] "GET / HTTP/1.1""#;
    for (format, line, reason) in [
        ("common", String::new(), "not an access log"),
        (
            "common",
            "a b c".into(),
            "not an access log: there is no `[` before a time",
        ),
        (
            "common",
            "a - - [x] 200".into(),
            "not an access log: there is no quoted request after the time",
        ),
        (
            "common",
            "a - - [x] \"GET".into(),
            "not an access log: a quote is not closed",
        ),
        (
            "common",
            head.into(),
            "not an access log: there is no status after the request",
        ),
        (
            "common",
            format!("{head} 20 5"),
            "not an access log: there is no status after the request",
        ),
        (
            "common",
            format!("{head} 200"),
            "not an access log: there is no size after the status",
        ),
        (
            "common",
            format!("{head} 200 5 \"-\" \"-\""),
            "not the common log format: there is more after the size",
        ),
        (
            "combined",
            format!("{head} 200 5"),
            "not the combined log format: there is no quoted referer and agent after the size",
        ),
        (
            "combined",
            format!("{head} 200 5 \"-\""),
            "not the combined log format: there is no agent after the referer",
        ),
        (
            "combined",
            format!("{head} 200 5 \"-\" \"-\" \"-\" 7"),
            "not the combined log format: there is more after the agent",
        ),
    ] {
        assert_eq!(
            failure(json!({ "format": format }), &line),
            reason,
            "{line}"
        );
    }
}
