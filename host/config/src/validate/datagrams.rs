//! Listeners for datagrams: what they do without, since there are no connections.

use crate::checker::Checker;
use crate::item::Table;
use crate::problem::Problem;
use crate::settings::{Address, Destination, ListenerSettings, ProxyProtocol};
use linemill_framing::{Framing, Oversize};

/// Keys about connections, each with the reason why it has no effect.
const VAIN: &[(&str, &str)] = &[
    ("tls", "datagrams are not encrypted"),
    ("handshake_timeout", "datagrams have no handshake"),
    ("proxy_protocol", "datagrams have no header before them"),
    ("trust", "datagrams have no header before them"),
    ("partial", "the end of a datagram ends its last line"),
    ("strip_bom", "datagrams are not one stream with a start"),
    ("idle_timeout", "datagrams have no connection that ends"),
    ("line_timeout", "a line is in one datagram"),
    ("write_timeout", "senders of datagrams get no answers"),
    ("watermarks", "senders of datagrams get no answers"),
    ("max_connections", "datagrams have no connections"),
    ("max_per_address", "datagrams have no connections"),
];

impl Checker<'_> {
    /// Refuses what `listener` cannot have if it takes datagrams at `bind`. `settings` is what it says.
    pub(super) fn datagrams(
        &mut self,
        listener: &Table<'_>,
        settings: &ListenerSettings,
        bind: Option<&Address>,
    ) {
        let Some(bind) = bind.filter(|bind| bind.is_datagram()) else {
            return;
        };
        for (key, why) in VAIN {
            let item = listener.item(key);
            let problem = item.map(|item| item.vain(why, "listen for connections in `bind`"));
            self.problems.extend(problem);
        }
        let refused = refused(settings, &listener.name, bind);
        self.problems.extend(refused);
    }
}

/// What `settings` have that a listener cannot have whose socket turns out to be for datagrams: systemd
/// opened it, and the file does not say so.
pub(crate) fn of_systemd(settings: &ListenerSettings) -> Vec<Problem> {
    let name = format!("listener `{}`", settings.name);
    let mut problems = refused(settings, &name, &settings.bind);
    let mut refuse = |key: &str, why: &str, hint: &str| {
        let text = format!("key `{key}` of {name}: {why}");
        problems.push(settings.places.of(key).problem(text, hint));
    };
    let stream = "write ListenStream= into the .socket unit, or leave this out";
    if settings.to.is_socket() && !settings.shared {
        let why = "datagrams have no connections that could each have an upstream of their own";
        refuse("to", why, "write shared = true");
    }
    if settings.tls.is_some() {
        refuse("tls", "datagrams are not encrypted", stream);
    }
    if settings.proxy_protocol != ProxyProtocol::Off {
        refuse(
            "proxy_protocol",
            "datagrams have no header before them",
            stream,
        );
    }
    if settings.idle_timeout.is_some() && settings.is_one_way() {
        refuse(
            "idle_timeout",
            "datagrams have no connection that ends",
            stream,
        );
    }
    problems
}

/// What is wrong with `settings` of the listener called `name`, which takes datagrams at `bind`.
fn refused(settings: &ListenerSettings, name: &str, bind: &Address) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut refuse = |key: &str, why: &str, hint: &str| {
        let text = format!("key `{key}` of {name}: {why}");
        problems.push(settings.places.of(key).problem(text, hint));
    };
    if settings.to == Destination::Reply {
        let why = format!("senders of datagrams at `{bind}` get no answers");
        let hint = "name where lines go, such as \"stdout\", \"file:PATH\" or \"tcp://HOST:PORT\"";
        refuse("to", &why, hint);
    }
    if !matches!(
        settings.lines.framing,
        Framing::Lf | Framing::Crlf | Framing::Nul
    ) {
        let why = "a datagram's lines have no lengths before them";
        let hint = "write \"lf\" or \"nul\": the end of a datagram ends its last line";
        refuse("framing", why, hint);
    }
    if settings.lines.oversize == Oversize::Close {
        let why = "datagrams have no connection to close";
        let hint = "write \"split\", \"truncate\" or \"drop\"";
        refuse("oversize", why, hint);
    }
    problems
}
