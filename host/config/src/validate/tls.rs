//! Rules between the keys of `tls` and of `to_tls` of a listener.

use crate::checker::Checker;
use crate::kind::Written;
use crate::settings::{Tls, UpstreamTls};

/// `client_names` of `tls` are names in certificates, which only `client_ca` asks for.
pub(crate) fn tls(_: &mut Tls, written: &Written<'_, '_>, checker: &mut Checker<'_>) {
    let table = written.table;
    if let (Some(item), false) = (table.item("client_names"), table.has("client_ca")) {
        let why = "without `client_ca` clients show no certificates";
        let hint = "add client_ca = \"PATH\"";
        checker.problems.push(item.vain(why, hint));
    }
}

/// `cert` and `key` of `to_tls` go together.
pub(crate) fn to_tls(_: &mut UpstreamTls, written: &Written<'_, '_>, checker: &mut Checker<'_>) {
    let (table, right) = (written.table, written.right);
    match (table.has("cert"), table.has("key")) {
        (true, false) => checker.problems.push(table.lacks("key", right)),
        (false, true) => checker.problems.push(table.lacks("cert", right)),
        _ => {}
    }
}
