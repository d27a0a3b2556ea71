use super::{failure, json, parsed};

/// The line as each of `formats` parses it, which must be the same.
fn object(formats: &[&str], line: &str) -> String {
    let objects: Vec<String> = formats
        .iter()
        .map(|format| parsed(json!({ "format": format }), line))
        .collect();
    assert!(
        objects.iter().all(|object| *object == objects[0]),
        "{objects:?}"
    );
    objects[0].clone()
}

fn new(line: &str) -> String {
    object(&["syslog", "syslog5424"], line)
}

fn old(line: &str) -> String {
    object(&["syslog", "syslog3164"], line)
}

/// The examples of RFC 5424, section 6.5.
#[test]
fn the_examples_of_rfc_5424() {
    for (line, json) in [
        (
            "<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - \u{FEFF}'su root' failed for lonvick on /dev/pts/8",
            r#"{"facility":"auth","severity":"crit","version":"1","timestamp":"2003-10-11T22:14:15.003Z","hostname":"mymachine.example.com","appname":"su","msgid":"ID47","message":"'su root' failed for lonvick on /dev/pts/8"}"#,
        ),
        (
            "<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time to make the do-nuts.",
            r#"{"facility":"local4","severity":"notice","version":"1","timestamp":"2003-08-24T05:14:15.000003-07:00","hostname":"192.0.2.1","appname":"myproc","procid":"8710","message":"%% It's time to make the do-nuts."}"#,
        ),
        (
            "<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 [exampleSDID@32473 iut=\"3\" eventSource=\"Application\" eventID=\"1011\"] \u{FEFF}An application event log entry...",
            r#"{"facility":"local4","severity":"notice","version":"1","timestamp":"2003-10-11T22:14:15.003Z","hostname":"mymachine.example.com","appname":"evntslog","msgid":"ID47","structured_data":{"exampleSDID@32473":{"iut":"3","eventSource":"Application","eventID":"1011"}},"message":"An application event log entry..."}"#,
        ),
        (
            "<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 [exampleSDID@32473 iut=\"3\" eventSource=\"Application\" eventID=\"1011\"][examplePriority@32473 class=\"high\"]",
            r#"{"facility":"local4","severity":"notice","version":"1","timestamp":"2003-10-11T22:14:15.003Z","hostname":"mymachine.example.com","appname":"evntslog","msgid":"ID47","structured_data":{"exampleSDID@32473":{"iut":"3","eventSource":"Application","eventID":"1011"},"examplePriority@32473":{"class":"high"}}}"#,
        ),
    ] {
        assert_eq!(new(line), json);
    }
}

