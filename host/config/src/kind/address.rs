//! Kinds of values that name an address: where to listen, and where lines go.

use std::path::Path;

use super::Kind;
use crate::checker::Checker;
use crate::item::Item;
use crate::malformed::Malformed;
use crate::problem::Problem;
use crate::settings::{Address, Destination, NotFailOver};
use crate::shape::Shape;

/// An address to listen on; a relative path in it starts from the folder of the file.
pub(crate) struct ListenAddress;

/// An address that the host opens itself, and that takes connections.
pub(crate) struct AdminAddress;

/// A destination for the lines that a filter failed: one that needs no further keys, and that is
/// neither `reply` nor `stdout`, where other lines go.
pub(crate) struct QuarantineDestination;

impl Kind<Address> for ListenAddress {
    fn name(&self) -> String {
        "address".to_owned()
    }

    fn shape(&self) -> Shape {
        Shape::Text
    }

    fn read(&self, item: &Item<'_>, checker: &mut Checker<'_>) -> Option<Address> {
        let address = checker.problems.keep(item.parsed())?;
        Some(from_folder(address, &checker.folder))
    }

    fn show(&self, value: &Address) -> Option<String> {
        Some(value.to_string())
    }
}

impl Kind<Address> for AdminAddress {
    fn name(&self) -> String {
        ListenAddress.name()
    }

    fn shape(&self) -> Shape {
        Shape::Text
    }

    fn read(&self, item: &Item<'_>, checker: &mut Checker<'_>) -> Option<Address> {
        let address = checker.problems.keep(admin(item))?;
        Some(from_folder(address, &checker.folder))
    }

    fn show(&self, value: &Address) -> Option<String> {
        ListenAddress.show(value)
    }
}

impl Kind<Destination> for QuarantineDestination {
    fn name(&self) -> String {
        "`file:PATH`, `tcp://HOST:PORT` or `unix:PATH`".to_owned()
    }

    fn shape(&self) -> Shape {
        crate::shape::destination()
    }

    fn read(&self, item: &Item<'_>, checker: &mut Checker<'_>) -> Option<Destination> {
        let destination = quarantine(item, &checker.folder);
        checker.problems.keep(destination)
    }

    fn show(&self, _: &Destination) -> Option<String> {
        None
    }
}

fn from_folder(address: Address, folder: &Path) -> Address {
    match address {
        Address::Unix(path) => Address::Unix(folder.join(path)),
        Address::Unixgram(path) => Address::Unixgram(folder.join(path)),
        other => other,
    }
}

fn admin(item: &Item<'_>) -> Result<Address, Problem> {
    let hint = "write IP:PORT, such as \"127.0.0.1:9713\" or \"[::1]:0\", or \"unix:PATH\"";
    match item.text()?.parse() {
        Ok(Address::Systemd(_) | Address::Udp(_) | Address::Unixgram(_)) => {
            Err(item.refuse("is for listeners only", hint))
        }
        Ok(address) => Ok(address),
        Err(Malformed { fault, .. }) => Err(item.refuse(fault, hint)),
    }
}

/// A destination, or a list of upstreams; a relative path in it starts from `folder`.
pub(crate) fn destination(item: &Item<'_>, folder: &Path) -> Result<Destination, Problem> {
    if !item.is_list() {
        return one(item, folder);
    }
    let entries = item.list()?;
    let list = entries.iter().map(|entry| one(entry, folder));
    let list = list.collect::<Result<Vec<_>, _>>()?;
    Destination::fail_over(list).map_err(|NotFailOver { entry, fault, hint }| {
        let wrong = entry.and_then(|entry| entries.get(entry)).unwrap_or(item);
        wrong.refuse(fault, hint)
    })
}

fn one(item: &Item<'_>, folder: &Path) -> Result<Destination, Problem> {
    Ok(match item.parsed()? {
        Destination::Unix(path) => Destination::Unix(folder.join(path)),
        Destination::File(path) => Destination::File(folder.join(path)),
        other => other,
    })
}

fn quarantine(item: &Item<'_>, folder: &Path) -> Result<Destination, Problem> {
    let right = "write \"file:PATH\", \"tcp://HOST:PORT\" or \"unix:PATH\"";
    match destination(item, folder)? {
        Destination::Reply | Destination::Stdout => {
            Err(item.refuse("is where other lines go", right))
        }
        other if other.has_tls() => {
            let fault = if item.is_list() {
                "has an upstream that needs certificates, which a filter has no keys for"
            } else {
                "would need certificates, which a filter has no keys for"
            };
            Err(item.refuse(fault, right))
        }
        other => Ok(other),
    }
}
