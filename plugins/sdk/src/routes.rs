//! Checks the routes that a filter declares against the rules of `wit/batch.wit`.
//!
//! In: a filter. Out: the names of its routes, or an error for the author of the configuration. The
//! host checks them too, but treats a violation as a trap.

use crate::{Error, Filter};

/// How many routes a filter may declare.
const MAX_ROUTES: usize = 64;
/// The maximum length of a route's name, in bytes.
const MAX_NAME: usize = 64;

/// The routes of `filter`, or why they are not valid.
pub(crate) fn declared<F: Filter>(filter: &F) -> Result<Vec<String>, Error> {
    let routes = filter.routes();
    if routes.len() > MAX_ROUTES {
        return Err(Error::new(format!(
            "the filter declares {} routes; at most {MAX_ROUTES} are allowed",
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
    if name.is_empty() {
        return Err(Error::new(format!(
            "an empty text is not a valid route name; use 1 to {MAX_NAME} letters, digits, `-` and `_`"
        )));
    }
    if !(1..=MAX_NAME).contains(&name.len()) || !name.bytes().all(allowed) {
        return Err(Error::new(format!(
            "`{name}` is not a valid route name; use 1 to {MAX_NAME} letters, digits, `-` and `_`"
        )));
    }
    if name == "rest" {
        return Err(Error::new(
            "`rest` is not a valid route name: it stands for the lines that take no route",
        ));
    }
    Ok(())
}
