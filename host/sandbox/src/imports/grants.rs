//! Grants, and which grant each import requires.
//!
//! In: the names that a component imports, and the values of the key `grant`. Out: whether the grants
//! cover the imports, and the key as it must be written.
//! Not here: the functions behind the imports (`imports`, `wasi`).

use linemill_config::Keyword as _;
use linemill_config::settings::Grant;

/// A set of grants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Grants(u8);

/// The requirements of a component's imports.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequiredImports {
    /// The grants that the imports require.
    pub grants: Grants,
    /// WIT names of imports that no grant covers.
    pub strange: Vec<String>,
}

/// An interface that every filter may import: it only ends the instance that calls it.
const FREE: &str = "linemill:filter/last-words@0.1.";

/// Packages of WASI 0.2 that a guest may be linked with.
const WASI: &[&str] = &[
    "wasi:cli/",
    "wasi:clocks/",
    "wasi:filesystem/",
    "wasi:io/",
    "wasi:random/",
    "wasi:sockets/",
];

impl Grants {
    /// The empty set.
    pub const NONE: Self = Self(0);
    pub(super) const LOG: Self = Self::one(Grant::Log);
    pub(super) const CLOCK: Self = Self::one(Grant::Clock);
    pub(super) const RANDOM: Self = Self::one(Grant::Random);
    pub(super) const STREAM: Self = Self::one(Grant::Stream);
    pub(super) const STORE: Self = Self::one(Grant::Store);
    pub(super) const METRICS: Self = Self::one(Grant::Metrics);
    pub(super) const WASI: Self = Self::one(Grant::Wasi);

    /// The grants in a list. Order and repetition do not matter.
    pub fn of(list: &[Grant]) -> Self {
        let add = |all: Self, grant: &Grant| Self(all.0 | Self::one(*grant).0);
        list.iter().fold(Self::NONE, add)
    }

    const fn one(grant: Grant) -> Self {
        Self(1 << grant as u8)
    }

    /// Whether this set includes all of `others`.
    pub fn has(self, others: Self) -> bool {
        self.0 & others.0 == others.0
    }

    /// The union of both sets.
    pub(crate) fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }
}

impl Grants {
    /// The names of what is granted, as in the configuration.
    pub fn names(self) -> Vec<&'static str> {
        let words = Grant::KEYWORDS.iter();
        let granted = words.filter(|(_, grant)| self.has(Self::one(*grant)));
        granted.map(|(word, _)| *word).collect()
    }
}

/// Formats the set as in the configuration: `grant = ["log", "wasi"]`.
impl std::fmt::Display for Grants {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let words: Vec<_> = self
            .names()
            .iter()
            .map(|word| format!("{word:?}"))
            .collect();
        write!(f, "grant = [{}]", words.join(", "))
    }
}

impl RequiredImports {
    /// The requirements of imports with these WIT names.
    pub fn of(imports: &[String]) -> Self {
        let mut required = Self::default();
        for name in imports {
            match grant_of(name) {
                _ if name.starts_with(FREE) => {}
                Some(grant) => required.grants = required.grants.and(Grants::one(grant)),
                None => required.strange.push(name.clone()),
            }
        }
        required
    }
}

/// The grant that an import requires; `None` if no grant covers it.
fn grant_of(import: &str) -> Option<Grant> {
    let (interface, version) = import.split_once('@')?;
    if let Some(own) = interface.strip_prefix("linemill:filter/") {
        let ours = version.starts_with("0.1.");
        return match own {
            "log" if ours => Some(Grant::Log),
            "clock" if ours => Some(Grant::Clock),
            "random" if ours => Some(Grant::Random),
            "stream" if ours => Some(Grant::Stream),
            "store" if ours => Some(Grant::Store),
            "metrics" if ours => Some(Grant::Metrics),
            _ => None,
        };
    }
    let wasi = version.starts_with("0.2.") && WASI.iter().any(|name| interface.starts_with(name));
    wasi.then_some(Grant::Wasi)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn required(imports: &[&str]) -> RequiredImports {
        RequiredImports::of(
            &imports
                .iter()
                .map(|name| (*name).to_owned())
                .collect::<Vec<_>>(),
        )
    }

    #[test]
    fn each_import_requires_its_grant() {
        for (import, text) in [
            ("linemill:filter/log@0.1.0", "grant = [\"log\"]"),
            ("linemill:filter/clock@0.1.7", "grant = [\"clock\"]"),
            ("linemill:filter/random@0.1.0", "grant = [\"random\"]"),
            ("linemill:filter/stream@0.1.1", "grant = [\"stream\"]"),
            ("linemill:filter/store@0.1.1", "grant = [\"store\"]"),
            ("linemill:filter/metrics@0.1.1", "grant = [\"metrics\"]"),
            ("linemill:filter/last-words@0.1.1", "grant = []"),
            ("wasi:cli/environment@0.2.3", "grant = [\"wasi\"]"),
            ("wasi:sockets/tcp@0.2.12", "grant = [\"wasi\"]"),
        ] {
            let required = required(&[import]);
            assert_eq!(required.grants.to_string(), text, "{import}");
            assert_eq!(required.strange, [""; 0], "{import}");
        }
        assert_eq!(required(&[]).grants.to_string(), "grant = []");
        let both = required(&["wasi:io/poll@0.2.0", "linemill:filter/log@0.1.0"]).grants;
        assert_eq!(both.to_string(), "grant = [\"log\", \"wasi\"]");
        assert_eq!(both, Grants::of(&[Grant::Wasi, Grant::Log, Grant::Wasi]));
    }

    #[test]
    fn other_imports_have_no_grant() {
        for import in [
            "linemill:filter/log@0.2.0",
            "linemill:filter/log",
            "linemill:filter/logs@0.1.0",
            "wasi:http/types@0.2.3",
            "wasi:cli/environment@0.3.0",
            "acme:tools/clock@1.0.0",
            "now",
        ] {
            assert_eq!(required(&[import]).strange, [import]);
            assert_eq!(required(&[import]).grants, Grants::NONE);
        }
    }

    #[test]
    fn grants_cover_their_subsets_only() {
        let granted = Grants::of(&[Grant::Log, Grant::Clock]);
        assert!(granted.has(Grants::NONE) && granted.has(Grants::LOG) && granted.has(granted));
        assert!(!granted.has(Grants::WASI) && !granted.has(Grants::LOG.and(Grants::RANDOM)));
    }
}
