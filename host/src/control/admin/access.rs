//! Which requests the admin address answers.
//!
//! In: the head of a request, and what its path shows or changes. Out: nothing, or a [`Refusal`] with a
//! status and a text that says what to do. Not here: what a request does (`admin`).
//!
//! - A request with HTTP/1.1 has exactly one `Host` (RFC 9112, 3.2), and no request has a body.
//! - On TCP, a request without a token names the host by an IP address, as `localhost`, or by a name in
//!   `admin_names`. A web page whose own name resolves to this address (DNS rebinding) cannot do that.
//! - A request that changes something, or shows payload, does not come from a web page.
//! - With an `admin_token`, all requests but probes need it. Without, on TCP, those that show payload need
//!   the token that the host generates for verbs of its own user. The file of a Unix socket admits only
//!   that user.

use std::net::{Ipv4Addr, Ipv6Addr};

use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, Uri, Version, header};
use axum::response::{IntoResponse, Response};

use super::metrics::AdminRefusal;
use linemill_config::settings::{AdminName, Token};

/// What the paths of a route give to those who ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gives {
    /// Whether the host works.
    Health,
    /// What the host does, without payload, or a change of it.
    State,
    /// Lines of clients, or secrets of the configuration.
    Payload,
}

/// Who may ask at one address.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules<'a> {
    /// The address is TCP: everybody on this machine, or beyond, can connect.
    pub(super) tcp: bool,
    /// The names in `admin_names`.
    pub(super) names: &'a [AdminName],
    /// `admin_token`.
    pub(super) configured: Option<&'a Token>,
    /// The token for verbs of the host's user, if one could be made.
    pub(super) local: Option<&'a Token>,
}

/// Why a request is not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    NoHost,
    HostName,
    Body,
    WebPage,
    /// It lacks `admin_token`.
    Token,
    /// It lacks the token that the host generated; the flag says whether there is one.
    LocalToken(bool),
}

/// Whether a path is one of the probes. They are answered even when all seats are taken.
pub(super) fn is_probe(path: &str) -> bool {
    PROBES.contains(&path)
}

/// The paths that give [`Gives::Health`].
pub(super) const PROBES: [&str; 2] = ["/healthz", "/readyz"];

impl Rules<'_> {
    /// Admits a request whose path gives `gives`.
    ///
    /// # Errors
    /// When it is refused.
    pub(super) fn admit(&self, head: &Parts, gives: Gives) -> Result<(), Refusal> {
        let (headers, version) = (&head.headers, head.version);
        let mut hosts = headers.get_all(header::HOST).iter();
        let host = hosts.next();
        if hosts.next().is_some() || (host.is_none() && version == Version::HTTP_11) {
            return Err(Refusal::NoHost);
        }
        if has_body(headers) {
            return Err(Refusal::Body);
        }
        if gives == Gives::Health {
            return Ok(());
        }
        let has_token = self.has_token(headers);
        if self.tcp && !has_token && !self.is_named(host.map(|host| host.as_bytes()), &head.uri) {
            return Err(Refusal::HostName);
        }
        let changes = ![Method::GET, Method::HEAD, Method::OPTIONS].contains(&head.method);
        if (changes || gives == Gives::Payload) && is_from_web_page(headers) {
            return Err(Refusal::WebPage);
        }
        match self.configured {
            _ if has_token => Ok(()),
            Some(_) => Err(Refusal::Token),
            None if gives == Gives::Payload && self.tcp => {
                Err(Refusal::LocalToken(self.local.is_some()))
            }
            None => Ok(()),
        }
    }

    /// Whether the request carries one of the tokens. Both are compared whatever the result of the first.
    fn has_token(&self, headers: &HeaderMap) -> bool {
        let Some(shown) = bearer(headers) else {
            return false;
        };
        let is = |token: Option<&Token>| token.is_some_and(|token| token.is(shown));
        is(self.configured) | is(self.local)
    }

    /// Whether all that names the host names it as it should: `Host`, and a URI with an authority.
    fn is_named(&self, host: Option<&[u8]>, uri: &Uri) -> bool {
        let host = host.map(|host| std::str::from_utf8(host).unwrap_or_default());
        let authority = uri.authority().map(|authority| authority.as_str());
        [host, authority]
            .into_iter()
            .flatten()
            .all(|host| self.admits_name(host))
    }

    /// Whether `HOST` or `HOST:PORT` may name the host.
    fn admits_name(&self, text: &str) -> bool {
        let is_port = |rest: &str| {
            rest.is_empty()
                || rest
                    .strip_prefix(':')
                    .is_some_and(|port| port.bytes().all(|digit| digit.is_ascii_digit()))
        };
        if let Some(rest) = text.strip_prefix('[') {
            return rest.split_once(']').is_some_and(|(address, rest)| {
                address.parse::<Ipv6Addr>().is_ok() && is_port(rest)
            });
        }
        let (host, rest) = text.split_at(text.find(':').unwrap_or(text.len()));
        if !is_port(rest) {
            return false;
        }
        let name = host.strip_suffix('.').unwrap_or(host);
        host.parse::<Ipv4Addr>().is_ok()
            || name.eq_ignore_ascii_case("localhost")
            || self.names.iter().any(|known| known.is(name))
    }
}

