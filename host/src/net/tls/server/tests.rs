//! What a listener's files may hold, and when they count as changed.

use super::*;
use crate::net::tls::testing::{Certificates, refused};

#[test]
fn files_that_cannot_be_used_are_named() {
    let files = Certificates::new();
    files.sign("a", "localhost");
    files.sign("b", "localhost");
    files.write("empty.pem", "nothing");
    files.write("cut.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n");
    files.write("der.pem", "\x30\x01");
    files.write(
        "locked.key",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
    );
    files.write(
        "nonsense.pem",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    );
    let load = |cert: &str, key: &str, ca: Option<&str>| {
        let settings = Tls {
            cert: files.path(cert),
            key: files.path(key),
            client_ca: ca.map(|ca| files.path(ca)),
            ..files.tls("a")
        };
        Server::load(&settings, None, &linemill_config::Files::default())
    };
    assert!(load("a.crt", "a.key", None).is_ok());
    assert!(load("a.crt", "a.key", Some("ca.pem")).is_ok());
    for (cert, key, ca, problem, hint) in [
        ("no.crt", "a.key", None, "no.crt: ", "check the path"),
        ("a.crt", "no.key", None, "no.key: ", "check the path"),
        (
            "a.crt",
            "a.key",
            Some("no.pem"),
            "no.pem: ",
            "check the path",
        ),
        (
            "empty.pem",
            "a.key",
            None,
            "empty.pem holds no certificate",
            "-----BEGIN CERTIFICATE-----",
        ),
        (
            "a.key",
            "a.key",
            None,
            "a.key holds no certificate",
            "belongs to `key`",
        ),
        (
            "a.crt",
            "a.crt",
            None,
            "a.crt holds no private key",
            "holds a certificate",
        ),
        (
            "a.crt",
            "locked.key",
            None,
            "locked.key holds no private key",
            "decrypt it",
        ),
        (
            "der.pem",
            "a.key",
            None,
            "der.pem holds no certificate",
            "openssl x509 -inform der",
        ),
        (
            "cut.pem",
            "a.key",
            None,
            "cut.pem: not PEM",
            "write it again",
        ),
        (
            "nonsense.pem",
            "a.key",
            None,
            "nonsense.pem: ",
            "write it again",
        ),
        (
            "a.crt",
            "b.key",
            None,
            "b.key: this is not the private key of the certificate in ",
            "made together",
        ),
        (
            "a.crt",
            "a.key",
            Some("empty.pem"),
            "empty.pem holds no certificate",
            "",
        ),
        (
            "a.crt",
            "a.key",
            Some("nonsense.pem"),
            "nonsense.pem: not an authority",
            "",
        ),
    ] {
        refused(load(cert, key, ca), problem, hint);
    }
    refused(load("", "a.key", None), "is not a regular file", "itself");
    let huge = "x".repeat(2 << 20);
    files.write("huge.pem", &huge);
    refused(load("huge.pem", "a.key", None), "is larger than 1 MiB", "");
}

#[test]
fn the_same_bytes_are_the_same_server() {
    let files = Certificates::new();
    let before = files.server("a");
    let settings = files.tls("a");
    let load = |settings: &Tls| {
        Server::load(settings, Some(&before), &linemill_config::Files::default()).expect("a server")
    };

    assert!(Arc::ptr_eq(&load(&settings), &before));

    let asking = Tls {
        client_ca: Some(files.path("ca.pem")),
        ..settings.clone()
    };
    assert!(!Arc::ptr_eq(load(&asking).config(), before.config()));
    let asked = load(&asking);
    let named = Tls {
        client_names: Some(vec!["sensor-1".parse().expect("a name")]),
        ..asking
    };
    let named =
        Server::load(&named, Some(&asked), &linemill_config::Files::default()).expect("a server");
    // A client that is not let in any more must not resume its session.
    assert!(!Arc::ptr_eq(named.config(), asked.config()));

    files.sign("a", "localhost");
    assert!(!Arc::ptr_eq(load(&settings).config(), before.config()));
}

#[test]
fn no_key_is_shown() {
    let shown = format!("{:?}", Certificates::new().server("a"));
    assert_eq!(shown, "Server { client_names: None, .. }");
}