#[test]
fn years_and_zones_belong_to_the_time() {
    for time in [
        "Oct 11 22:14:15",
        "Oct 11 22:14:15 UTC",
        "Oct 11 22:14:15 CEST",
        "Oct 11 22:14:15 UTC+2",
        "Oct 11 22:14:15 Z",
        "Oct 11 22:14:15Z",
        "Oct 11 22:14:15.123 +02:00",
        "Oct 11 22:14:15+0200",
        "Oct 11 22:14:15 -07",
        "Oct 11 22:14:15 2024",
        "Oct 11 22:14:15 2024 UTC",
        "Oct 11 22:14:15 2024 +02:00",
        "Oct 11 22:14:15 UTC 2024",
        "Oct 11 22:14:15 +02:00 2024",
        "Oct 11 22:14:15 XYZT 2024",
        "Oct  1 2024 22:14:15 CEST",
        "2024 Oct 11 22:14:15",
        "2024 Oct 11 22:14:15.003 CEST",
        "2024 Oct 11 22:14:15 +02:00",
        "2024-10-11T22:14:15 UTC",
        "2024-10-11T22:14:15.1+02:00",
    ] {
        let expected = format!(
            r#"{{"facility":"auth","severity":"crit","timestamp":"{time}","hostname":"mx","appname":"su","message":"x"}}"#
        );
        assert_eq!(old(&format!("<34>{time} mx su: x")), expected);
        assert_eq!(
            old(&format!("{time} su: x")),
            format!(r#"{{"timestamp":"{time}","appname":"su","message":"x"}}"#)
        );
    }
    for host in ["MX", "UTCX", "+2", "-host", "UTC1", "Zed", "2024x"] {
        let expected =
            format!(r#"{{"timestamp":"Oct 11 22:14:15","hostname":"{host}","appname":"su"}}"#);
        assert_eq!(old(&format!("Oct 11 22:14:15 {host} su:")), expected);
    }
}

/// The examples of RFC 5424, section 6.2.3.1.
#[test]
fn the_times_of_rfc_5424() {
    for time in [
        "1985-04-12T23:20:50.52Z",
        "1985-04-12T19:20:50.52-04:00",
        "2003-10-11T22:14:15.003Z",
        "2003-08-24T05:14:15.000003-07:00",
    ] {
        let object = new(&format!("<0>1 {time} - - - - -"));
        let expected = format!(
            r#"{{"facility":"kern","severity":"emerg","version":"1","timestamp":"{time}"}}"#
        );
        assert_eq!(object, expected);
    }
    let reason = "not RFC 5424: the time is not like 2003-10-11T22:14:15.003Z, with at most six digits of a second";
    for time in [
        "2003-08-24T05:14:15.000000003-07:00",
        "2003-08-24T05:14:15",
        "2003-08-24T05:14:15.Z",
        "2003-08-24t05:14:15z",
        "2003-13-24T05:14:15Z",
        "2003-08-24T24:14:15Z",
        "2003-08-24T05:14:15+0200",
        "2003-08-24",
        "",
    ] {
        let line = format!("<0>1 {time} - - - - -");
        assert_eq!(
            failure(json!({ "format": "syslog5424" }), &line),
            reason,
            "{time}"
        );
    }
}

/// The examples of RFC 5424, section 6.3.5, and values with escapes.
#[test]
fn structured_data() {
    let object = |data: &str| {
        let object = new(&format!("<13>1 - - - - - {data}"));
        object.replace(
            r#"{"facility":"user","severity":"notice","version":"1","#,
            "{",
        )
    };
    for (data, json) in [
        (
            r#"[a@1 x="1"] [b@1 y="2"]"#,
            r#"{"structured_data":{"a@1":{"x":"1"}},"message":"[b@1 y=\"2\"]"}"#,
        ),
        (
            r#"[sigSig ver="1" rsID="1234" iut="3" signature="..."]"#,
            r#"{"structured_data":{"sigSig":{"ver":"1","rsID":"1234","iut":"3","signature":"..."}}}"#,
        ),
        ("[a@1]", r#"{"structured_data":{"a@1":{}}}"#),
        (
            r#"[o x="a\"b\\c\]d" y="C:\dir ]" z=""] m"#,
            r#"{"structured_data":{"o":{"x":"a\"b\\c]d","y":"C:\\dir ]","z":""}},"message":"m"}"#,
        ),
        (
            r#"[origin ip="192.0.2.1" ip="192.0.2.129" sw="x"] "#,
            r#"{"structured_data":{"origin":{"ip":["192.0.2.1","192.0.2.129"],"sw":"x"}}}"#,
        ),
        ("-  two  blanks ", r#"{"message":" two  blanks "}"#),
    ] {
        assert_eq!(object(data), json);
    }
    for data in [
        r#"[ a@1 x="1"][b@1 y="2"]"#,
        r#"[a x="1"]m"#,
        r#"[a x="1"#,
        r#"[a x="1\"]"#,
        "[a x=1]",
        "[]",
        "[a ]",
    ] {
        let line = format!("<13>1 - - - - - {data}");
        assert_eq!(
            failure(json!({ "format": "syslog" }), &line),
            "not RFC 5424: the structured data is not `[id name=\"value\"]`",
            "{data}"
        );
    }
    assert_eq!(
        failure(
            json!({ "format": "syslog" }),
            r#"<13>1 - - - - - [a x="1"][b][a x="2"]"#
        ),
        "not RFC 5424: the structured data has an element twice"
    );
}

#[test]
fn other_senders_of_rfc_5424() {
    // Heroku, which leaves out structured data.
    assert_eq!(
        new("<40>1 2012-11-30T06:45:29+00:00 host app web.3 - State changed from starting to up"),
        r#"{"facility":"syslog","severity":"emerg","version":"1","timestamp":"2012-11-30T06:45:29+00:00","hostname":"host","appname":"app","procid":"web.3","message":"State changed from starting to up"}"#
    );
    // util-linux logger.
    assert_eq!(
        new(
            r#"<13>1 2024-05-01T12:00:00.123456+02:00 box root - - [timeQuality tzKnown="1" isSynced="1" syncAccuracy="84500"] hello"#
        ),
        r#"{"facility":"user","severity":"notice","version":"1","timestamp":"2024-05-01T12:00:00.123456+02:00","hostname":"box","appname":"root","structured_data":{"timeQuality":{"tzKnown":"1","isSynced":"1","syncAccuracy":"84500"}},"message":"hello"}"#
    );
}

/// The examples of RFC 3164, section 5.4.
#[test]
fn the_examples_of_rfc_3164() {
    for (line, json) in [
        (
            "<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8",
            r#"{"facility":"auth","severity":"crit","timestamp":"Oct 11 22:14:15","hostname":"mymachine","appname":"su","message":"'su root' failed for lonvick on /dev/pts/8"}"#,
        ),
        (
            "<13>Feb  5 17:32:18 10.0.0.99 Use the BFG!",
            r#"{"facility":"user","severity":"notice","timestamp":"Feb  5 17:32:18","hostname":"10.0.0.99","message":"Use the BFG!"}"#,
        ),
        (
            "<165>Aug 24 05:34:00 CST 1987 mymachine myproc[10]: %% It's time to make the do-nuts.  %%",
            r#"{"facility":"local4","severity":"notice","timestamp":"Aug 24 05:34:00 CST 1987","hostname":"mymachine","appname":"myproc","procid":"10","message":"%% It's time to make the do-nuts.  %%"}"#,
        ),
        (
            "<0>1990 Oct 22 10:52:01 TZ-6 scapegoat.dmz.example.org 10.1.2.3 sched[0]: That's All Folks!",
            r#"{"facility":"kern","severity":"emerg","timestamp":"1990 Oct 22 10:52:01 TZ-6","hostname":"scapegoat.dmz.example.org","message":"10.1.2.3 sched[0]: That's All Folks!"}"#,
        ),
    ] {
        assert_eq!(old(line), json);
    }
    let reason = "not RFC 3164: the line begins neither with a priority nor with a time";
    assert_eq!(
        failure(json!({ "format": "syslog" }), "Use the BFG!"),
        reason
    );
}

#[test]
fn lines_of_rsyslog_and_journald() {
    for (line, json) in [
        (
            "2024-05-01T12:00:00.123456+02:00 web1 sshd[4721]: Accepted publickey for root",
            r#"{"timestamp":"2024-05-01T12:00:00.123456+02:00","hostname":"web1","appname":"sshd","procid":"4721","message":"Accepted publickey for root"}"#,
        ),
        (
            "2024-05-01T12:00:00+0200 web1 systemd[1]: Started x.service.",
            r#"{"timestamp":"2024-05-01T12:00:00+0200","hostname":"web1","appname":"systemd","procid":"1","message":"Started x.service."}"#,
        ),
        (
            "May  1 12:00:00 web1 kernel: [12345.678] eth0: link up",
            r#"{"timestamp":"May  1 12:00:00","hostname":"web1","appname":"kernel","message":"[12345.678] eth0: link up"}"#,
        ),
        (
            "May 01 12:00:00.123456 web1 CRON[99]: (root) CMD (true)",
            r#"{"timestamp":"May 01 12:00:00.123456","hostname":"web1","appname":"CRON","procid":"99","message":"(root) CMD (true)"}"#,
        ),
        (
            "May  1 12:00:00 web1 last message repeated 2 times",
            r#"{"timestamp":"May  1 12:00:00","hostname":"web1","message":"last message repeated 2 times"}"#,
        ),
        (
            "May  1 12:00:00 web1 postfix/smtpd[7]: connect from ::1",
            r#"{"timestamp":"May  1 12:00:00","hostname":"web1","appname":"postfix/smtpd","procid":"7","message":"connect from ::1"}"#,
        ),
        (
            "May  1 12:00:00 web1 http://x: y",
            r#"{"timestamp":"May  1 12:00:00","hostname":"web1","message":"http://x: y"}"#,
        ),
    ] {
        assert_eq!(old(line), json);
    }
}

#[test]
fn senders_without_a_host_or_with_times_of_their_own() {
    for (line, json) in [
        // syslog(3) to a local socket.
        (
            "<13>May  1 12:00:00 root[17]: hello",
            r#"{"facility":"user","severity":"notice","timestamp":"May  1 12:00:00","appname":"root","procid":"17","message":"hello"}"#,
        ),
        (
            "<13>May  1 12:00:00 root: ",
            r#"{"facility":"user","severity":"notice","timestamp":"May  1 12:00:00","appname":"root"}"#,
        ),
        (
            "<30>dockerd[1]: ready",
            r#"{"facility":"daemon","severity":"info","appname":"dockerd","procid":"1","message":"ready"}"#,
        ),
        // Cisco.
        (
            "<189>123: *Mar  1 18:46:11.123: %SYS-5-CONFIG_I: Configured from console",
            r#"{"facility":"local7","severity":"notice","timestamp":"Mar  1 18:46:11.123","appname":"%SYS-5-CONFIG_I","message":"Configured from console"}"#,
        ),
        (
            "<166>Oct 11 2024 22:14:15: %ASA-6-302013: Built",
            r#"{"facility":"local4","severity":"info","timestamp":"Oct 11 2024 22:14:15","appname":"%ASA-6-302013","message":"Built"}"#,
        ),
        (
            "<166>Oct 11 2024 22:14:15 fw1 : %ASA-6-302013: Built",
            r#"{"facility":"local4","severity":"info","timestamp":"Oct 11 2024 22:14:15","hostname":"fw1","appname":"%ASA-6-302013","message":"Built"}"#,
        ),
        (
            "<189>Mar  1 18:46:11 UTC: %SYS-5-X: y",
            r#"{"facility":"local7","severity":"notice","timestamp":"Mar  1 18:46:11 UTC","appname":"%SYS-5-X","message":"y"}"#,
        ),
        (
            "Oct 11 22:14:15 2024 fw a: b",
            r#"{"timestamp":"Oct 11 22:14:15 2024","hostname":"fw","appname":"a","message":"b"}"#,
        ),
        (
            "Oct 11 22:14:15 FW a: b",
            r#"{"timestamp":"Oct 11 22:14:15","hostname":"FW","appname":"a","message":"b"}"#,
        ),
    ] {
        assert_eq!(old(line), json);
    }
}

#[test]
fn the_formats_are_told_apart() {
    let message = "<13>1 user logged in";
    let expected = r#"{"facility":"user","severity":"notice","message":"1 user logged in"}"#;
    assert_eq!(old(message), expected);
    assert_eq!(
        failure(json!({ "format": "syslog5424" }), "May  1 12:00:00 h a: b"),
        "not RFC 5424: there is no priority such as <34>"
    );
    assert_eq!(
        failure(
            json!({ "format": "syslog5424" }),
            "<13>May  1 12:00:00 h a: b"
        ),
        "not RFC 5424: there is no version after the priority"
    );
    assert_eq!(
        failure(json!({ "format": "syslog" }), "<13>1 - host app"),
        "not RFC 5424: the procid is missing"
    );
    for priority in ["192", "007", "", "-1", "1000", "x"] {
        let line = format!("<{priority}>1 - - - - - -");
        let reason = failure(json!({ "format": "syslog5424" }), &line);
        assert_eq!(
            reason, "not RFC 5424: there is no priority such as <34>",
            "{priority}"
        );
    }
}
