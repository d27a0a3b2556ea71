//! Checks the routes that a filter declares against the rules of `wit/batch.wit`.
//!
//! In: the names that `start` returned. Out: the names as text, or what is wrong with them. Pure.
//! Not here: destinations of routes.

use linemill_config::is_name;

/// How many routes a filter may declare.
const MAX_ROUTES: usize = 64;

/// Checks the names of routes and converts them to text.
///
/// # Errors
/// When there are too many names, or a name is invalid, reserved or repeated.
pub(super) fn declared(names: Vec<Vec<u8>>) -> Result<Vec<String>, &'static str> {
    if names.len() > MAX_ROUTES {
        return Err("it declares more than 64 routes");
    }
    let mut routes = Vec::with_capacity(names.len());
    for name in names {
        let route = String::from_utf8(name)
            .ok()
            .filter(|route| is_name(route))
            .ok_or("it declares a route whose name is not 1 to 64 letters, digits, `-` and `_`")?;
        if route == "rest" {
            return Err("it declares a route `rest`, a name reserved for lines without a route");
        }
        if routes.contains(&route) {
            return Err("it declares a route twice");
        }
        routes.push(route);
    }
    Ok(routes)
}

#[cfg(test)]
mod tests {
    use super::declared;

    fn names(names: &[&str]) -> Vec<Vec<u8>> {
        names.iter().map(|name| name.as_bytes().to_vec()).collect()
    }

    #[test]
    fn valid_names_are_accepted() {
        let longest = "x".repeat(64);
        let valid = ["errors", "Slow-1", "a_b", &longest];
        assert_eq!(declared(names(&valid)).expect("all are valid"), valid);
        assert_eq!(declared(Vec::new()), Ok(Vec::new()));
    }

    #[test]
    fn invalid_names_are_refused() {
        let refused = |routes: &[&str], part: &str| {
            let reason = declared(names(routes)).expect_err("refused");
            assert!(reason.contains(part), "{routes:?}: {reason}");
        };
        for name in ["", "a b", "a.b", "ü", &"x".repeat(65)] {
            refused(&["fine", name], "name");
        }
        refused(&["rest"], "`rest`");
        refused(&["a", "b", "a"], "twice");
        let many: Vec<String> = (0..65).map(|number| number.to_string()).collect();
        refused(&many.iter().map(String::as_str).collect::<Vec<_>>(), "more");
    }
}
