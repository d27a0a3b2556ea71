//! JSON Pointers (RFC 6901), by which a place in a filter's settings is named.
//!
//! In: the keys on the way to a value. Out: the pointer, or its keys again. Pure. Not here: which value a
//! pointer leads to; `serde_json` finds that.

/// The pointer to the entry `key` of what `pointer` leads to.
pub fn entry(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", escape(key))
}

/// The keys and indices on the way to a value.
pub fn keys(pointer: &str) -> impl Iterator<Item = String> {
    let tokens = pointer.split('/').skip(1);
    tokens.map(|token| token.replace("~1", "/").replace("~0", "~"))
}

/// The pointer to what is written as a path, such as `rules[1].with`; `None` if it is not a path.
pub fn of_path(path: &str) -> Option<String> {
    let mut pointer = String::new();
    for part in path.split('.') {
        let (key, indices) = part.split_at(part.find('[').unwrap_or(part.len()));
        if key.is_empty() {
            return None;
        }
        pointer = entry(&pointer, key);
        let mut rest = indices;
        while !rest.is_empty() {
            let (index, after) = rest.strip_prefix('[')?.split_once(']')?;
            index.parse::<usize>().ok()?;
            pointer = entry(&pointer, index);
            rest = after;
        }
    }
    Some(pointer)
}

/// A key as a pointer contains it.
pub(crate) fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_key_comes_back() {
        let all = ["", "a", "a/b", "~", "~1", "~0/", "é"];
        let pointer = all.iter().fold(String::new(), |to, key| entry(&to, key));
        assert_eq!(pointer, "//a/a~1b/~0/~01/~00~1/é");
        assert_eq!(keys(&pointer).collect::<Vec<_>>(), all);
        assert_eq!(keys("").count(), 0);
    }

    #[test]
    fn a_path_leads_to_a_pointer() {
        for (path, pointer) in [
            ("keep", Some("/keep")),
            ("keep[1]", Some("/keep/1")),
            ("rules[0].with[2][3].a", Some("/rules/0/with/2/3/a")),
            ("a/b", Some("/a~1b")),
            ("", None),
            ("a..b", None),
            ("a[", None),
            ("a[x]", None),
            ("a[1]b", None),
        ] {
            assert_eq!(of_path(path).as_deref(), pointer, "{path}");
        }
    }
}
