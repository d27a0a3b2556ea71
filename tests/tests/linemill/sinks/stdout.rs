//! `to = "stdout"`: all connections share standard output.

use linemill_tests::Host;

#[test]
fn lines_go_to_standard_output() {
    let host = Host::with("to = \"stdout\"");
    let mut client = host.connect();
    client.send(b"Hello\r\nrest");
    client.finish();
    client.expect_end();
    // The partial line gets a terminator, so that the next line does not continue it.
    host.expect_stdout(b"Uryyb\r\nerfg\n");
}

#[test]
fn lines_of_several_connections_are_not_mixed() {
    let host = Host::with("to = \"stdout\"\nchain = []");
    let lines = |letter: u8| [vec![letter; 99], b"\n".to_vec()].concat().repeat(2_000);
    std::thread::scope(|scope| {
        for letter in [b'a', b'b', b'c'] {
            let host = &host;
            scope.spawn(move || assert_eq!(host.connect().exchange(&lines(letter)), b""));
        }
    });
    let all = host.stdout(3 * 2_000 * 100);
    for line in all.chunks(100) {
        assert!(
            line == &lines(line[0])[..100],
            "a mixed line: {}",
            line.escape_ascii()
        );
    }
    for letter in [b'a', b'b', b'c'] {
        assert_eq!(
            all.iter().filter(|&&byte| byte == letter).count(),
            2_000 * 99
        );
    }
}
