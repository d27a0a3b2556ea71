//! The supervisor with a fake filter, without WebAssembly.

use std::sync::Mutex;

use super::*;
use crate::Digest;
use crate::metrics::FilterFamilies;
use crate::supervise::accounting::Reporting;
use crate::verdict::Close;
use linemill_config::settings::OnError;
use linemill_framing::Framing;

/// Fails a call if one of its lines names a kind of fault; passes all other lines.
#[derive(Default)]
struct Fake {
    /// How many lines each call had.
    calls: Mutex<Vec<usize>>,
    captured: Mutex<Vec<Vec<u8>>>,
    /// How many more calls the host cannot make.
    host_fails: Mutex<u32>,
}

impl Supervised for Fake {
    type Own = ();

    async fn call(
        &self,
        (): &mut (),
        input: &mut Lines,
        _: CallContext<'_>,
    ) -> Result<Verdicts, Fault> {
        self.calls.lock().unwrap().push(input.len());
        let fails = self.host_fails.lock().unwrap().checked_sub(1);
        if let Some(left) = fails {
            *self.host_fails.lock().unwrap() = left;
            return Err(Fault::new(FaultKind::Host, "no memory"));
        }
        let mut kinds = (0..input.len()).filter_map(|index| match input.content(index) {
            b"trap" => Some(FaultKind::Trap),
            b"late" => Some(FaultKind::Deadline),
            b"refused" => Some(FaultKind::Refused),
            b"host" => Some(FaultKind::Host),
            b"bug" => panic!("a broken invariant"),
            _ => None,
        });
        match kinds.next_back() {
            Some(kind) => Err(Fault::new(kind, "as the line says")),
            None => Ok(Verdicts {
                lines: std::mem::take(input),
                ..Verdicts::default()
            }),
        }
    }

    async fn state(&self, (): &mut ()) -> Option<State> {
        None
    }

    fn capture(&self, content: &[u8], _: &Fault, _: Option<State>, _: CallContext<'_>) {
        self.captured.lock().unwrap().push(content.to_vec());
    }
}

fn supervisor(on_error: OnError) -> Supervisor {
    let metrics = FilterFamilies::default().of("fake");
    let reporting = Reporting::default();
    let digest = Digest([0; 32]);
    Supervisor::new(Accounting::new(
        "fake".into(),
        digest,
        on_error,
        metrics,
        reporting,
    ))
}

/// Runs lines of a stream of their own.
async fn run(supervisor: &Supervisor, fake: &Fake, contents: &[&str]) -> (Vec<String>, Verdicts) {
    let mut breaker = StreamBreaker::default();
    run_of(supervisor, fake, &mut breaker, 1, contents).await
}

/// Runs lines of the stream with this breaker, whose client has the address 192.0.2.`client`.
async fn run_of(
    supervisor: &Supervisor,
    fake: &Fake,
    breaker: &mut StreamBreaker,
    client: u8,
    contents: &[&str],
) -> (Vec<String>, Verdicts) {
    let mut input = Lines::default();
    for content in contents {
        input.push(content.as_bytes(), b"\n");
    }
    let context = CallContext {
        rules: Rules {
            framing: Framing::Lf,
            max_output: 100,
        },
        route_indices: &[],
        origin: &Origin {
            peer: Some(([192, 0, 2, client], 7).into()),
            ..Origin::default()
        },
        observed: false,
        counts: &StageCounts::default(),
    };
    let verdicts = supervisor.run(fake, &mut (), breaker, input, context).await;
    let lines = &verdicts.lines;
    let contents = (0..lines.len())
        .map(|index| String::from_utf8_lossy(lines.content(index)).into_owned())
        .collect();
    (contents, verdicts)
}

#[tokio::test]
async fn only_lines_at_fault_are_affected() {
    let mut contents = vec!["fine"; 1000];
    contents[400] = "trap";
    contents[401] = "late";
    for (on_error, left) in [(OnError::Drop, 998), (OnError::Pass, 1000)] {
        let (supervisor, fake) = (supervisor(on_error), Fake::default());
        let (lines, verdicts) = run(&supervisor, &fake, &contents).await;
        assert_eq!(lines.len(), left);
        assert_eq!(lines.iter().filter(|line| *line == "fine").count(), 998);
        assert_eq!(verdicts.close, None);
        let accounting = supervisor.accounting();
        assert_eq!((accounting.lines(), accounting.failed_lines()), (1000, 2));
        assert_eq!(*fake.captured.lock().unwrap(), [b"trap", b"late"]);
        assert!(supervisor.has_seen_faults());
    }
}

