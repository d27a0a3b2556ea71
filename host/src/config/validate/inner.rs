//! The tables inside a listener: `rate` and `tls`.

use super::{Checker, HOUR, time};
use crate::config::file::{Listener, Rate as RateFile, Tls as TlsFile};
use crate::config::item::Item;
use crate::config::settings::{Rate, Tls};
use crate::config::units::SIZE;

impl Checker<'_> {
    /// Tables `rate`.
    pub(super) fn rate(&mut self, item: Option<&Item<'_>>, listener: &str) -> Option<Rate> {
        let item = item?;
        let right =
            "write rate = { bytes = \"1MiB\", lines = 1000, burst = \"2MiB\" }, or a part of it";
        let table = self
            .problems
            .keep(item.table(format!("`rate` of {listener}"), right))?;
        let file = RateFile::read(&table, &mut self.problems);
        let size = |item: &Item<'_>| item.quantity(&SIZE, 1..=1 << 40).map(Some);
        let rate = Rate {
            bytes: self.problems.read(file.bytes.as_ref(), None, size),
            lines: self.problems.read(file.lines.as_ref(), None, |item| {
                item.whole(1..=1 << 40).map(Some)
            }),
            burst: self.problems.read(file.burst.as_ref(), None, size),
        };
        if let (Some(burst), None) = (&file.burst, &file.bytes) {
            self.problems.0.push(burst.refuse(
                "is a burst of bytes, but bytes are not limited",
                "add `bytes`",
            ));
        } else if file.bytes.is_none() && file.lines.is_none() {
            self.problems.0.push(item.refuse("limits nothing", right));
        }
        Some(rate)
    }

    /// Tables `tls`, and the key that goes with them.
    pub(super) fn tls(&mut self, file: &Listener<'_>, listener: &str) -> Option<Tls> {
        let handshake = file.handshake_timeout.as_ref();
        let read = |item: &Item<'_>| time(item, 1, HOUR);
        let handshake_timeout = self.problems.read(handshake, Tls::HANDSHAKE_TIMEOUT, read);
        let Some(item) = &file.tls else {
            let unused = |item: &Item<'_>| {
                item.refuse(
                    "has no effect without `tls`",
                    "add `tls`, or leave this out",
                )
            };
            self.problems.0.extend(handshake.map(unused));
            return None;
        };
        let right =
            "write tls = { cert = \"PATH\", key = \"PATH\" }; client_ca = \"PATH\" may be added";
        let table = self
            .problems
            .keep(item.table(format!("`tls` of {listener}"), right))?;
        let file = TlsFile::read(&table, &mut self.problems);
        let [cert, key, client_ca] = [&file.cert, &file.key, &file.client_ca].map(|item| {
            self.problems.read(item.as_ref(), None, |item| {
                item.text().map(|path| Some(self.folder.join(path)))
            })
        });
        for (name, item) in [("cert", &file.cert), ("key", &file.key)] {
            if item.is_none() {
                self.problems.0.push(table.lacks(name, right));
            }
        }
        Some(Tls {
            cert: cert?,
            key: key?,
            client_ca,
            handshake_timeout,
        })
    }
}
