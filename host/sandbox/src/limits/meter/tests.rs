use std::time::Duration;

use wasmtime::UpdateDeadline;

use super::{Meter, TICK, processor_time};

/// What a guest, or another task, does with the thread.
fn run(time: Duration) {
    let until = processor_time() + time;
    while processor_time() < until {}
}

/// The guest runs that long, then a tick finds it: whether it goes on.
fn slice(meter: &mut Meter, time: Duration) -> bool {
    run(time);
    match meter.tick() {
        UpdateDeadline::Interrupt => false,
        UpdateDeadline::YieldCustom(0, _) => true,
        _ => panic!("neither yields nor ends"),
    }
}

/// It has the thread back, which the next tick tells.
fn back(meter: &mut Meter) {
    assert!(matches!(meter.tick(), UpdateDeadline::Continue(1)));
}

#[test]
fn a_call_has_its_time_and_others_have_theirs() {
    let (mut meter, mut used, mut slices) = (Meter::default(), Duration::ZERO, 0);
    let time = 10 * TICK;
    meter.begin(time);
    assert!(slice(&mut meter, TICK));
    loop {
        // Whoever runs meanwhile takes nothing of it.
        run(2 * TICK);
        back(&mut meter);
        let began = processor_time();
        let goes_on = slice(&mut meter, TICK);
        used += processor_time() - began;
        slices += 1;
        if !goes_on {
            break;
        }
    }
    // The clock is read at slightly other moments.
    let used = used + Duration::from_micros(200);
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
fn a_call_can_be_ended_and_the_next_begins_anew() {
    let mut meter = Meter::default();
    meter.begin(100 * TICK);
    meter.end();
    assert!(!slice(&mut meter, TICK));
    meter.begin(100 * TICK);
    assert!(slice(&mut meter, TICK));
    // It has yielded, and came to its end without another tick.
    meter.begin(100 * TICK);
    assert!(slice(&mut meter, TICK));
    assert_eq!(meter.overrun(), Duration::ZERO);
}
