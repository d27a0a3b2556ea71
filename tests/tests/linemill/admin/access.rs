//! Access to the admin address: tokens, Unix sockets, web pages, limits on clients.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use linemill_tests::{Folder, Host, command, exchange, request, request_with, run};

#[test]
fn a_web_page_cannot_reload() {
    let host = Host::with("");
    let mut stream = TcpStream::connect(host.admin()).expect("the admin address");
    let request = "POST /reload HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    assert_eq!(host.metric("linemill_reloads_total", &[]), 0.0);
}

#[test]
#[cfg(unix)]
fn the_admin_address_may_be_a_unix_socket() {
    let folder = Folder::new();
    let config = Host::config("", "").replacen("127.0.0.1:0\"\n\n[[", "unix:admin.sock\"\n\n[[", 1);
    let host = Host::serve_in(folder, config);
    let path = host.folder().path();
    host.announced(0);
    run(path, ["status", "--admin", "unix:admin.sock"], b"")
        .success()
        .stdout_has(&["generation  1 since"]);
    run(path, ["reload", "--config", "linemill.toml"], b"")
        .success()
        .stdout_has(&["unchanged"]);
}

#[test]
fn a_configured_token_is_required() {
    let config = Host::config("", "").replacen(
        "admin = \"127.0.0.1:0\"",
        "admin = \"0.0.0.0:0\"\nadmin_token = \"0123456789abcdef\"",
        1,
    );
    let host = Host::serve(config);
    let port = host.admin().port();
    let admin = format!("127.0.0.1:{port}");
    let address = admin.parse().expect("an address");
    for path in ["/healthz", "/readyz"] {
        assert_eq!(request(address, "GET", path).status, 200, "{path}");
    }
    for path in ["/metrics", "/status", "/log", "/config", "/trials"] {
        assert_eq!(request(address, "GET", path).status, 401, "{path}");
    }
    assert_eq!(request(address, "POST", "/reload").status, 401);
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let authorization = format!("{scheme} 0123456789abcdef");
        let headers = [("Authorization", &*authorization), ("Host", "any.example")];
        let answer = request_with(address, "GET", "/trials", &headers);
        assert_eq!(answer.status, 200, "{scheme}");
    }
    let file = host
        .folder()
        .path()
        .join(format!("linemill/0.0.0.0:{port}.token"));
    assert!(!file.exists(), "a token of its own");
    let verb = |token: Option<&str>| {
        let mut status = command(host.folder().path());
        status.args(["status", "--admin", &admin]);
        if let Some(token) = token {
            status.env("LINEMILL_ADMIN_TOKEN", token);
        }
        status.output().expect("the binary runs")
    };
    let without = verb(None);
    let report = String::from_utf8_lossy(&without.stderr);
    assert!(report.contains("LINEMILL_ADMIN_TOKEN"), "{report}");
    assert!(!verb(Some("0123456789abcdeF")).status.success());
    assert!(verb(Some("0123456789abcdef")).status.success());
}

