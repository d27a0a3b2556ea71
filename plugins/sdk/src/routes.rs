//! The routes that a filter declares, against the rules of `wit/batch.wit`.
//!
//! The host checks them too, but can only say that the filter is wrong.

use crate::{Error, Filter};

/// Routes that a filter may declare.
const MOST: usize = 64;
/// Bytes of a route's name.
const LONGEST: usize = 64;

/// The routes of `filter`, or what is wrong with them.
pub(crate) fn declared<F: Filter>(filter: &F) -> Result<Vec<String>, Error> {
    let routes = filter.routes();
    if routes.len() > MOST {
        return Err(Error::new(format!(
            "{} routes are declared; at most {MOST} may be",
            routes.len()
        )));
    }
    for (index, name) in routes.iter().enumerate() {
        check(name)?;
        if routes[..index].contains(name) {
            return Err(Error::new(format!("route `{name}` is declared twice")));
        }
    }
    Ok(routes)
}

fn check(name: &str) -> Result<(), Error> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    if !(1..=LONGEST).contains(&name.len()) || !name.bytes().all(allowed) {
        return Err(Error::new(format!(
            "`{name}` is no name of a route: it takes 1 to {LONGEST} letters, digits, `-` and `_`"
        )));
    }
    if name == "rest" {
        return Err(Error::new(
            "`rest` is no route to send lines to: it means all lines that take no route",
        ));
    }
    Ok(())
}
