//! Input in pieces of every size, for framings.

use linemill_tests::Host;

/// The filter `number` shows where lines start.
const NUMBER: &str = "[filter.number]\nplugin = \"number\"";

/// A host whose listener has these further keys and numbers its lines.
pub(super) fn numbering(listener: &str) -> Host {
    Host::serve(Host::config(
        &format!("chain = [\"number\"]\n{listener}"),
        NUMBER,
    ))
}

/// Asserts the answer to `input`, sent in one write, in two with every possible cut, and byte by byte.
#[track_caller]
pub(super) fn check_pieces(host: &Host, input: &[u8], expected: &[u8]) {
    let expected = expected.escape_ascii().to_string();
    for cut in 0..input.len() {
        let mut client = host.connect();
        client.send(&input[..cut]);
        let answer = client.exchange(&input[cut..]);
        assert_eq!(answer.escape_ascii().to_string(), expected, "cut at {cut}");
    }
    let mut client = host.connect();
    for byte in input {
        client.send(&[*byte]);
    }
    let answer = client.exchange(b"");
    assert_eq!(answer.escape_ascii().to_string(), expected, "byte by byte");
}