#[tokio::test]
async fn with_on_error_close_the_stream_ends_at_the_line_at_fault() {
    let (supervisor, fake) = (supervisor(OnError::Close), Fake::default());
    let (lines, verdicts) = run(&supervisor, &fake, &["a", "b", "trap", "c"]).await;
    assert_eq!(lines, ["a", "b"]);
    assert!(verdicts.close.is_some());
}

#[tokio::test]
async fn after_a_fault_the_next_lines_are_called_in_small_parts() {
    let (supervisor, fake) = (supervisor(OnError::Drop), Fake::default());
    run(&supervisor, &fake, &["trap"]).await;
    fake.calls.lock().unwrap().clear();
    let (lines, _) = run(&supervisor, &fake, &["fine"; 1000]).await;
    assert_eq!(lines.len(), 1000);
    let calls = fake.calls.lock().unwrap().clone();
    assert!(
        calls.len() > 10 && calls.iter().all(|lines| *lines <= 32),
        "{calls:?}"
    );
}

#[tokio::test]
async fn a_filter_that_cannot_start_is_not_called_line_by_line() {
    let (supervisor, fake) = (supervisor(OnError::Pass), Fake::default());
    let (lines, _) = run(&supervisor, &fake, &["a", "refused", "b"]).await;
    assert_eq!(lines, ["a", "refused", "b"]);
    assert_eq!(*fake.calls.lock().unwrap(), [3]);
    assert_eq!(supervisor.accounting().failed_lines(), 3);
}

#[tokio::test(start_paused = true)]
async fn lines_wait_until_the_host_can_run_the_filter() {
    let (supervisor, fake) = (supervisor(OnError::Pass), Fake::default());
    *fake.host_fails.lock().unwrap() = 7;
    let (lines, verdicts) = run(&supervisor, &fake, &["a", "b"]).await;
    assert_eq!(lines, ["a", "b"]);
    assert_eq!(verdicts.close, None);
    assert_eq!(supervisor.accounting().host_faults(), 7);
    // It is no fault of the filter, and no reason to suspect its lines.
    assert_eq!(supervisor.accounting().failed_lines(), 0);
    assert!(!supervisor.has_seen_faults());
}

