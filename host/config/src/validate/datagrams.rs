//! Listeners for datagrams: what they do without, since there are no connections.

use crate::checker::Checker;
use crate::item::Table;
use crate::problem::Problem;
use crate::settings::{Address, Destination, ListenerSettings};
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
        if settings.to == Destination::Reply {
            let text = format!(
                "key `to` of {}: senders of datagrams at `{bind}` get no answers",
                listener.name
            );
            let hint =
                "name where lines go, such as \"stdout\", \"file:PATH\" or \"tcp://HOST:PORT\"";
            self.problems
                .push(settings.places.of("to").problem(text, hint));
        }
        let refused = |key: &str, why: &str, hint: &str| -> Problem {
            let text = format!("key `{key}` of {}: {why}", listener.name);
            settings.places.of(key).problem(text, hint)
        };
        if !matches!(
            settings.lines.framing,
            Framing::Lf | Framing::Crlf | Framing::Nul
        ) {
            let why = "a datagram's lines have no lengths before them";
            let hint = "write \"lf\" or \"nul\": the end of a datagram ends its last line";
            self.problems.push(refused("framing", why, hint));
        }
        if settings.lines.oversize == Oversize::Close {
            let why = "datagrams have no connection to close";
            let hint = "write \"split\", \"truncate\" or \"drop\"";
            self.problems.push(refused("oversize", why, hint));
        }
    }
}
