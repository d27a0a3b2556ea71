//! Calls measured against the thread's real processor time.

use std::time::Duration;

use wasmtime::UpdateDeadline;

use super::{Meter, TICK};
use linemill_telemetry::processor_time;

/// Uses the thread for `time`, as a guest or another task does.
fn run(time: Duration) {
    let until = processor_time() + time;
    while processor_time() < until {}
}

/// Runs the guest for `time`, then ticks. Returns whether the call continues.
fn slice(meter: &mut Meter, time: Duration) -> bool {
    run(time);
    match meter.tick() {
        UpdateDeadline::Interrupt => false,
        UpdateDeadline::YieldCustom(0, _) => true,
        _ => panic!("the guest neither yields nor ends"),
    }
}

/// Lets the guest continue after a yield.
fn continues(meter: &mut Meter) {
    assert!(matches!(meter.tick(), UpdateDeadline::Continue(1)));
}

#[test]
fn time_of_other_tasks_does_not_count() {
    let (mut meter, mut used, mut slices) = (Meter::default(), Duration::ZERO, 0);
    let time = 10 * TICK;
    meter.begin(time);
    assert!(slice(&mut meter, TICK));
    loop {
        // Another task runs.
        run(2 * TICK);
        continues(&mut meter);
        let began = processor_time();
        let yields = slice(&mut meter, TICK);
        used += processor_time() - began;
        slices += 1;
        if !yields {
            break;
        }
    }
    // The meter reads the clock at slightly different moments.
    used += Duration::from_micros(200);
    assert!(used >= time && slices <= 10, "{used:?} in {slices} slices");
    assert!(meter.overrun() <= used - time, "{:?}", meter.overrun());
}

#[test]
fn waiting_counts() {
    let mut meter = Meter::default();
    meter.begin(10 * TICK);
    assert_eq!(meter.pause(), 10 * TICK);
    meter.resume(4 * TICK);
    run(2 * TICK);
    assert!(meter.pause() <= 4 * TICK);
    meter.resume(4 * TICK);
    assert!(!slice(&mut meter, TICK));
}

#[test]
fn a_call_can_be_ended_and_the_next_has_its_full_time() {
    let mut meter = Meter::default();
    meter.begin(100 * TICK);
    meter.end();
    assert!(!slice(&mut meter, TICK));
    meter.begin(100 * TICK);
    assert!(slice(&mut meter, TICK));
    // The call yielded and then ended without another tick.
    meter.begin(100 * TICK);
    assert!(slice(&mut meter, TICK));
    assert_eq!(meter.overrun(), Duration::ZERO);
}