/// Whatever `on_error` says, and however often it happens.
#[tokio::test(start_paused = true)]
async fn lines_that_the_host_cannot_filter_never_pass() {
    for policy in [OnError::Pass, OnError::Drop, OnError::Close] {
        let (supervisor, fake) = (supervisor(policy), Fake::default());
        for (cause, times) in [("host", 100), ("bug", 1)] {
            for _ in 0..times {
                let (lines, verdicts) = run(&supervisor, &fake, &["a", cause, "b"]).await;
                assert_eq!(lines, [""; 0]);
                assert_eq!(verdicts.close, Some(Close::Host));
                assert_eq!(verdicts.cut(3), 3);
            }
        }
        assert_eq!(supervisor.opened(), None);
        assert_eq!(fake.captured.lock().unwrap().len(), 0);
        let accounting = supervisor.accounting();
        assert_eq!((accounting.lines(), accounting.failed_lines()), (0, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_fault_of_the_host_ends_the_search_for_bad_lines() {
    let mut contents = vec!["fine"; 100];
    contents[10] = "trap";
    contents[90] = "host";
    let (supervisor, fake) = (supervisor(OnError::Pass), Fake::default());
    // The whole batch fails by a trap, which its last bad line decides; the parts tell the two apart.
    contents.push("trap");
    let (lines, verdicts) = run(&supervisor, &fake, &contents).await;
    assert!((11..=90).contains(&lines.len()), "{}", lines.len());
    assert!(lines.iter().all(|line| line == "fine" || line == "trap"));
    assert_eq!(verdicts.close, Some(Close::Host));
    assert_eq!(verdicts.cut(contents.len()), 101 - lines.len() as u64);
}

/// Sends bad lines until the stream is suspended. Returns how many it took. Breakers open after a second
/// at the earliest, by the real clock.
async fn until_suspended(
    supervisor: &Supervisor,
    fake: &Fake,
    breaker: &mut StreamBreaker,
    client: u8,
) -> u64 {
    let mut batches = 0;
    while !breaker.is_open() {
        run_of(supervisor, fake, breaker, client, &["late"]).await;
        batches += 1;
        assert!(batches < 10_000, "it never opens");
    }
    batches
}

#[tokio::test]
async fn a_filter_that_fails_everything_is_not_called() {
    let (supervisor, fake) = (supervisor(OnError::Drop), Fake::default());
    let mut breaker = StreamBreaker::default();
    let batches = until_suspended(&supervisor, &fake, &mut breaker, 1).await;
    assert!(supervisor.opened().is_some());
    let before = fake.calls.lock().unwrap().len();
    let (lines, _) = run_of(&supervisor, &fake, &mut breaker, 1, &["fine", "fine"]).await;
    assert_eq!(lines, [""; 0]);
    assert_eq!(fake.calls.lock().unwrap().len(), before);
    let accounting = supervisor.accounting();
    assert_eq!(accounting.lines(), batches + 2);
    assert_eq!(accounting.failed_lines(), batches + 2);
    assert_eq!(accounting.metrics().suspended.get(), 1);
    drop(breaker);
    assert_eq!(accounting.metrics().suspended.get(), 0);
}

/// Not even a client that reconnects, and not even when the filter has seen no other lines.
#[tokio::test]
async fn one_client_never_keeps_the_lines_of_others_from_the_filter() {
    for worked in [false, true] {
        let (supervisor, fake) = (supervisor(OnError::Pass), Fake::default());
        if worked {
            run(&supervisor, &fake, &["fine"]).await;
        }
        let mut innocent = StreamBreaker::default();
        for again in [false, true] {
            let mut guilty = StreamBreaker::default();
            until_suspended(&supervisor, &fake, &mut guilty, 1).await;
            assert_eq!(supervisor.opened().is_some(), !worked && !again);
            // Also one at the same address, as behind a proxy.
            for client in [1, 2] {
                let mut first = StreamBreaker::default();
                for breaker in [&mut first, &mut innocent] {
                    let before = fake.calls.lock().unwrap().len();
                    let (lines, _) = run_of(&supervisor, &fake, breaker, client, &["fine"]).await;
                    assert_eq!(lines, ["fine"]);
                    assert_eq!(fake.calls.lock().unwrap().len(), before + 1);
                }
            }
            assert_eq!(supervisor.opened(), None, "a good call closes it");
            assert!(guilty.is_open());
        }
    }
}

#[tokio::test]
async fn clients_that_all_fail_open_the_breaker_of_a_filter_that_has_worked() {
    let (supervisor, fake) = (supervisor(OnError::Drop), Fake::default());
    run(&supervisor, &fake, &["fine"]).await;
    let mut breakers: [StreamBreaker; 3] = Default::default();
    for (client, breaker) in breakers.iter_mut().enumerate() {
        assert_eq!(supervisor.opened(), None, "{client}");
        until_suspended(&supervisor, &fake, breaker, client as u8).await;
    }
    assert!(supervisor.opened().is_some());
    // A stream whose probe fails is suspended at once.
    let mut next = StreamBreaker::default();
    run_of(&supervisor, &fake, &mut next, 9, &["trap", "trap"]).await;
    assert!(next.is_open());
    // The third client's second line was a probe, too.
    assert_eq!(supervisor.opened().map(|open| open.failed_probes), Some(2));
    // When the filter works again, streams do not wait for the end of their pauses.
    run(&supervisor, &fake, &["fine"]).await;
    for breaker in &mut breakers {
        let (lines, _) = run_of(&supervisor, &fake, breaker, 1, &["fine"]).await;
        assert_eq!(lines, ["fine"]);
        assert!(!breaker.is_open());
    }
}
