//! Which grant each import asks for.
//!
//! In: the names that a component imports, and the choices of the key `grant`. Out: whether the one
//! is within the other, and what to write so that it is.

use linemill_config::Keyword as _;
use linemill_config::settings::Grant;

/// Things granted, or wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Grants(u8);

/// What the imports of a component ask for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequiredImports {
    /// What must be granted.
    pub grants: Grants,
    /// Imports that no grant is for.
    pub strange: Vec<String>,
}

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
    /// Nothing.
    pub const NONE: Self = Self(0);
    pub(super) const LOG: Self = Self::one(Grant::Log);
    pub(super) const CLOCK: Self = Self::one(Grant::Clock);
    pub(super) const RANDOM: Self = Self::one(Grant::Random);
    pub(super) const WASI: Self = Self::one(Grant::Wasi);

    /// Those of a configuration's list, in any order.
    pub fn of(list: &[Grant]) -> Self {
        let add = |all: Self, grant: &Grant| Self(all.0 | Self::one(*grant).0);
        list.iter().fold(Self::NONE, add)
    }

    const fn one(grant: Grant) -> Self {
        Self(1 << grant as u8)
    }

    /// Whether all of `others` are among these.
    pub fn has(self, others: Self) -> bool {
        self.0 & others.0 == others.0
    }

    pub(crate) fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }
}

/// As the configuration has it: `grant = ["log", "wasi"]`.
impl std::fmt::Display for Grants {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let words = Grant::KEYWORDS.iter();
        let granted = words.filter(|(_, grant)| self.has(Self::one(*grant)));
        let words: Vec<_> = granted.map(|(word, _)| format!("{word:?}")).collect();
        write!(f, "grant = [{}]", words.join(", "))
    }
}

impl RequiredImports {
    /// What these imports ask for.
    pub fn of(imports: &[String]) -> Self {
        let mut wants = Self::default();
        for name in imports {
            match grant_of(name) {
                Some(grant) => wants.grants = wants.grants.and(Grants::one(grant)),
                None => wants.strange.push(name.clone()),
            }
        }
        wants
    }
}

/// The grant that an import is behind.
fn grant_of(import: &str) -> Option<Grant> {
    let (interface, version) = import.split_once('@')?;
    if let Some(own) = interface.strip_prefix("linemill:filter/") {
        let ours = version.starts_with("0.1.");
        return match own {
            "log" if ours => Some(Grant::Log),
            "clock" if ours => Some(Grant::Clock),
            "random" if ours => Some(Grant::Random),
            _ => None,
        };
    }
    let wasi = version.starts_with("0.2.") && WASI.iter().any(|name| interface.starts_with(name));
    wasi.then_some(Grant::Wasi)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wants(imports: &[&str]) -> RequiredImports {
        RequiredImports::of(
            &imports
                .iter()
                .map(|name| (*name).to_owned())
                .collect::<Vec<_>>(),
        )
    }

    #[test]
    fn each_import_asks_for_its_grant() {
        for (import, text) in [
            ("linemill:filter/log@0.1.0", "grant = [\"log\"]"),
            ("linemill:filter/clock@0.1.7", "grant = [\"clock\"]"),
            ("linemill:filter/random@0.1.0", "grant = [\"random\"]"),
            ("wasi:cli/environment@0.2.3", "grant = [\"wasi\"]"),
            ("wasi:sockets/tcp@0.2.12", "grant = [\"wasi\"]"),
        ] {
            let wants = wants(&[import]);
            assert_eq!(wants.grants.to_string(), text, "{import}");
            assert_eq!(wants.strange, [""; 0], "{import}");
        }
        assert_eq!(wants(&[]).grants.to_string(), "grant = []");
        let both = wants(&["wasi:io/poll@0.2.0", "linemill:filter/log@0.1.0"]).grants;
        assert_eq!(both.to_string(), "grant = [\"log\", \"wasi\"]");
        assert_eq!(both, Grants::of(&[Grant::Wasi, Grant::Log, Grant::Wasi]));
    }

    #[test]
    fn others_are_behind_no_grant() {
        for import in [
            "linemill:filter/log@0.2.0",
            "linemill:filter/log",
            "linemill:filter/logs@0.1.0",
            "wasi:http/types@0.2.3",
            "wasi:cli/environment@0.3.0",
            "acme:tools/clock@1.0.0",
            "now",
        ] {
            assert_eq!(wants(&[import]).strange, [import]);
            assert_eq!(wants(&[import]).grants, Grants::NONE);
        }
    }

    #[test]
    fn what_is_granted_covers_what_is_wanted() {
        let granted = Grants::of(&[Grant::Log, Grant::Clock]);
        assert!(granted.has(Grants::NONE) && granted.has(Grants::LOG) && granted.has(granted));
        assert!(!granted.has(Grants::WASI) && !granted.has(Grants::LOG.and(Grants::RANDOM)));
    }
}
