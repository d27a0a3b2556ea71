//! Whom the host trusts, and as whom.

use super::*;
use crate::net::tls::testing::{Certificates, refused};

#[test]
fn files_that_cannot_be_used_are_named() {
    let files = Certificates::new();
    files.sign("a", "a");
    files.sign("b", "b");
    let load = |change: fn(&Certificates, &mut UpstreamTls)| {
        let mut settings = files.upstream_tls();
        change(&files, &mut settings);
        Client::load(&settings, None, &linemill_config::Files::default())
    };
    refused(
        load(|files, tls| tls.ca = Some(files.path("no.pem"))),
        "no.pem: ",
        "check the path",
    );
    refused(
        load(|files, tls| tls.ca = Some(files.path("a.key"))),
        "a.key holds no certificate",
        "private key",
    );
    refused(
        load(|files, tls| {
            tls.cert = Some(files.path("a.crt"));
            tls.key = Some(files.path("b.key"));
        }),
        "b.key: this is not the private key of the certificate in ",
        "made together",
    );
    refused(
        load(|_, tls| tls.name = Some("not a name".into())),
        "`not a name` cannot be the name of a server",
        "DNS name",
    );
}

#[test]
fn the_same_bytes_are_the_same_client() {
    let files = Certificates::new();
    let before = files.client();
    let load = |settings: &UpstreamTls| {
        Client::load(settings, Some(&before), &linemill_config::Files::default()).expect("a client")
    };
    let settings = files.upstream_tls();
    assert!(Arc::ptr_eq(&load(&settings), &before));

    let named = UpstreamTls {
        name: Some("other.test".into()),
        ..settings.clone()
    };
    let named = load(&named);
    assert!(Arc::ptr_eq(named.config(), before.config()));
    assert_eq!(
        named.name("localhost").ok(),
        ServerName::try_from("other.test").ok()
    );

    files.sign("a", "a");
    let shown = UpstreamTls {
        cert: Some(files.path("a.crt")),
        key: Some(files.path("a.key")),
        ..settings
    };
    assert!(!Arc::ptr_eq(load(&shown).config(), before.config()));
}

#[test]
fn a_host_is_named_as_in_its_certificate() {
    let client = Certificates::new().client();
    for (host, name) in [
        ("log.example.org", "log.example.org"),
        ("log.example.org.", "log.example.org"),
        ("192.0.2.1", "192.0.2.1"),
        ("[2001:db8::1]", "2001:db8::1"),
    ] {
        let found = client.name(host).expect(host);
        assert_eq!(found.to_str(), name);
    }
}
