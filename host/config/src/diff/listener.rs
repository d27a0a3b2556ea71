//! Listeners: which come and go, and which keys of one differ.

use super::Diff;
use super::Effect::{Live, Restart};
use super::keys::Keys;
use super::shown::Bytes;
use crate::place::Place;
use crate::settings::ListenerSettings;
use linemill_framing::LineSettings;

impl Diff {
    pub(super) fn listeners(&mut self, old: &[ListenerSettings], new: &[ListenerSettings]) {
        let of_name = |listeners: &[ListenerSettings], name: &str| {
            listeners.iter().position(|one| one.name == name)
        };
        for one in old.iter().filter(|one| of_name(new, &one.name).is_none()) {
            self.note(
                &format!("listener {}", one.name),
                "removed",
                Live,
                &Place::default(),
            );
        }
        for one in new {
            let subject = format!("listener {}", one.name);
            match of_name(old, &one.name) {
                Some(at) => self.listener(&subject, &old[at], one),
                None => self.note(&subject, "added", Live, &one.bind_place),
            }
        }
    }

    fn listener(&mut self, subject: &str, old: &ListenerSettings, new: &ListenerSettings) {
        // Taken apart by name, so that a new key cannot be forgotten here.
        let ListenerSettings {
            name: _,
            bind,
            ipv6_only,
            reuse_port,
            chain,
            to,
            to_framing,
            to_tls,
            shared,
            reply_chain,
            routes,
            tee,
            connect_timeout,
            buffer,
            watermarks,
            lines:
                LineSettings {
                    framing,
                    max_line,
                    oversize,
                    partial,
                },
            idle_timeout,
            line_timeout,
            write_timeout,
            max_connections,
            max_per_address,
            rate,
            total_rate,
            tls,
            bind_place: _,
            places: _,
        } = old;
        let mut keys = Keys {
            diff: self,
            subject,
            place: &|key| new.places.of(key),
        };
        keys.compare("bind", bind, &new.bind, Restart);
        keys.compare("ipv6_only", ipv6_only, &new.ipv6_only, Restart);
        keys.compare("reuse_port", reuse_port, &new.reuse_port, Restart);
        keys.compare("to", to, &new.to, Restart);
        keys.compare("framing", framing, &new.lines.framing, Restart);
        keys.compare("to_framing", to_framing, &new.to_framing, Restart);
        keys.changed("to_tls", *to_tls != new.to_tls, Restart);
        keys.compare("shared", shared, &new.shared, Restart);
        keys.changed("routes", *routes != new.routes, Restart);
        keys.changed("tee", *tee != new.tee, Restart);
        keys.compare("buffer", &Bytes(*buffer), &Bytes(new.buffer), Restart);
        let tls_effect = match (tls, &new.tls) {
            // Only certificates and the time for a handshake.
            (Some(_), Some(_)) => Live,
            _ => Restart,
        };
        keys.changed("tls", *tls != new.tls, tls_effect);
        keys.compare("chain", chain, &new.chain, Live);
        keys.compare("reply_chain", reply_chain, &new.reply_chain, Live);
        keys.compare(
            "connect_timeout",
            connect_timeout,
            &new.connect_timeout,
            Live,
        );
        keys.compare("watermarks", watermarks, &new.watermarks, Live);
        keys.compare(
            "max_line",
            &Bytes(*max_line),
            &Bytes(new.lines.max_line),
            Live,
        );
        keys.compare("oversize", oversize, &new.lines.oversize, Live);
        keys.compare("partial", partial, &new.lines.partial, Live);
        keys.compare("idle_timeout", idle_timeout, &new.idle_timeout, Live);
        keys.compare("line_timeout", line_timeout, &new.line_timeout, Live);
        keys.compare("write_timeout", write_timeout, &new.write_timeout, Live);
        keys.compare(
            "max_connections",
            max_connections,
            &new.max_connections,
            Live,
        );
        keys.compare(
            "max_per_address",
            max_per_address,
            &new.max_per_address,
            Live,
        );
        keys.changed("rate", *rate != new.rate, Live);
        keys.changed("total_rate", *total_rate != new.total_rate, Live);
    }
}