#[test]
#[cfg(unix)]
fn an_admin_socket_is_private_to_its_user() {
    use std::os::unix::fs::PermissionsExt as _;

    let config = Host::config("", "").replacen("127.0.0.1:0\"\n\n[[", "unix:admin.sock\"\n\n[[", 1);
    let host = Host::serve(config);
    host.announced(0);
    let path = host.folder().path().join("admin.sock");
    let mode = std::fs::metadata(path)
        .expect("a socket")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

/// Clients that send endless headers, or nothing, are closed; others are served meanwhile.
#[test]
fn misbehaving_clients_are_closed() {
    let host = Host::with("");
    let connect = || TcpStream::connect(host.admin()).expect("it accepts");
    let mut endless = connect();
    endless
        .write_all(b"GET /status HTTP/1.1\r\n")
        .expect("sent");
    let header = format!("X-More: {}\r\n", "x".repeat(1000));
    // More than a head may have: the host stops reading, or answers and closes.
    for _ in 0..64 {
        if endless.write_all(header.as_bytes()).is_err() {
            break;
        }
    }
    let mut answer = Vec::new();
    drop(endless.read_to_end(&mut answer));
    assert!(
        answer.is_empty() || answer.starts_with(b"HTTP/1.1 4"),
        "{answer:?}"
    );
    let _silent: Vec<_> = (0..16).map(|_| connect()).collect();
    assert_eq!(host.get("/healthz").status, 200);
    let mut random = connect();
    random.write_all(&[0xff, 0, 13, 10, 13, 10]).expect("sent");
    let mut answer = Vec::new();
    drop(random.read_to_end(&mut answer));
    assert_eq!(host.get("/readyz").status, 200);
}

/// A page whose own name leads to this machine sees and changes nothing.
#[test]
fn the_host_must_be_named_by_an_address_or_localhost() {
    let host = Host::with("");
    let admin = host.admin();
    for (method, path) in [
        ("GET", "/metrics"),
        ("GET", "/status"),
        ("GET", "/config"),
        ("GET", "/trials"),
        ("POST", "/reload"),
        ("GET", "/nothing"),
    ] {
        for name in [
            "attacker.example",
            "attacker.example:9713",
            "127.0.0.1.attacker.example",
            "",
        ] {
            let answer = request_with(admin, method, path, &[("Host", name)]);
            assert_eq!(
                answer.status, 421,
                "{method} {path} {name}: {}",
                answer.body
            );
            assert!(answer.body.contains("admin_names"), "{}", answer.body);
        }
    }
    for name in [
        "localhost",
        "LocalHost:80",
        "127.0.0.1",
        "[::1]:1",
        "192.0.2.1",
    ] {
        assert_eq!(
            request_with(admin, "GET", "/status", &[("Host", name)]).status,
            200,
            "{name}"
        );
    }
    let absolute = "GET http://attacker.example/status HTTP/1.1\r\nHost: localhost\r\n\r\n";
    assert_eq!(exchange(admin, absolute).status, 421);
    for (head, status) in [
        ("GET /healthz HTTP/1.1\r\n\r\n", 400),
        (
            "GET /status HTTP/1.1\r\nHost: localhost\r\nHost: attacker.example\r\n\r\n",
            400,
        ),
        ("GET /status HTTP/1.0\r\n\r\n", 200),
        (
            "POST /reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx",
            413,
        ),
        (
            "POST /reload HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            413,
        ),
    ] {
        assert_eq!(exchange(admin, head).status, status, "{head}");
    }
    assert_eq!(host.metric("linemill_reloads_total", &[]), 0.0);
    let names = [("reason", "host_name")];
    assert!(host.metric("linemill_admin_refused_total", &names) > 24.0);
}

#[test]
fn the_admin_address_may_have_names() {
    let config = |names: &str| {
        let admin = format!("admin = \"127.0.0.1:0\"\nadmin_names = {names}");
        Host::config("", "").replacen("admin = \"127.0.0.1:0\"", &admin, 1)
    };
    let host = Host::serve(config("[\"admin.example.org\"]"));
    let ask = |name| request_with(host.admin(), "GET", "/status", &[("Host", name)]).status;
    assert_eq!(ask("Admin.example.org:80"), 200);
    assert_eq!(ask("other.example.org"), 421);
    host.swap(config("[\"other.example.org\"]"));
    assert_eq!(ask("other.example.org"), 200);
    assert_eq!(ask("admin.example.org"), 421);
}

#[test]
fn browsers_do_not_change_anything_or_see_payload() {
    let host = Host::with("");
    let token = std::fs::read_to_string(host.token_file()).expect("a token");
    let authorization = format!("Bearer {token}");
    let ask = |method: &str, path: &str, header| {
        let headers = [header, ("Authorization", &*authorization)];
        request_with(host.admin(), method, path, &headers).status
    };
    for site in ["cross-site", "same-site"] {
        for (method, path) in [
            ("POST", "/reload"),
            ("POST", "/rollback"),
            ("POST", "/promote?filter=rot13"),
            ("POST", "/log?level=debug"),
            ("GET", "/config"),
            ("GET", "/trials"),
        ] {
            let status = ask(method, path, ("Sec-Fetch-Site", site));
            assert_eq!(status, 403, "{method} {path} {site}");
        }
    }
    for site in ["same-origin", "none"] {
        assert_eq!(
            ask("POST", "/reload", ("Sec-Fetch-Site", site)),
            200,
            "{site}"
        );
        assert_eq!(
            ask("GET", "/trials", ("Sec-Fetch-Site", site)),
            200,
            "{site}"
        );
    }
    assert_eq!(
        ask("GET", "/config", ("Origin", "http://attacker.example")),
        403
    );
}

/// Payload needs a token even on loopback. Verbs of the same user find it; it goes with the host.
#[test]
#[cfg(unix)]
fn payload_needs_a_token_that_local_verbs_find() {
    use std::os::unix::fs::PermissionsExt as _;

    let mut host = Host::with("");
    let admin = host.admin();
    for path in ["/config", "/trials"] {
        let answer = request(admin, "GET", path);
        assert_eq!(answer.status, 401, "{path}");
        assert!(
            answer
                .head
                .to_lowercase()
                .contains("www-authenticate: bearer"),
            "{}",
            answer.head
        );
        assert_eq!(host.get(path).status, 200, "{path}");
        let wrong = [("Authorization", "Bearer 0123456789abcdef")];
        assert_eq!(
            request_with(admin, "GET", path, &wrong).status,
            401,
            "{path}"
        );
    }
    assert_eq!(request(admin, "GET", "/status").status, 200);
    let file = host.token_file();
    let mode = |path: &std::path::Path| path.metadata().expect("it exists").permissions().mode();
    assert_eq!(mode(&file) & 0o777, 0o600);
    assert_eq!(mode(file.parent().expect("a folder")) & 0o777, 0o700);
    let against = || {
        let admin = admin.to_string();
        run(
            host.folder().path(),
            ["check", "linemill.toml", "--against", &admin],
            b"",
        )
    };
    against().success().stdout_has(&["nothing would change"]);
    // A file that others could have read is not trusted.
    let open = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(&file, open).expect("the file is ours");
    against()
        .failure()
        .stderr_has(&["requires a token", "LINEMILL_ADMIN_TOKEN"]);
    host.terminate();
    assert!(host.wait().success());
    assert!(!file.exists(), "left behind");
}

#[test]
#[cfg(unix)]
fn a_unix_socket_needs_no_token() {
    let config = Host::config("", "").replacen("127.0.0.1:0\"\n\n[[", "unix:admin.sock\"\n\n[[", 1);
    let host = Host::serve(config);
    host.announced(0);
    let args = ["check", "linemill.toml", "--against", "unix:admin.sock"];
    run(host.folder().path(), args, b"")
        .success()
        .stdout_has(&["nothing would change"]);
    assert!(!host.folder().path().join("linemill").exists());
}

#[test]
fn methods_are_what_http_says() {
    let host = Host::with("");
    for path in ["/healthz", "/metrics", "/status"] {
        let get = host.get(path);
        let head = request(host.admin(), "HEAD", path);
        assert_eq!((head.status, head.body.as_str()), (200, ""), "{path}");
        let put = request(host.admin(), "PUT", path);
        assert_eq!(put.status, 405, "{path}");
        assert!(
            put.head.to_lowercase().contains("allow: get,head"),
            "{}",
            put.head
        );
        let closes = get.head.to_lowercase();
        assert!(closes.contains("connection: close"), "{closes}");
        assert!(closes.contains("cache-control: no-store"), "{closes}");
    }
    let get = request(host.admin(), "GET", "/reload");
    assert!(
        get.status == 405 && get.head.to_lowercase().contains("allow: post"),
        "{}",
        get.head
    );
    assert_eq!(request(host.admin(), "POST", "/nothing").status, 404);
}
