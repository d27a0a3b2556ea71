//! The tables inside a listener: `rate`, `total_rate`, `watermarks`, `tls` and `to_tls`.

use std::path::PathBuf;

use super::{Checker, HOUR, bytes, time};
use crate::file::Watermarks as WatermarksFile;
use crate::file::{HopTls as HopTlsFile, Rate as RateFile, Tls as TlsFile};
use crate::host_port::Host;
use crate::item::{Item, Table};
use crate::problem::Problem;
use crate::settings::{HopTls, Rate, Tls, Watermarks};
use crate::units::SIZE;

/// Most output that may be owed.
const HIGH_MOST: u64 = 1 << 30;

/// How many bursts a second it takes at most to reach a rate: timers are not finer.
const BURSTS: u64 = 100;

impl Checker<'_> {
    /// The table that `key`, `rate` or `total_rate`, is.
    pub(super) fn rate(
        &mut self,
        item: Option<&Item<'_>>,
        key: &str,
        listener: &str,
    ) -> Option<Rate> {
        let item = item?;
        let right = format!(
            "write {key} = {{ bytes = \"1MiB\", lines = 1000, burst = \"2MiB\" }}, or a part of it"
        );
        let table = self
            .problems
            .keep(item.table(format!("`{key}` of {listener}"), &right))?;
        let file = RateFile::read(&table, &mut self.problems);
        let size = |item: &Item<'_>| item.quantity(&SIZE, 1..=1 << 40).map(Some);
        let rate = Rate {
            bytes: self.problems.read(file.bytes.as_ref(), None, size),
            lines: self.problems.read(file.lines.as_ref(), None, |item| {
                item.whole(1..=1 << 40).map(Some)
            }),
            burst: self.problems.read(file.burst.as_ref(), None, size),
        };
        if let (Some(item), Some(burst), Some(bytes)) = (&file.burst, rate.burst, rate.bytes)
            && burst < bytes / BURSTS
        {
            let least = SIZE.show(bytes / BURSTS);
            self.problems.push(item.refuse(
                "is less than `bytes` lets through in 10 ms, so that rate could not be reached",
                format!("write a size from \"{least}\", or leave `burst` out"),
            ));
        }
        if let (Some(burst), None) = (&file.burst, &file.bytes) {
            self.problems.push(burst.refuse(
                "is a burst of bytes, but bytes are not limited",
                "add `bytes`",
            ));
        } else if file.bytes.is_none() && file.lines.is_none() {
            self.problems.push(item.refuse("limits nothing", right));
        }
        Some(rate)
    }

    /// Tables `tls`, and the key that goes with them.
    pub(super) fn tls(&mut self, listener: &Table<'_>) -> Option<Tls> {
        let handshake = listener.item("handshake_timeout");
        let read = |item: &Item<'_>| time(item, 1, HOUR);
        let default = Tls::HANDSHAKE_TIMEOUT;
        let handshake_timeout = self.problems.read(handshake.as_ref(), default, read);
        let Some(item) = listener.item("tls") else {
            let unused = |item: Item<'_>| {
                item.refuse(
                    "has no effect without `tls`",
                    "add `tls`, or leave this out",
                )
            };
            self.problems.extend(handshake.map(unused));
            return None;
        };
        let right =
            "write tls = { cert = \"PATH\", key = \"PATH\" }; client_ca = \"PATH\" may be added";
        let table = self
            .problems
            .keep(item.table(format!("`tls` of {}", listener.name), right))?;
        let file = TlsFile::read(&table, &mut self.problems);
        let cert = self.path(file.cert.as_ref());
        let key = self.path(file.key.as_ref());
        let client_ca = self.path(file.client_ca.as_ref());
        for (name, item) in [("cert", &file.cert), ("key", &file.key)] {
            if item.is_none() {
                self.problems.push(table.lacks(name, right));
            }
        }
        Some(Tls {
            cert: cert?,
            key: key?,
            client_ca,
            handshake_timeout,
        })
    }

    /// Table `to_tls`.
    pub(super) fn hop_tls(&mut self, item: Option<&Item<'_>>, listener: &str) -> Option<HopTls> {
        let item = item?;
        let right = "write to_tls = { ca = \"PATH\", cert = \"PATH\", key = \"PATH\", name = \"HOST\" }, or a part of it; cert and key go together";
        let table = self
            .problems
            .keep(item.table(format!("`to_tls` of {listener}"), right))?;
        let file = HopTlsFile::read(&table, &mut self.problems);
        let lacks = |table: &Table<'_>, key| table.lacks(key, right);
        match (&file.cert, &file.key) {
            (Some(_), None) => self.problems.push(lacks(&table, "key")),
            (None, Some(_)) => self.problems.push(lacks(&table, "cert")),
            _ => {}
        }
        Some(HopTls {
            ca: self.path(file.ca.as_ref()),
            cert: self.path(file.cert.as_ref()),
            key: self.path(file.key.as_ref()),
            name: self
                .problems
                .read(file.name.as_ref(), None, |item| host(item).map(Some)),
        })
    }

    /// Table `watermarks`.
    pub(super) fn watermarks(&mut self, item: Option<&Item<'_>>, listener: &str) -> Watermarks {
        let default = Watermarks::default();
        let right = "write watermarks = { high = \"64KiB\", low = \"16KiB\" }";
        let table = item.map(|item| item.table(format!("`watermarks` of {listener}"), right));
        let Some(table) = table.and_then(|table| self.problems.keep(table)) else {
            return default;
        };
        let file = WatermarksFile::read(&table, &mut self.problems);
        let high = match &file.high {
            Some(item) => self.problems.keep(bytes(item, 1, HIGH_MOST)),
            None => Some(default.high),
        };
        let read = |item: &Item<'_>| bytes(item, 0, HIGH_MOST);
        let quarter = high.map_or(0, |high| high / 4);
        let low = self.problems.read(file.low.as_ref(), quarter, read);
        match (&file.low, high) {
            (Some(item), Some(high)) if low > high => {
                let high = SIZE.show(high as u64);
                let fault = format!("is more than the `high` of {high}");
                let hint = "reading stops above `high` and goes on at `low`: raise the one or lower the other";
                self.problems.push(item.refuse(fault, hint));
            }
            _ => {}
        }
        Watermarks {
            high: high.unwrap_or(default.high),
            low,
        }
    }

    /// A path; a relative one starts from the folder of the file.
    fn path(&mut self, item: Option<&Item<'_>>) -> Option<PathBuf> {
        let path = self.problems.keep(item?.text())?;
        Some(self.folder.join(path))
    }
}

/// What a certificate can be for.
fn host(item: &Item<'_>) -> Result<String, Problem> {
    let name = item.text()?;
    match name.parse::<Host>() {
        Ok(_) => Ok(name.to_owned()),
        Err(fault) => {
            let hint = "write the host's name or IP address, without scheme and port";
            Err(item.refuse(fault, hint))
        }
    }
}
