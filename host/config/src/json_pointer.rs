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
}
