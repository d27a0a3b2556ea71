//! The text formats of `/metrics`: which one is sent, and that Prometheus' own programs read both.

use std::io::Write as _;
use std::process::{Command, Stdio};

use linemill_tests::{
    Host, Program, Response, available, eventually, free_port, request, request_with, skip,
};
use serde_json::Value;

const OPEN_METRICS: &str = "application/openmetrics-text";

/// Names that have to be escaped, in a configuration: of a listener's output.
fn host() -> Host {
    Host::with("to = \"file:a \\\"b\\\" \\\\ c\"")
}

fn scrape(host: &Host, accept: &str) -> Response {
    let answer = request_with(host.admin(), "GET", "/metrics", &[("Accept", accept)]);
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer
}

/// The media type of an answer.
fn kind(answer: &Response) -> String {
    let lines = answer.head.lines().map(str::to_ascii_lowercase);
    let mut kinds = lines.filter_map(|line| {
        line.strip_prefix("content-type:")
            .map(|kind| kind.trim().to_owned())
    });
    kinds.next().expect("a content type")
}

#[test]
fn the_request_chooses_the_format() {
    let host = host();
    let text = "text/plain; version=0.0.4; charset=utf-8";
    assert_eq!(kind(&request(host.admin(), "GET", "/metrics")), text);
    for accept in [
        "*/*",
        "text/plain",
        "text/html,*/*;q=0.8",
        "application/openmetrics-text;q=0.1,text/plain",
    ] {
        let answer = scrape(&host, accept);
        assert_eq!(kind(&answer), text, "{accept}");
        assert!(!answer.body.contains("# EOF"));
        let counter = "\n# TYPE linemill_lines_in_total counter\n";
        assert!(answer.body.contains(counter), "{}", answer.body);
    }
    let prometheus = format!(
        "{OPEN_METRICS};version=1.0.0,{OPEN_METRICS};version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
    );
    let answer = scrape(&host, &prometheus);
    assert_eq!(
        kind(&answer),
        format!("{OPEN_METRICS}; version=1.0.0; charset=utf-8")
    );
    assert!(answer.body.ends_with("# EOF\n"));
    assert!(
        answer.body.contains("\n# TYPE linemill_lines_in counter\n"),
        "{}",
        answer.body
    );
}

#[test]
fn both_formats_have_the_same_series() {
    let host = host();
    let series = |accept| {
        let body = scrape(&host, accept).body;
        let lines = body.lines().filter(|line| !line.starts_with('#'));
        let names = lines.filter_map(|line| line.rsplit_once(' '));
        let mut names: Vec<_> = names.map(|(name, _)| name.to_owned()).collect();
        names.sort();
        names
    };
    assert_eq!(series("text/plain"), series(OPEN_METRICS));
}

#[test]
fn promtool_finds_nothing_wrong() {
    let promtool = match available("promtool", "prometheus") {
        Ok(path) => path,
        Err(why) => return skip("/metrics, by promtool", &why),
    };
    let host = host();
    let mut child = Command::new(promtool)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool starts");
    let mut stdin = child.stdin.take().expect("it is piped");
    stdin
        .write_all(scrape(&host, "text/plain").body.as_bytes())
        .expect("it reads");
    drop(stdin);
    let done = child.wait_with_output().expect("promtool ends");
    let said = [done.stdout, done.stderr].concat();
    assert!(
        done.status.success() && said.is_empty(),
        "{}",
        String::from_utf8_lossy(&said)
    );
}

/// Prometheus asks for OpenMetrics, and refuses a whole scrape if one line is wrong.
#[test]
fn prometheus_scrapes_the_host() {
    let prometheus = match available("prometheus", "prometheus") {
        Ok(path) => path,
        Err(why) => return skip("/metrics, by Prometheus", &why),
    };
    let host = host();
    assert_eq!(host.connect().exchange(b"one\ntwo\n"), b"");
    let folder = linemill_tests::Folder::new();
    let config = folder.write(
        "prometheus.yml",
        format!(
            "global:\n  scrape_interval: 1s\nscrape_configs:\n- job_name: linemill\n  static_configs:\n  - targets: ['{}']\n",
            host.admin()
        ),
    );
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], free_port()));
    let mut command = Command::new(prometheus);
    command
        .current_dir(folder.path())
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--web.listen-address={address}"))
        .arg(format!(
            "--storage.tsdb.path={}",
            folder.path().join("data").display()
        ));
    let _prometheus = Program::start(&mut command);
    eventually("Prometheus listens", || {
        std::net::TcpStream::connect(address).ok()
    });
    let targets = eventually("a scrape", || {
        let answer = request(address, "GET", "/api/v1/targets");
        // It is not ready yet.
        if answer.status != 200 {
            return None;
        }
        let target = answer.json()["data"]["activeTargets"][0].clone();
        let scraped = target.is_object() && target["health"] != "unknown";
        scraped.then_some(target)
    });
    assert_eq!(
        (&targets["health"], &targets["lastError"]),
        (&Value::from("up"), &Value::from("")),
        "{targets}"
    );
    let query = "/api/v1/query?query=linemill_lines_in_total";
    let found = eventually("a sample", || {
        let answer = request(address, "GET", query).json();
        let value = answer["data"]["result"][0]["value"][1].clone();
        value.is_string().then_some(value)
    });
    assert_eq!(found, "2");
}
