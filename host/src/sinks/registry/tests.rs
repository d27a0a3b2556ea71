//! Sinks that several listeners name.

use super::*;
use crate::sinks::testing::{MUCH, batch, late, options};
use linemill_config::settings::UpstreamTls;
use linemill_telemetry::{Format, Registry};

fn key(to: Destination) -> Key {
    Key::new(&to, None, Framing::Lf)
}

#[tokio::test]
async fn a_file_named_twice_is_one_sink() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a");
    let to = Destination::File(path.clone());
    let mut metrics = Registry::default();
    let registry = SinkRegistry::new(
        Families::register(&mut metrics),
        Families::register(&mut metrics),
        Families::register(&mut metrics),
    );
    let open = |buffer| registry.open(key(to.clone()), &options(), buffer);
    let (one, other) = (open(4).expect("opened"), open(8).expect("opened"));
    assert!(one.is_same(&other));
    // The larger of the two bounds holds.
    assert!(one.offer(&batch("a\nb\n")));
    assert!(other.offer(&batch("c\nd\n")));
    assert!(!other.offer(&batch("e\n")));
    assert_eq!(registry.finish(late()).await, 0);
    assert_eq!(
        std::fs::read_to_string(&path).expect("read"),
        "a\nb\nc\nd\n"
    );
    let text = Format::OpenMetrics.text(&metrics).expect("text");
    let counted = format!("output_lines_total{{output=\"{to}\"}} 4\n");
    assert!(text.contains(&counted), "{text}");
}

#[tokio::test]
async fn other_certificates_are_another_sink() {
    let to: Destination = "tls://127.0.0.1:1".parse().expect("a destination");
    let mut metrics = Registry::default();
    let registry = SinkRegistry::new(
        Families::register(&mut metrics),
        Families::register(&mut metrics),
        Families::register(&mut metrics),
    );
    for name in [None, Some("a".to_owned())] {
        let tls = Some(UpstreamTls {
            name,
            ..UpstreamTls::default()
        });
        let key = Key::new(&to, tls, Framing::Lf);
        registry.open(key, &options(), MUCH).expect("opened");
    }
    let text = Format::OpenMetrics.text(&metrics).expect("text");
    for name in ["tls://127.0.0.1:1", "tls://127.0.0.1:1#2"] {
        let up = format!("output_up{{output=\"{name}\"}} 0\n");
        assert!(text.contains(&up), "{text}");
    }
}

#[tokio::test]
async fn what_cannot_be_opened_is_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let gone = Destination::File(folder.path().join("gone/a"));
    let registry = SinkRegistry::new(
        Families::default(),
        Families::default(),
        Families::default(),
    );
    let error = registry.open(key(gone), &options(), MUCH);
    assert_eq!(
        error.expect_err("no folder").kind(),
        std::io::ErrorKind::NotFound
    );
    assert!(
        registry
            .open(key(Destination::Reply), &options(), MUCH)
            .is_err()
    );
}