impl Refusal {
    /// The reason by which it counts.
    pub(super) fn reason(self) -> AdminRefusal {
        match self {
            Self::NoHost => AdminRefusal::NoHost,
            Self::HostName => AdminRefusal::HostName,
            Self::Body => AdminRefusal::Body,
            Self::WebPage => AdminRefusal::WebPage,
            Self::Token | Self::LocalToken(_) => AdminRefusal::Token,
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, text) = match self {
            Self::NoHost => (
                StatusCode::BAD_REQUEST,
                "refused: a request needs exactly one `Host`\n",
            ),
            Self::HostName => (
                StatusCode::MISDIRECTED_REQUEST,
                "refused: `Host` is neither an IP address nor `localhost`; use one of these, or add the name to `admin_names`\n",
            ),
            Self::Body => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "refused: no request here has a body; leave it out\n",
            ),
            Self::WebPage => (
                StatusCode::FORBIDDEN,
                "refused: requests with an `Origin` header, or with a `Sec-Fetch-Site` header other than `none` and `same-origin`, come from web pages\n",
            ),
            Self::Token => (
                StatusCode::UNAUTHORIZED,
                "this admin address requires `Authorization: Bearer TOKEN`, with its `admin_token`\n",
            ),
            Self::LocalToken(true) => (
                StatusCode::UNAUTHORIZED,
                "this shows payload, and requires `Authorization: Bearer TOKEN`; verbs run by the host's user find the token themselves; others need an `admin_token` in the configuration\n",
            ),
            Self::LocalToken(false) => (
                StatusCode::UNAUTHORIZED,
                "this shows payload, and requires `Authorization: Bearer TOKEN`; set `admin_token` in the configuration, or use a Unix socket\n",
            ),
        };
        if status == StatusCode::UNAUTHORIZED {
            (status, [(header::WWW_AUTHENTICATE, "Bearer")], text).into_response()
        } else {
            (status, text).into_response()
        }
    }
}

/// The token of the only `Authorization: Bearer TOKEN`. The name of the scheme may be written in any case
/// (RFC 9110, 11.1).
fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next()?.as_bytes();
    let (scheme, token) = value.split_at_checked(b"Bearer".len())?;
    let is_bearer = scheme.eq_ignore_ascii_case(b"Bearer") && token.starts_with(b" ");
    (is_bearer && values.next().is_none()).then(|| token.trim_ascii())
}

fn has_body(headers: &HeaderMap) -> bool {
    let mut lengths = headers.get_all(header::CONTENT_LENGTH).iter();
    headers.contains_key(header::TRANSFER_ENCODING)
        || lengths.any(|length| {
            length
                .as_bytes()
                .trim_ascii()
                .iter()
                .any(|digit| *digit != b'0')
        })
}

