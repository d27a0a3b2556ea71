//! Outputs that several listeners name.

use super::*;
use linemill_config::settings::HopTls;

fn key(to: Destination) -> Key {
    Key { to, tls: None }
}

#[tokio::test]
async fn whoever_names_a_file_has_the_same_output() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a");
    let to = Destination::File(path.clone());
    let (outputs, metrics) = (Outputs::default(), Metrics::new());
    let open = |buffer| outputs.open(key(to.clone()), None, buffer, &metrics);
    let (one, other) = (open(4).expect("opened"), open(8).expect("opened"));
    assert!(Arc::ptr_eq(&one.0, &other.0));
    // The larger of the two bounds holds.
    assert!(one.offer(&batch("a\nb\n")));
    assert!(other.offer(&batch("c\nd\n")));
    assert!(!other.offer(&batch("e\n")));
    assert_eq!(outputs.finish(late()).await, 0);
    assert_eq!(
        std::fs::read_to_string(&path).expect("read"),
        "a\nb\nc\nd\n"
    );
    let text = metrics.text().expect("text");
    let counted = format!("linemill_output_lines_total{{output=\"{to}\"}} 4\n");
    assert!(text.contains(&counted), "{text}");
}

#[tokio::test]
async fn other_certificates_are_another_output() {
    let to: Destination = "tls://127.0.0.1:1".parse().expect("a destination");
    let (outputs, metrics) = (Outputs::default(), Metrics::new());
    for name in [None, Some("a".to_owned())] {
        let tls = Some(HopTls {
            name,
            ..HopTls::default()
        });
        let key = Key {
            to: to.clone(),
            tls,
        };
        let hop = Some(hop(&to.to_string()));
        outputs.open(key, hop, MUCH, &metrics).expect("opened");
    }
    let text = metrics.text().expect("text");
    for name in ["tls://127.0.0.1:1", "tls://127.0.0.1:1#2"] {
        let up = format!("linemill_output_up{{output=\"{name}\"}} 0\n");
        assert!(text.contains(&up), "{text}");
    }
}

#[tokio::test]
async fn what_cannot_be_opened_is_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let gone = Destination::File(folder.path().join("gone/a"));
    let (outputs, metrics) = (Outputs::default(), Metrics::new());
    let error = outputs.open(key(gone), None, MUCH, &metrics);
    assert_eq!(
        error.expect_err("no folder").kind(),
        std::io::ErrorKind::NotFound
    );
    assert!(
        outputs
            .open(key(Destination::Reply), None, MUCH, &metrics)
            .is_err()
    );
}
