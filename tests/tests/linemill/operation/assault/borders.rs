//! Lines at every border of `max_line`, in every framing and policy, cut at every byte.

use linemill_tests::{Client, Host, rot13};

use super::{Kind, no_panic};

const MAX: usize = 8;

const POLICIES: [&str; 4] = ["split", "truncate", "drop", "close"];
const FRAMINGS: [Kind; 4] = [Kind::Lf, Kind::Crlf, Kind::Nul, Kind::Octet];

/// What must come of a line of this content and of a short one behind it.
fn expected(kind: Kind, policy: &str, content: &[u8]) -> Vec<u8> {
    let turned = rot13(content);
    let long = content.len() > MAX;
    let kept: Vec<u8> = match policy {
        "close" if long => return Vec::new(),
        "drop" if long => Vec::new(),
        "split" => turned
            .chunks(MAX)
            .flat_map(|piece| kind.line(piece))
            .collect(),
        "truncate" => kind.line(&turned[..turned.len().min(MAX)]),
        _ => kind.line(&turned),
    };
    [kept, kind.line(b"bx")].concat()
}

#[test]
fn lines_at_every_border_cut_at_every_byte() {
    let mut config = String::from("[host]\nadmin = \"127.0.0.1:0\"\n");
    let pairs = FRAMINGS
        .iter()
        .flat_map(|kind| POLICIES.map(|policy| (*kind, policy)));
    let pairs: Vec<(Kind, &str)> = pairs.collect();
    for (kind, policy) in &pairs {
        let framing = format!("{kind:?}").to_lowercase();
        config += &format!(
            "[[listener]]\nname = \"{framing}-{policy}\"\nbind = \"127.0.0.1:0\"\nchain = [\"rot13\"]\n\
             framing = \"{framing}\"\noversize = \"{policy}\"\nmax_line = \"{MAX}B\"\n"
        );
    }
    let host = Host::serve(config);
    let idle = host.idle_descriptors();
    let mut innocent = Client::connect(host.listener(0));
    for (at, (kind, policy)) in pairs.iter().enumerate() {
        for length in [MAX - 1, MAX, MAX + 1, 2 * MAX, 2 * MAX + 1] {
            let content = &b"abcdefghijklmnopqrstu"[..length];
            let input = [kind.line(content), kind.line(b"ok")].concat();
            let wanted = expected(*kind, policy, content);
            for cut in 0..input.len() {
                let mut client = Client::connect(host.listener(at));
                client.send(&input[..cut]);
                super::offer(&mut client, &input[cut..]);
                client.finish();
                let (got, _) = client.rest_until_end();
                assert_eq!(
                    got.escape_ascii().to_string(),
                    wanted.escape_ascii().to_string(),
                    "{kind:?}, {policy}, {length} bytes, cut at {cut}"
                );
            }
            innocent.send(b"ok\n");
            innocent.expect(b"bx\n");
        }
    }
    drop(innocent);
    assert_eq!(host.idle_descriptors(), idle, "descriptors");
    no_panic(&host);
}
