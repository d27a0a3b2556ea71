//! A listener's settings.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use super::{
    Address, Destination, Mode, Networks, ProxyProtocol, Rate, Readiness, StageSettings, Tls,
    UpstreamTls, Watermarks,
};
use crate::keys::keys;
use crate::kind::{
    Age, Choice, Count, FileMode, Flag, HOUR, ListenAddress, Name, Nested, NetworkList, Optional,
    SHORTEST, Size, Special, Stages, Time, Timeout,
};
use crate::problem::Problem;
use crate::problem::place::{Place, Places};
use crate::shape::{self, Shape};
use crate::validate as rules;
use linemill_framing::{Framing, LineSettings, Oversize, Partial, Unfit};

/// Largest `max_line`: an output line of a filter may be four times as long.
const MAX_LINE: u64 = 16 << 20;

/// Most connections of a listener: about what ports and descriptors allow.
const CONNECTIONS: u64 = 1_000_000;

/// Shortest `to_max_age`.
const LEAST_AGE: Duration = Duration::from_secs(1);

/// The kind of `rate` and `total_rate`.
macro_rules! rate {
    ($key:literal) => {
        Optional(
            Nested::new(concat!(
                "write ",
                $key,
                " = { bytes = \"1MiB\", lines = 1000, burst = \"2MiB\" }, or a part of it"
            ))
            .rules(rules::traffic::rate),
            "none",
        )
    };
}

