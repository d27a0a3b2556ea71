//! Kinds of values that say who may: networks, names of clients, modes of files.

use ipnet::IpNet;

use super::Kind;
use crate::checker::Checker;
use crate::item::Item;
use crate::problem::Problem;
use crate::settings::{self, AdminName, ClientName, Mode, Networks};
use crate::shape::Shape;

/// A list of networks or addresses, at least one.
pub(crate) struct NetworkList;

/// The mode of a file.
pub(crate) struct FileMode;

/// A list of names of the admin address.
pub(crate) struct AdminNames;

/// A list of names that a client's certificate may have, at least one.
pub(crate) struct ClientNames;

impl Kind<Networks> for NetworkList {
    fn name(&self) -> String {
        "list of networks".to_owned()
    }

    fn shape(&self) -> Shape {
        Shape::Text.list()
    }

    fn read(&self, item: &Item<'_>, checker: &mut Checker<'_>) -> Option<Networks> {
        let networks = checker.list(item, network);
        if item.list().is_ok_and(|items| items.is_empty()) {
            let hint = "name a network, such as \"10.0.0.0/8\", or leave this out";
            checker.problems.push(item.refuse("names no network", hint));
        }
        Some(Networks::new(networks))
    }

    fn show(&self, value: &Networks) -> Option<String> {
        Some(value.to_string())
    }

    fn toml(&self, value: &Networks) -> Option<String> {
        (!value.is_empty()).then(|| value.to_string())
    }
}

impl Kind<Vec<ClientName>> for ClientNames {
    fn name(&self) -> String {
        "list of names".to_owned()
    }

    fn shape(&self) -> Shape {
        Shape::Text.list()
    }

    fn read(&self, item: &Item<'_>, checker: &mut Checker<'_>) -> Option<Vec<ClientName>> {
        if item.list().is_ok_and(|items| items.is_empty()) {
            let hint = "name a client, such as \"sensor-1.example.org\", or leave this out";
            checker.problems.push(item.refuse("names no client", hint));
        }
        Some(checker.list(item, Item::parsed))
    }

    fn show(&self, _: &Vec<ClientName>) -> Option<String> {
        None
    }
}

impl Kind<Vec<AdminName>> for AdminNames {
    fn name(&self) -> String {
        "list of names".to_owned()
    }

    fn shape(&self) -> Shape {
        Shape::Text.list()
    }

    fn read(&self, item: &Item<'_>, checker: &mut Checker<'_>) -> Option<Vec<AdminName>> {
        Some(checker.list(item, Item::parsed))
    }

    fn show(&self, names: &Vec<AdminName>) -> Option<String> {
        let names: Vec<_> = names
            .iter()
            .map(|name| format!("{:?}", name.to_string()))
            .collect();
        Some(format!("[{}]", names.join(", ")))
    }

    fn toml(&self, names: &Vec<AdminName>) -> Option<String> {
        self.show(names)
    }
}

impl Kind<Mode> for FileMode {
    fn name(&self) -> String {
        "mode".to_owned()
    }

    fn shape(&self) -> Shape {
        Shape::Pattern("^0?[0-7]{3}$".to_owned())
    }

    fn read(&self, item: &Item<'_>, checker: &mut Checker<'_>) -> Option<Mode> {
        checker.problems.keep(item.parsed())
    }

    fn show(&self, value: &Mode) -> Option<String> {
        Some(value.to_string())
    }
}

/// A network, or a single address.
fn network(item: &Item<'_>) -> Result<IpNet, Problem> {
    let network = settings::network(item.text()?).ok_or_else(|| {
        let hint = "write an address and the length of its prefix, such as \"10.0.0.0/8\" or \"2001:db8::/32\", or an address alone";
        item.refuse("is not a network", hint)
    })?;
    if network.trunc() != network {
        let hint = format!(
            "write \"{}\" for the network, or \"{}\" for the address",
            network.trunc(),
            network.addr()
        );
        return Err(item.refuse("has bits after its prefix", hint));
    }
    Ok(network)
}
