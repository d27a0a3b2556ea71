//! Lines that only look as if they had secrets: generated ones, and a corpus in the forms of public logs.

use super::Redact;
use super::random::Random;
use linemill_sdk::testing::{Instance, json, screened};

/// A line with a time, and a value that is not a secret.
pub(super) fn line(random: &mut Random) -> String {
    let seconds = 1_600_000_000 + random.below(200_000_000);
    let value = match random.below(26) {
        0 => format!(
            "took={}ms n={} total={}",
            random.below(1_000),
            random.below(1_000_000),
            random.next() >> 20
        ),
        1 => format!("epoch_ms={seconds}{:03}", random.below(1_000)),
        2 => format!("epoch_us={seconds}{:06}", random.below(1_000_000)),
        3 => format!("epoch_ns={seconds}{:09}", random.below(1_000_000_000)),
        4 => format!(
            "version {}.{}.{}-rc{}",
            random.below(30),
            random.below(30),
            random.below(30),
            random.below(9)
        ),
        5 => format!(
            "version {}.{}.{}.{}",
            random.below(200),
            random.below(200),
            random.below(200),
            random.below(200)
        ),
        6 => format!(
            "Chrome/{}.0.{}.{} Safari/537.36",
            random.below(140),
            random.below(7_000),
            random.below(200)
        ),
        7 => format!(
            "uuid={}-{}-4{}-a{}-{}",
            random.hex(8),
            random.hex(4),
            random.hex(3),
            random.hex(3),
            random.hex(12)
        ),
        8 => format!("md5={} sha1={}", random.hex(32), random.hex(40)),
        9 => format!("sha256:{}", random.hex(64)),
        10 => format!("commit {} tree {}", random.hex(40), random.hex(7)),
        11 => format!("blk_{} blk_-{}", random.next() >> 1, random.next() >> 1),
        12 => format!(
            "081109 {} {} INFO dfs.DataNode: block blk_-{}",
            random.digits(6),
            random.below(9_999),
            random.next() >> 1
        ),
        13 => {
            let pairs: Vec<String> = (0..6).map(|_| random.hex(2)).collect();
            format!("mac {} {}", pairs.join(":"), pairs.join("-"))
        }
        14 => {
            let groups: Vec<String> = (0..8).map(|_| random.hex(4)).collect();
            format!(
                "{:08x}: {}  ................",
                random.below(1 << 30) * 16,
                groups.join(" ")
            )
        }
        15 => {
            let pairs: Vec<String> = (0..16).map(|_| random.hex(2)).collect();
            format!("{}  |{}|", pairs.join(" "), pairs.join(":"))
        }
        16 => format!("trace={} span={}", random.hex(32), random.hex(16)),
        17 => format!(
            "id={} order #{} user_id={}",
            random.digits(9),
            random.digits(10),
            random.digits(12)
        ),
        18 => format!(
            "{} at std::{}::{}::h{}",
            random.below(99),
            random.text("abcdefgh", 5),
            random.text("abcdef", 3),
            random.hex(16)
        ),
        19 => format!(
            "load {}.{} {} 0.{}",
            random.below(9),
            random.digits(2),
            random.digits(3),
            random.digits(16)
        ),
        20 => format!(
            "{{\"n\":{},\"t\":{seconds}.{},\"id\":\"{}\"}}",
            random.below(1 << 40),
            random.digits(6),
            random.hex(24)
        ),
        21 => format!(
            "addr=0x{} len={} {}%",
            random.hex(16),
            random.below(1 << 30),
            random.below(101)
        ),
        22 => format!(
            "{}/{} 1-1-{} {}:{}:{}",
            random.below(99),
            random.below(99),
            random.digits(4),
            random.digits(2),
            random.digits(2),
            random.digits(2)
        ),
        23 => format!(
            "etag=\"{}\" cache={}",
            random.text("abcdefghijklmnopABCDEFGH0123456789+/", 22),
            random.of(&["hit", "miss"])
        ),
        24 => format!(
            "pkg@{}.{}.{} icon@2x.png user@{}.service",
            random.below(9),
            random.below(99),
            random.below(9),
            random.below(3000)
        ),
        _ => format!(
            "pass={} fail={} tokens={} token_count={}",
            random.below(99),
            random.below(9),
            random.below(9_999),
            random.below(9_999)
        ),
    };
    let (hour, minute, second) = (random.below(24), random.below(60), random.below(60));
    let time = match random.below(4) {
        0 => format!(
            "2026-11-{:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z",
            1 + random.below(30),
            random.below(1_000)
        ),
        1 => format!(
            "2026-11-{:02} {hour:02}:{minute:02}:{second:02},{:03} +0000",
            1 + random.below(30),
            random.below(1_000)
        ),
        2 => format!(
            "[{:02}/Oct/2026:{hour:02}:{minute:02}:{second:02} -0700]",
            1 + random.below(30)
        ),
        _ => format!(
            "Oct {:2} {hour:02}:{minute:02}:{second:02} host app[{}]:",
            1 + random.below(30),
            random.below(65_000)
        ),
    };
    format!("{time} {value}")
}

/// How many lines are generated.
const LINES: usize = 20_000;

#[test]
fn numbers_and_names_are_left_alone() {
    let mut filter = Instance::<Redact>::new(&json!({})).unwrap();
    let mut random = Random::new(3);
    let mut wrong = Vec::new();
    for _ in 0..LINES {
        let line = line(&mut random);
        filter.call(
            line.clone().into_bytes(),
            vec![0, line.len() as u32],
            |out| {
                if out != line.as_bytes() {
                    wrong.push(format!("{line}\n  -> {}", String::from_utf8_lossy(out)));
                }
            },
        );
    }
    assert!(
        wrong.is_empty(),
        "{} of {LINES}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn lines_in_the_forms_of_public_logs() {
    let mut filter = Instance::<Redact>::new(&json!({})).unwrap();
    let mut wrong = Vec::new();
    for pair in include_str!("corpus.txt").split("\n\n") {
        let mut lines = pair.lines().filter(|line| !line.starts_with('#'));
        let Some(line) = lines.next() else { continue };
        // A line without secrets stands alone.
        let expected = lines.next().unwrap_or(line);
        filter.call(
            line.as_bytes().to_vec(),
            vec![0, line.len() as u32],
            |out| {
                if out != expected.as_bytes() {
                    wrong.push(format!(
                        "{line}\n  -> {}\n  != {expected}",
                        String::from_utf8_lossy(out)
                    ));
                }
            },
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_screen_passes_most_lines() {
    let mut random = Random::new(5);
    let lines: Vec<String> = (0..200).map(|_| line(&mut random)).collect();
    let judged = screened::<Redact>(json!({}), &lines);
    assert!(judged < lines.len() / 2, "{judged} of {}", lines.len());
}