keys! {
    /// One `[[listener]]`.
    #[derive(Debug, Clone, PartialEq)]
    pub struct ListenerSettings: "`[[listener]]`" {
        /// Identifies the listener in logs, metrics and errors. Must be unique. A new name means a
        /// new listener.
        name: String = "rot13".to_owned(), Name, Live,
            sample "in logs, metrics and errors";
        /// The address to listen on: an IP address and a port, `"unix:PATH"`, or a socket passed by
        /// systemd. For datagrams: `"udp://IP:PORT"` or `"unixgram:PATH"`; see
        /// [Datagrams](#datagrams). A socket passed by systemd is `"systemd:NAME"`, with the
        /// socket's `FileDescriptorName`, or `"systemd"` if there is only one; it may be for
        /// datagrams, too. A stale Unix socket
        /// is replaced. A live one, or any other file at that path, is an error and is left alone.
        bind: Address = Address::Tcp(SocketAddr::from(([127, 0, 0, 1], 40713))),
            ListenAddress, Live,
            sample "or \"unix:PATH\", \"udp://IP:PORT\", \"unixgram:PATH\", \"systemd:NAME\"; port 0: any";
        // Only with a Unix socket.
        /// Mode of the Unix socket's file: who may connect, or send datagrams. For that, write
        /// permission is needed. If left out, the process's umask decides; often only the owner may
        /// connect then. Only with `"unix:PATH"` or `"unixgram:PATH"`.
        bind_mode: Option<Mode> = None, Optional(FileMode, "by umask"), Live, default "by umask",
            sample "of a Unix socket's file", example "\"0660\"";
        // Only ever true with an IPv6 address.
        /// If `false`, `"[::]:PORT"` accepts IPv4 as well. Only with an IPv6 address.
        ipv6_only: bool = false, Flag, Live,
            sample "if false, \"[::]:PORT\" accepts IPv4 as well";
        // Only ever true with an IP address.
        /// Allows other processes to listen on the same port (`SO_REUSEPORT`), for example the next
        /// linemill during a restart. The system distributes new connections among them. The admin
        /// address is shared as well if it is an IP address, so that the next linemill can start with
        /// the same file. Only with an IP address.
        reuse_port: bool = false, Flag, Live,
            sample "allow other processes to listen on the same port";
        // Only with `tls` or `proxy_protocol`.
        /// Longest TLS handshake, and longest wait for a whole PROXY protocol header. Only with `tls`
        /// or `proxy_protocol`.
        handshake_timeout: Duration = Duration::from_secs(10), Time(SHORTEST, HOUR), Live,
            sample "longest TLS handshake, and wait for a PROXY header", example "\"10s\"";
        // Not with a Unix socket, unless `proxy_protocol` names clients.
        /// Networks whose clients may connect. Others are refused and counted. An address alone is
        /// a network of one. IPv4 clients are matched by their IPv4 address, even on a dual-stack
        /// socket. Open connections stay. Not with a Unix socket, unless `proxy_protocol` says who
        /// its clients are.
        allow: Option<Networks> = None, Optional(NetworkList, "everybody"), Live,
            default "everybody",
            sample "whose clients may connect", example "[\"10.0.0.0/8\", \"2001:db8::/32\"]";
        /// Networks whose clients are refused, even if `allow` contains them.
        deny: Networks = Networks::default(), NetworkList, Live, default "nobody",
            sample "whose clients may not", example "[\"192.0.2.0/24\"]";
        /// `"accept"`: each connection must begin with a PROXY protocol header, version 1 or 2;
        /// with `tls`, the header comes before the handshake. The source address in the header is
        /// used as the client's address for limits, networks, trials and the log. See
        /// [`proxy_protocol`](#proxy_protocol).
        proxy_protocol: ProxyProtocol = ProxyProtocol::Off, Choice, Live,
            sample "or \"accept\": a header says who the client is";
        // Only with `proxy_protocol`; not empty if that is accepted from IP addresses.
        /// Networks of the proxies. Connections from elsewhere are refused. Required with
        /// `proxy_protocol = "accept"`, except on a Unix socket, whose file's permissions say who may
        /// connect.
        trust: Networks = Networks::default(), NetworkList, Live, default "nobody",
            sample "networks of the proxies, with proxy_protocol", example "[\"10.0.0.0/8\"]";
        // Includes `routes.rest`.
        /// Where lines go after the chain. `"reply"`: back to the client. `"tcp://HOST:PORT"`,
        /// `"tls://HOST:PORT"` or `"unix:PATH"`: to an upstream; each client gets its own
        /// connection to it and receives its answers. `"file:PATH"`: appended to a file, which is
        /// reopened at SIGHUP. `"stdout"`: standard output.
        /// A list of upstreams means fail-over; see [Several upstreams](#several-upstreams).
        to: Destination = Destination::Reply,
            Special::new("destination", shape::destination).shown(text).written(destination), Live,
            sample "or \"tcp://HOST:PORT\", \"tls://HOST:PORT\", \"unix:PATH\", \"file:PATH\", \"stdout\"";
        // `None` means `lines.framing`.
        /// How lines are framed on the way out, and how an upstream frames its answers. Answers
        /// reach the client in `framing`. With `"auto"`, a line that arrived with a length prefix
        /// is written with one, and so is a line whose content a receiver would misread; any other
        /// line is written with the terminator that it had, or LF.
        to_framing: Option<Framing> = None, Optional(Choice, "as framing"), Live,
            default "same as `framing`",
            sample "framing of outgoing lines, if not `framing`", example "\"octet\"";
        /// What happens to a line whose content contains a terminator of the framing in which it
        /// leaves. `"drop"`: the line is dropped and counted. `"space"`: a space replaces each
        /// terminator. `"escape"`: `#` and three octal digits replace each byte of it, as rsyslog
        /// does: `#012` for LF. A line whose frame would be empty is always dropped and counted.
        to_unfit: Unfit = Unfit::Drop, Choice, Live,
            sample "a line that contains a terminator; or \"space\", \"escape\"";
        /// TLS settings for every `"tls://HOST:PORT"` in `to`, `routes` and `tee`.
        to_tls: Option<UpstreamTls> = None, Optional(
                Nested::new("write to_tls = { ca = \"PATH\", cert = \"PATH\", key = \"PATH\", name = \"HOST\" }, or a part of it; cert and key go together")
                    .rules(rules::tls::to_tls),
                "none",
            ), Live, default "see [below](#to_tls)",
            sample "PEM files",
            example "{ ca = \"ca.pem\", cert = \"cert.pem\", key = \"key.pem\", name = \"logs.example.org\" }";
        // Only ever true if `to` is an upstream.
        /// If `true`, all clients share one connection to the upstream. Each client's lines stay
        /// whole and in order. Answers from the upstream are discarded.
        shared: bool = false, Flag, Live,
            sample "one upstream connection for all clients; answers are discarded";
        // Never `Destination::Reply`, and never the name `rest`, which is `to`.
        /// Destinations of lines that a filter sends by a route; see [`routes`](#routes).
        routes: BTreeMap<String, Destination> = BTreeMap::new(), Special::new("table", || Shape::Map(Box::new(shape::destination()))), Live,
            default "none",
            sample "where a filter may send lines",
            example "{ errors = \"tls://logs.example.org:6514\" }";
        // Distinct, and neither `to` nor `Destination::Reply`.
        /// Each entry gets a copy of every line that goes on to `to`. Copies never slow the
        /// original: if a destination is too slow, copies are dropped and counted. Must not contain
        /// `"reply"` or the value of `to`.
        tee: Vec<Destination> = Vec::new(),
            Special::new("list of destinations", || shape::destination().list()).written(|_| Some("[]".to_owned())), Live,
            sample "destinations of copies; copies for slow ones are dropped and counted";
        /// How many bytes may wait for a sink that connections share: a file, standard output, a
        /// shared upstream, a route or a tee. When the buffer is full, clients wait; only a tee
        /// drops lines instead. During a drain, the buffer is written until one second after the
        /// grace period. Lines left after that are counted as lost.
        buffer: usize = 1 << 20, Size(1 << 10, 1 << 30), Live,
            sample "how many bytes may wait for a sink that connections share";
        /// Mode of the files that `to`, `routes` and `tee` create, whatever the umask. By default,
        /// only the host's user can read them. A file that exists keeps its mode.
        file_mode: Mode = Mode::PRIVATE, FileMode, Live,
            sample "of files that the host creates for lines", example "\"0640\"";
        // Other than `Accepting` only if one of the outputs that it names is shared.
        /// When `/readyz` at the admin address answers that the host is ready. `"accepting"`: when
        /// it accepts connections. `"outputs"`: only if none of this listener's outputs has been
        /// down for 10 seconds: `to`, if it is a file, standard output or a `shared` upstream, and
        /// `routes`. Tees do not count, since they do not stop lines. `"to"` and `"routes"`: only
        /// these outputs count. `"all"`: tees count, too.
        readiness: Readiness = Readiness::Accepting, Choice, Live,
            sample "or \"outputs\": /readyz answers 503 while `to` or a route is down";
        /// The filters that each line passes through, in order. `[]` passes lines unchanged.
        chain: Vec<StageSettings> = vec![StageSettings::always("rot13")],
            Stages, Live,
            sample "or { filter = \"rot13\", when = '^[a-z]' }";
        // Empty unless `to` is an upstream that is not shared.
        /// The filters that an upstream's answers pass through on their way to the client. Only
        /// with an upstream that is not `shared`.
        reply_chain: Vec<StageSettings> = Vec::new(), Stages, Live,
            sample "filters for the answers of an upstream";
        /// What happens to lines that were sent to a shared upstream when its connection breaks
        /// before they are acknowledged, so that they may or may not have arrived. `false`: they are
        /// counted as lost and logged, and no line arrives twice. `true`: they are sent again, and
        /// some may arrive twice. Also for `routes` and `tee`.
        resend: bool = false, Flag, Live,
            sample "send again what a shared upstream may not have got; some lines may arrive twice";
        /// Longest single attempt to connect to an upstream. Failed attempts are repeated: for a
        /// client's own connection after 0.1 to 5 seconds, until `write_timeout`; for a shared
        /// connection after 0.1 to 0.8 seconds, indefinitely.
        connect_timeout: Duration = Duration::from_secs(5), Time(SHORTEST, HOUR), Live,
            sample "longest single attempt to connect to an upstream";
        /// After this time, a connection to a shared upstream is replaced by a new one, for which the
        /// host's name is looked up again. So linemill follows changes in DNS, and reaches servers
        /// that were added behind a load balancer. Lines move to the new connection once it has been
        /// open for ten seconds and everything sent on the old one has been acknowledged. The time is
        /// shortened by up to a fifth at random, so that not all hosts reconnect at once. Also for
        /// `routes` and `tee`. `"0s"`: no limit.
        to_max_age: Option<Duration> = None, Age(LEAST_AGE), Live,
            sample "replace a connection to a shared upstream after this time; \"0s\": never";
        /// How much output may be waiting before linemill stops reading from a connection.
        watermarks: Watermarks = Watermarks::default(),
            Nested::new("write watermarks = { high = \"64KiB\", low = \"16KiB\" }")
                .rules(rules::traffic::watermarks), Live,
            default "see [below](#watermarks)",
            sample "reading stops above high and resumes at low";
        /// Closes a connection that has carried no byte in either direction for this long. Off by
        /// default where lines need no answer, because such senders may be silent for a long time:
        /// if `to` is a file, standard output or a `shared` upstream.
        idle_timeout: Option<Duration> = Some(Duration::from_secs(60)), Timeout, Live,
            default "`\"1m\"`, or off",
            sample "no byte in either direction; \"0s\" turns a timeout off";
        /// Closes a connection if a line's terminator has not arrived this long after the line's
        /// first byte.
        line_timeout: Option<Duration> = Some(Duration::from_secs(30)), Timeout, Live,
            sample "from a line's first byte to its terminator";
        /// Closes a connection that has accepted no output for this long, or whose upstream has
        /// been unreachable for this long. `idle_timeout` applies as well, so the shorter one takes
        /// effect. A connection to an upstream, shared or not, is also closed when data has been
        /// sent and the upstream's system has acknowledged none of it for this long; a shared
        /// upstream is then reconnected.
        write_timeout: Option<Duration> = Some(Duration::from_secs(30)), Timeout, Live,
            sample "no output accepted";
        /// How many connections may be open at a time. Further ones are closed within milliseconds
        /// and counted. If the limit is lowered, open connections stay. On Linux,
        /// connections whose clients have gone do not count while their lines wait for a shared
        /// sink; up to `max_connections` of those may exist in addition.
        max_connections: usize = 10_000, Count(1, CONNECTIONS), Live,
            sample "further connections are closed at once";
        /// How many connections from one client may be open at a time: from one IPv4 address, or from
        /// one IPv6 network of 64 bits. Each link-local address counts alone. Further ones are closed
        /// and counted. Not with a Unix socket.
        max_per_address: Option<usize> = None, Optional(Count(1, CONNECTIONS), "no limit"), Live,
            default "no limit",
            sample "how many from one address, or IPv6 /64, may be open at a time", example "100";
        /// Limits the input of each connection. Connecting again does not renew the burst; see
        /// [`rate`](#rate-total_rate).
        rate: Option<Rate> = None, rate!("rate"), Live, default "none",
            sample "of each connection, per second",
            example "{ bytes = \"1MiB\", lines = 1000, burst = \"2MiB\" }";
        /// Limits the input of all connections of the listener together.
        total_rate: Option<Rate> = None, rate!("total_rate"), Live, default "none",
            sample "of all together",
            example "{ bytes = \"100MiB\", lines = 100000, burst = \"200MiB\" }";
        /// Serves TLS; see [`tls`](#tls). Certificates are reloaded live, for new connections.
        tls: Option<Tls> = None, Optional(
                Nested::new("write tls = { cert = \"PATH\", key = \"PATH\" }; client_ca = \"PATH\" may be added")
                    .require(&["cert", "key"])
                    .rules(rules::tls::tls),
                "none",
            ), Live, default "none: plain",
            sample "PEM files",
            example "{ cert = \"cert.pem\", key = \"key.pem\", client_ca = \"clients.pem\" }";
    }
    part lines: LineSettings {
        /// What ends a line. `"lf"`: LF; a CR directly before it belongs to the terminator.
        /// `"crlf"`: only CR LF. `"nul"`: NUL. `"octet"`: octet counting as in RFC 6587, section
        /// 3.4.1: a decimal length, a space, then that many bytes; an LF or CR LF at the end of
        /// these bytes is the terminator. `"auto"`: for each line, `octet` if it begins with a
        /// length and a space, else LF, CR LF or NUL; see [`auto`](#auto).
        framing: Framing, Choice, Live, sample "or \"crlf\", \"nul\", \"octet\", \"auto\"";
        /// Longest content of a line, without its terminator. A line returned by a filter may be
        /// four times as long.
        max_line: usize, Size(1, MAX_LINE), Live,
            sample "longest content, without the terminator";
        /// What happens to a longer line. `"split"`: every `max_line` bytes become a line.
        /// `"truncate"`: only the first `max_line` bytes and the terminator are kept. `"drop"`: the
        /// line is dropped. `"close"`: the connection is closed and no part of the line is sent.
        oversize: Oversize, Choice, Live,
            sample "a longer line; or \"truncate\", \"drop\", \"close\"";
        /// What happens to unterminated bytes at a clean end of stream. `"emit"`: they become a
        /// line without a terminator. `"drop"`: they are dropped and counted. If a TLS stream was
        /// truncated, they are dropped and counted in either case.
        partial: Partial, Choice, Live,
            sample "unterminated bytes at a clean end of stream; or \"drop\"";
        /// Removes a UTF-8 byte order mark at the start of a stream, before the first line. A mark
        /// anywhere else is content.
        strip_bom: bool, Flag, Live, sample "remove a byte order mark at the start of a stream";
    }
    no key {
        /// The place of `bind` in the file.
        bind_place: Place = Place::default();
        /// The places of the other keys.
        places: Places = Places::default();
    }
}