/// Whether a browser sent it for a web page. Browsers send `Origin` with all that is not a GET, and
/// `Sec-Fetch-Site` with everything; pages cannot change either.
fn is_from_web_page(headers: &HeaderMap) -> bool {
    let mut sites = headers.get_all("sec-fetch-site").iter();
    headers.contains_key(header::ORIGIN)
        || sites.any(|site| site != "same-origin" && site != "none")
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    const TOKEN: &str = "0123456789abcdef";
    const LOCAL: &str = "fedcba9876543210";

    struct Case {
        tcp: bool,
        configured: Option<Token>,
    }

    impl Case {
        fn admit(&self, request: &str, gives: Gives) -> Result<(), Refusal> {
            let mut lines = request.lines();
            let mut first = lines.next().expect("a line").split(' ');
            let mut head = Request::builder()
                .method(first.next().expect("a method"))
                .uri(first.next().expect("a path"))
                .version(match first.next() {
                    Some("1.0") => Version::HTTP_10,
                    _ => Version::HTTP_11,
                });
            for line in lines {
                let (name, value) = line.split_once(": ").expect("a header");
                head = head.header(name, value);
            }
            let (head, ()) = head.body(()).expect("a request").into_parts();
            let names = ["admin.example.org".parse().expect("a name")];
            let local = Token::new(LOCAL);
            let rules = Rules {
                tcp: self.tcp,
                names: &names,
                configured: self.configured.as_ref(),
                local: Some(&local),
            };
            rules.admit(&head, gives)
        }
    }

    const OPEN: Case = Case {
        tcp: true,
        configured: None,
    };

    fn closed() -> Case {
        Case {
            tcp: true,
            configured: Some(Token::new(TOKEN)),
        }
    }

    #[test]
    fn the_host_is_named_by_an_address_or_a_known_name() {
        for host in [
            "127.0.0.1",
            "127.0.0.1:9713",
            "[::1]:9713",
            "[::1]",
            "192.0.2.1:80",
            "localhost",
            "LOCALHOST.:1",
            "admin.example.org",
            "Admin.Example.Org:9713",
        ] {
            let request = format!("GET /status\nHost: {host}");
            assert_eq!(OPEN.admit(&request, Gives::State), Ok(()), "{host}");
        }
        for host in [
            "attacker.example",
            "attacker.example:9713",
            "127.0.0.1.attacker.example",
            "localhost.attacker.example",
            "[::1].attacker.example:1",
            "[attacker.example]",
            "[127.0.0.1]",
            "127.0.0.1:9713:1",
            "127.0.0.1:x",
            "127.0.0.1@attacker.example",
            "2130706433",
            "0x7f.1",
            "",
        ] {
            let request = format!("GET /status\nHost: {host}");
            let refused = Err(Refusal::HostName);
            assert_eq!(OPEN.admit(&request, Gives::State), refused, "{host}");
            // Nobody but a page needs the name, and a page has no token.
            let with_token = format!("{request}\nAuthorization: Bearer {TOKEN}");
            assert_eq!(closed().admit(&with_token, Gives::Payload), Ok(()));
            assert_eq!(OPEN.admit(&request, Gives::Health), Ok(()), "{host}");
            let unix = Case {
                tcp: false,
                configured: None,
            };
            assert_eq!(unix.admit(&request, Gives::Payload), Ok(()), "{host}");
        }
        let absolute = "GET http://attacker.example/status\nHost: localhost";
        assert_eq!(OPEN.admit(absolute, Gives::State), Err(Refusal::HostName));
    }

    #[test]
    fn a_request_has_one_host_and_no_body() {
        assert_eq!(
            OPEN.admit("GET /healthz", Gives::Health),
            Err(Refusal::NoHost)
        );
        assert_eq!(OPEN.admit("GET /healthz 1.0", Gives::Health), Ok(()));
        assert_eq!(OPEN.admit("GET /status 1.0", Gives::State), Ok(()));
        let two = "GET /status\nHost: localhost\nHost: attacker.example";
        assert_eq!(OPEN.admit(two, Gives::State), Err(Refusal::NoHost));
        for (body, refusal) in [
            ("Content-Length: 0", None),
            ("Content-Length: 00", None),
            ("Content-Length: 1", Some(Refusal::Body)),
            ("Transfer-Encoding: chunked", Some(Refusal::Body)),
        ] {
            let request = format!("POST /reload\nHost: localhost\n{body}");
            assert_eq!(OPEN.admit(&request, Gives::State).err(), refusal, "{body}");
        }
    }

    #[test]
    fn web_pages_change_nothing_and_see_no_payload() {
        for (site, pages) in [
            ("Origin: http://attacker.example", true),
            ("Origin: null", true),
            ("Sec-Fetch-Site: cross-site", true),
            ("Sec-Fetch-Site: same-site", true),
            ("Sec-Fetch-Site: same-origin", false),
            ("Sec-Fetch-Site: none", false),
        ] {
            let refusal = pages.then_some(Refusal::WebPage);
            let head = |first: &str| {
                format!("{first}\nHost: localhost\n{site}\nAuthorization: Bearer {LOCAL}")
            };
            for first in ["POST /reload", "DELETE /status", "PUT /x"] {
                let admitted = OPEN.admit(&head(first), Gives::State);
                assert_eq!(admitted.err(), refusal, "{first} {site}");
            }
            let payload = OPEN.admit(&head("GET /trials"), Gives::Payload);
            assert_eq!(payload.err(), refusal, "{site}");
            assert_eq!(OPEN.admit(&head("GET /status"), Gives::State), Ok(()));
        }
    }

    #[test]
    fn tokens_are_required_where_payload_is_shown_or_one_is_configured() {
        let get = |authorization: &str| format!("GET /x\nHost: localhost{authorization}");
        let none = get("");
        assert_eq!(OPEN.admit(&none, Gives::State), Ok(()));
        assert_eq!(
            OPEN.admit(&none, Gives::Payload),
            Err(Refusal::LocalToken(true))
        );
        assert_eq!(closed().admit(&none, Gives::State), Err(Refusal::Token));
        assert_eq!(closed().admit(&none, Gives::Health), Ok(()));
        for (authorization, admitted) in [
            ("Bearer 0123456789abcdef", true),
            ("bearer 0123456789abcdef", true),
            ("BEARER   0123456789abcdef", true),
            ("Bearer fedcba9876543210", true),
            ("Bearer 0123456789abcdeF", false),
            ("Bearer 0123456789abcde", false),
            ("Bearer", false),
            ("Bearer ", false),
            ("Bearer0123456789abcdef", false),
            ("Basic 0123456789abcdef", false),
            ("0123456789abcdef", false),
        ] {
            let request = get(&format!("\nAuthorization: {authorization}"));
            let refusal = (!admitted).then_some(Refusal::Token);
            assert_eq!(
                closed().admit(&request, Gives::Payload).err(),
                refusal,
                "{authorization}"
            );
        }
        let two = get("\nAuthorization: Bearer 0123456789abcdef\nAuthorization: Bearer x");
        assert_eq!(closed().admit(&two, Gives::State), Err(Refusal::Token));
    }
}
