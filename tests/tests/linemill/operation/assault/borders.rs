//! Lines around the limit `max_line`, in every framing, under every policy, cut at every byte.

use linemill_tests::{Client, Host, rot13};

use super::scene::{Kind, no_panic, offer};

const MAX: usize = 8;

const POLICIES: [&str; 4] = ["split", "truncate", "drop", "close"];
const FRAMINGS: [Kind; 4] = [Kind::Lf, Kind::Crlf, Kind::Nul, Kind::Octet];

/// What must come back for a line with this content, followed by a short one.
fn expected(kind: Kind, policy: &str, content: &[u8]) -> Vec<u8> {
    let rotated = rot13(content);
    let long = content.len() > MAX;
    let kept: Vec<u8> = match policy {
        "close" if long => return Vec::new(),
        "drop" if long => Vec::new(),
        "split" => rotated
            .chunks(MAX)
            .flat_map(|piece| kind.line(piece))
            .collect(),
        "truncate" => kind.line(&rotated[..rotated.len().min(MAX)]),
        _ => kind.line(&rotated),
    };
    [kept, kind.line(b"bx")].concat()
}

#[test]
fn lines_around_the_limit_cut_at_every_byte() {
    let mut config = String::from("[host]\nadmin = \"127.0.0.1:0\"\n");
    let pairs: Vec<(Kind, &str)> = FRAMINGS
        .iter()
        .flat_map(|kind| POLICIES.map(|policy| (*kind, policy)))
        .collect();
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
                offer(&mut client, &input[cut..]);
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
