//! Records of which the system has not seen the end.

use super::*;

fn records(sizes: &[usize]) -> Records {
    Records {
        sizes: sizes.iter().copied().collect(),
        all: sizes.iter().sum(),
    }
}

#[test]
fn a_record_is_acknowledged_as_a_whole_or_not_at_all() {
    let records = records(&[100, 200, 300]);
    // Encrypted bytes not acknowledged and not sent; what that says of the content.
    for (counted, found) in [
        ((0, 0), (0, 0)),
        ((1, 0), (300, 0)),
        ((321, 0), (300, 0)),
        ((322, 0), (500, 0)),
        ((1, 1), (300, 300)),
        ((400, 364), (500, 300)),
        ((400, 365), (500, 500)),
        ((10_000, 10_000), (600, 600)),
    ] {
        let counted = Outstanding {
            unacknowledged: counted.0,
            unsent: counted.1,
        };
        let expected = Outstanding {
            unacknowledged: found.0,
            unsent: found.1,
        };
        assert_eq!(records.outstanding(false, counted), expected, "{counted:?}");
    }
}

#[test]
fn a_record_that_waits_for_the_system_was_not_sent() {
    let found = records(&[100, 200]).outstanding(
        true,
        Outstanding {
            unacknowledged: 10,
            unsent: 0,
        },
    );
    assert_eq!((found.unacknowledged, found.unsent), (300, 200));
}

#[test]
fn records_are_forgotten_once_their_bytes_are_accounted_for() {
    let mut records = records(&[100, 200, 300]);
    records.forget_all_but(301);
    assert_eq!((records.sizes.len(), records.all), (2, 500));
    records.forget_all_but(0);
    assert_eq!((records.sizes.len(), records.all), (0, 0));
}
