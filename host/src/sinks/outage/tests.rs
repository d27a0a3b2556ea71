//! What is said about a sink that is down.

use super::*;

#[tokio::test(start_paused = true)]
async fn the_state_names_the_last_reason() {
    let outage = Outage::new("here".to_owned());
    let new = outage.state(0, Rates::default());
    assert_eq!((new.up, new.reason), (false, None));
    outage.over();
    assert!(outage.state(0, Rates::default()).up);
    for reason in ["refused", "reset", "refused"] {
        outage.failed(&reason, 7);
        let state = outage.state(7, Rates::default());
        assert_eq!((state.up, state.reason.as_deref()), (false, Some(reason)));
        assert_eq!(state.queued, 7);
    }
    outage.over();
    let state = outage.state(0, Rates::default());
    assert_eq!((state.up, state.reason), (true, None));
}

#[tokio::test(start_paused = true)]
async fn new_reasons_and_reminders_are_logged_and_nothing_else() {
    let outage = Outage::new("here".to_owned());
    let logged_at = || {
        let state = outage.lock();
        state.down.as_ref().expect("down").last
    };
    outage.failed(&"refused", 0);
    let mut last = logged_at();
    for (seconds, reason, is_logged) in [
        (1, "refused", false),
        (1, "reset", true),
        (1, "refused", false),
        (58, "refused", false),
        (1, "refused", true),
        (59, "reset", false),
        (1, "reset", true),
    ] {
        tokio::time::advance(Duration::from_secs(seconds)).await;
        outage.failed(&reason, 0);
        assert_eq!(logged_at() != last, is_logged, "{reason} after {seconds} s");
        last = logged_at();
    }
}
