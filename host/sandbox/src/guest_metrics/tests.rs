use prometheus_client::encoding::text::encode;

use super::*;

fn label(name: &str, values: &[&str]) -> Label {
    Label {
        name: name.to_owned(),
        values: values.iter().map(|value| (*value).to_owned()).collect(),
    }
}

fn counter(name: &str, labels: Vec<Label>) -> Declaration {
    Declaration {
        name: name.to_owned(),
        help: "What it counts.".to_owned(),
        labels,
        kind: Kind::Counter,
    }
}

fn histogram(name: &str, bounds: &[f64]) -> Declaration {
    Declaration {
        kind: Kind::histogram(bounds),
        ..counter(name, Vec::new())
    }
}

/// What `/metrics` shows, without comments.
fn shown(metrics: &GuestMetrics) -> Vec<String> {
    let mut registry = Registry::default();
    metrics.register(&mut registry);
    let mut text = String::new();
    encode(&mut text, &registry).expect("text");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(str::to_owned).collect()
}

#[test]
fn metrics_of_two_filters_have_one_name() {
    let all = GuestMetrics::default();
    let (a, b) = (all.of("a"), all.of("b"));
    let labels = vec![label("kind", &["x", "y\"\\"]), label("way", &["in", "out"])];
    let of_a = a.declare(counter("lines", labels)).expect("declared");
    let of_b = b.declare(counter("lines", Vec::new())).expect("declared");
    of_a.add(&[1, 0], 3).expect("its labels");
    of_b.add(&[], 5).expect("no labels");
    assert_eq!(
        shown(&all),
        [
            r#"linemill_guest_lines_total{filter="a",kind="x",way="in"} 0"#,
            r#"linemill_guest_lines_total{filter="a",kind="x",way="out"} 0"#,
            r#"linemill_guest_lines_total{filter="a",kind="y\"\\",way="in"} 3"#,
            r#"linemill_guest_lines_total{filter="a",kind="y\"\\",way="out"} 0"#,
            r#"linemill_guest_lines_total{filter="b"} 5"#,
        ]
    );
    // Another kind of metric cannot have the name.
    let refused = b
        .declare(histogram("lines", &[1.0]))
        .expect_err("a counter");
    assert!(
        refused.contains("filter `a` has declared a counter"),
        "{refused}"
    );
    drop((a, of_a, b, of_b));
    assert!(shown(&all).is_empty());
}

#[test]
fn a_version_that_declares_the_same_goes_on() {
    let all = GuestMetrics::default();
    let old = all.of("a");
    old.declare(counter("lines", Vec::new()))
        .expect("new")
        .add(&[], 2);
    let new = all.of("a");
    new.declare(counter("lines", Vec::new()))
        .expect("known")
        .add(&[], 3);
    drop(old);
    assert_eq!(shown(&all), [r#"linemill_guest_lines_total{filter="a"} 5"#]);
    // One that declares it differently begins anew, and is not shown twice.
    let other = all.of("a");
    other
        .declare(counter("lines", vec![label("kind", &["x"])]))
        .expect("new");
    assert_eq!(
        shown(&all),
        [r#"linemill_guest_lines_total{filter="a",kind="x"} 0"#]
    );
    drop(other);
    assert_eq!(shown(&all), [r#"linemill_guest_lines_total{filter="a"} 5"#]);
}

#[test]
fn observations_are_in_their_buckets() {
    let all = GuestMetrics::default();
    let filter = all.of("a");
    let sizes = filter
        .declare(histogram("size_bytes", &[1.0, 10.0]))
        .expect("declared");
    for value in [0.5, 5.0, 50.0, f64::NAN, f64::INFINITY] {
        sizes.observe(&[], value).expect("a histogram");
    }
    assert_eq!(
        shown(&all),
        [
            r#"linemill_guest_size_bytes_sum{filter="a"} 55.5"#,
            r#"linemill_guest_size_bytes_count{filter="a"} 3"#,
            r#"linemill_guest_size_bytes_bucket{le="1.0",filter="a"} 1"#,
            r#"linemill_guest_size_bytes_bucket{le="10.0",filter="a"} 2"#,
            r#"linemill_guest_size_bytes_bucket{le="+Inf",filter="a"} 3"#,
        ]
    );
}

#[test]
fn what_breaks_a_rule_is_refused() {
    let of = |declaration: Declaration| GuestMetrics::default().of("a").declare(declaration);
    let many: Vec<String> = (0..65).map(|number| number.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let wide = |count: usize| vec![label("a", &many[..32]), label("b", &many[..count])];
    for (declaration, part) in [
        (counter("", Vec::new()), "a name has"),
        (counter("Lines", Vec::new()), "a name has"),
        (counter("x{a=\"b\"} 1\nforged", Vec::new()), "\\n"),
        (counter("lines_total", Vec::new()), "suffixes"),
        (counter("a", vec![label("le", &["x"])]), "reserved"),
        (counter("a", vec![label("filter", &["x"])]), "reserved"),
        (
            counter("a", vec![label("__a", &["x"])]),
            "begins with neither",
        ),
        (counter("a", vec![label("a", &[])]), "1 to 64 values"),
        (counter("a", vec![label("a", &many)]), "1 to 64 values"),
        (counter("a", vec![label("a", &["x", "x"])]), "twice"),
        (
            counter("a", vec![label("a", &["x\ny"])]),
            "control characters",
        ),
        (
            counter("a", vec![label("a", &["x"]), label("a", &["x"])]),
            "same name",
        ),
        (
            counter(
                "a",
                ["a", "b", "c", "d", "e"]
                    .map(|name| label(name, &["x"]))
                    .into(),
            ),
            "four labels",
        ),
        (counter("a", wide(33)), "1,024 series"),
        (histogram("a", &[]), "1 to 32 buckets"),
        (histogram("a", &[2.0, 1.0]), "ascending"),
        (histogram("a", &[f64::NAN]), "finite"),
    ] {
        let refused = of(declaration).expect_err(part);
        assert!(refused.contains(part), "{part}: {refused}");
    }
    of(counter("a", wide(32))).expect("1,024 series");
}

#[test]
fn a_filter_has_so_many_metrics_and_no_more() {
    let all = GuestMetrics::default();
    let filter = all.of("a");
    for number in 0..32 {
        filter
            .declare(counter(&format!("a{number}"), Vec::new()))
            .expect("declared");
    }
    let refused = filter
        .declare(counter("b", Vec::new()))
        .expect_err("one more");
    assert!(refused.contains("more than 32"), "{refused}");
    filter.declare(counter("a0", Vec::new())).expect("known");
}

#[test]
fn values_have_indices() {
    let all = GuestMetrics::default();
    let filter = all.of("a");
    let counter = filter
        .declare(counter("a", vec![label("a", &["x", "y"])]))
        .expect("declared");
    assert_eq!(counter.add(&[], 1), None);
    assert_eq!(counter.add(&[2], 1), None);
    assert_eq!(counter.add(&[0, 0], 1), None);
    assert_eq!(counter.observe(&[0], 1.0), None);
    assert_eq!(counter.add(&[1], 1), Some(()));
}
