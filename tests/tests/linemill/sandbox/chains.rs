//! Chains: the order of filters, empty chains, state per connection, chains from the command line.

use linemill_tests::{Client, Folder, Host, assert_bytes};

#[test]
fn filters_run_in_order() {
    let filters = "[filter.redact]\nplugin = \"redact\"\n\
                   settings = { patterns = [], custom = { number = \"[0-9]+\" }, mask = \"num\" }";
    let host = Host::serve(Host::config("chain = [\"redact\", \"rot13\"]", filters));
    // The mask is rotated too, so rot13 ran second.
    assert_eq!(
        host.connect().exchange(b"card 4711 end\n"),
        b"pneq ahz raq\n"
    );
    let host = Host::serve(Host::config("chain = [\"rot13\", \"redact\"]", filters));
    assert_eq!(
        host.connect().exchange(b"card 4711 end\n"),
        b"pneq num raq\n"
    );
}

#[test]
fn an_empty_chain_passes_lines_untouched() {
    let host = Host::with("chain = []");
    let input = b"one\r\n\ntwo\n\0\xff\nrest";
    assert_bytes(host.connect().exchange(input), input);
}

#[test]
fn a_filter_may_be_in_a_chain_twice() {
    let host = Host::with("chain = [\"rot13\", \"rot13\"]");
    assert_eq!(host.connect().exchange(b"Hello\n"), b"Hello\n");
}

#[test]
fn each_listener_has_its_own_chain() {
    let config = "[[listener]]\nname = \"rot13\"\nbind = \"127.0.0.1:0\"\nchain = [\"rot13\"]\n\
                  [[listener]]\nname = \"plain\"\nbind = \"127.0.0.1:0\"\nchain = []\n\
                  [filter.rot13]\nplugin = \"rot13\"\n";
    let host = Host::serve(config);
    let mut answers = [0, 1].map(|nth| Client::connect(host.listener(nth)).exchange(b"Hello\n"));
    answers.sort();
    assert_eq!(answers, [b"Hello\n".to_vec(), b"Uryyb\n".to_vec()]);
}

#[test]
fn state_belongs_to_one_connection() {
    let host = Host::serve(Host::config(
        "chain = [\"number\"]",
        "[filter.number]\nplugin = \"number\"",
    ));
    let (mut one, mut two) = (host.connect(), host.connect());
    for _ in 0..50 {
        one.send(b"x\nx\n");
        two.send(b"x\nx\n");
    }
    for client in [&mut one, &mut two] {
        client.finish();
        let text = String::from_utf8(client.rest()).expect("numbers are text");
        let expected: String = (1..=100).map(|number| format!("{number} x\n")).collect();
        assert_eq!(text, expected);
    }
}

#[test]
fn without_a_configuration_the_chain_is_rot13() {
    let host = Host::spawn(Folder::new(), &["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(host.connect().exchange(b"Hello\n"), b"Uryyb\n");
}

#[test]
fn the_command_line_names_a_chain() {
    let host = Host::spawn(
        Folder::new(),
        &["serve", "--listen", "127.0.0.1:0", "--chain", "rot13,rot13"],
    );
    assert_eq!(host.connect().exchange(b"Hello\n"), b"Hello\n");
}