impl ListenerSettings {
    /// Whether no line needs an answer.
    pub fn is_one_way(&self) -> bool {
        match &self.to {
            Destination::Reply => false,
            Destination::File(_) | Destination::Stdout => true,
            Destination::Tcp(_)
            | Destination::Tls(_)
            | Destination::Unix(_)
            | Destination::FailOver(_) => self.shared,
        }
    }

    /// Whether lines go to an upstream over a connection that clients share.
    pub fn has_shared_upstream(&self) -> bool {
        self.shared_destinations().any(|(_, to)| to.is_socket())
    }

    /// Its destinations, each with the key that names it. Those of its filters' failed lines are not among
    /// them.
    pub fn destinations(&self) -> impl Iterator<Item = (&'static str, &Destination)> {
        let routes = self.routes.values().map(|to| ("routes", to));
        let tee = self.tee.iter().map(|to| ("tee", to));
        [("to", &self.to)].into_iter().chain(routes).chain(tee)
    }

    /// Those of them that connections share.
    pub fn shared_destinations(&self) -> impl Iterator<Item = (&'static str, &Destination)> {
        let own = (!self.is_one_way()).then_some("to");
        self.destinations()
            .filter(move |(key, _)| Some(*key) != own)
    }

    /// What it cannot have if systemd hands over a socket for datagrams, which only shows when that is
    /// taken.
    pub fn refused_for_datagrams(&self) -> Vec<Problem> {
        rules::datagrams_of_systemd(self)
    }

    /// The stages of both chains.
    pub fn stages(&self) -> impl Iterator<Item = &StageSettings> {
        self.chain.iter().chain(&self.reply_chain)
    }
}

fn quoted(value: &impl ToString) -> Option<String> {
    Some(format!("{:?}", value.to_string()))
}

/// A list is written as one.
fn destination(value: &Destination) -> Option<String> {
    match value {
        Destination::FailOver(_) => {
            let quoted = value.upstreams().iter().filter_map(quoted);
            Some(format!("[{}]", quoted.collect::<Vec<_>>().join(", ")))
        }
        _ => quoted(value),
    }
}

fn text(value: &impl ToString) -> Option<String> {
    Some(value.to_string())
}
