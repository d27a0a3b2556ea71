//! The supervisor with a fake filter, without WebAssembly.

use std::sync::Mutex;

use super::*;
use crate::Digest;
use crate::metrics::FilterFamilies;
use crate::supervise::accounting::Reporting;
use linemill_config::settings::OnError;
use linemill_framing::Framing;

/// Fails a call if one of its lines names a kind of fault; passes all other lines.
#[derive(Default)]
struct Fake {
    /// How many lines each call had.
    calls: Mutex<Vec<usize>>,
    captured: Mutex<Vec<Vec<u8>>>,
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
        let mut kinds = (0..input.len()).filter_map(|index| match input.content(index) {
            b"trap" => Some(FaultKind::Trap),
            b"late" => Some(FaultKind::Deadline),
            b"refused" => Some(FaultKind::Refused),
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

async fn run(supervisor: &Supervisor, fake: &Fake, contents: &[&str]) -> (Vec<String>, Verdicts) {
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
        origin: &Origin::default(),
    };
    let verdicts = supervisor.run(fake, &mut (), input, context).await;
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

/// Consecutive faults over a second open the breaker. The supervisor reads the real clock, so this
/// test takes that long.
#[tokio::test]
async fn a_filter_that_keeps_failing_is_not_called() {
    let (supervisor, fake) = (supervisor(OnError::Drop), Fake::default());
    let mut batches = 0;
    while supervisor.opened().is_none() {
        run(&supervisor, &fake, &["late"]).await;
        batches += 1;
        assert!(batches < 10_000, "it never opens");
    }
    let before = fake.calls.lock().unwrap().len();
    let (lines, _) = run(&supervisor, &fake, &["fine", "fine"]).await;
    assert_eq!(lines, [""; 0]);
    assert_eq!(fake.calls.lock().unwrap().len(), before);
    let accounting = supervisor.accounting();
    assert_eq!(accounting.lines(), batches + 2);
    assert_eq!(accounting.failed_lines(), batches + 2);
}
