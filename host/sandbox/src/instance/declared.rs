//! The routes that a filter declares, against the rules of `wit/batch.wit`.

/// Routes that a filter may declare.
const MOST: usize = 64;
/// Bytes of a route's name.
const LONGEST: usize = 64;

/// The names as texts, or what is wrong with them.
pub(super) fn declared(names: Vec<Vec<u8>>) -> Result<Vec<String>, &'static str> {
    if names.len() > MOST {
        return Err("it declares more than 64 routes");
    }
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_".contains(byte);
    let mut routes = Vec::with_capacity(names.len());
    for name in names {
        if !(1..=LONGEST).contains(&name.len()) || !name.iter().all(allowed) {
            return Err(
                "it declares a route whose name is not 1 to 64 letters, digits, `-` and `_`",
            );
        }
        let name = String::from_utf8(name).map_err(|_| "it declares a route that is no text")?;
        if name == "rest" {
            return Err("it declares a route `rest`, which is the name of the usual way");
        }
        if routes.contains(&name) {
            return Err("it declares a route twice");
        }
        routes.push(name);
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
    fn names_that_a_configuration_can_hold_are_taken() {
        let (longest, given) = ("x".repeat(64), ["errors", "Slow-1", "a_b"]);
        let given: Vec<_> = given.into_iter().chain([&*longest]).collect();
        assert_eq!(declared(names(&given)).expect("all are right"), given);
        assert_eq!(declared(Vec::new()), Ok(Vec::new()));
    }

    #[test]
    fn others_are_refused() {
        let refused = |given: &[&str], part: &str| {
            let reason = declared(names(given)).expect_err("refused");
            assert!(reason.contains(part), "{given:?}: {reason}");
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
