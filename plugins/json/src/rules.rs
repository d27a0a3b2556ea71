//! What the settings say about each place in a document.
//!
//! In: the settings `pick`, `remove`, `rename` and `set`. Out: a tree of rules, or an error that names the
//! setting. Not here: following the rules (`rewrite`), and whether a line is looked at (`where`).

mod settle;

use std::collections::BTreeMap;

use jsonline::{Path, Step, Tree};
use linemill_sdk::Error;

/// The number of the text `,`.
pub(crate) const COMMA: u16 = 0;
/// The most texts: names and values that settings give.
const MAX_TEXTS: usize = u16::MAX as usize;

/// All rules.
pub(crate) struct Rules {
    /// The rules by place, from the object at the top.
    pub(crate) tree: Tree<Rule>,
    /// What is written: new names, values, and members that are added.
    pub(crate) texts: Vec<Box<str>>,
    /// The new name of each rename, as JSON.
    pub(crate) renames: Vec<String>,
    /// How many places must exist.
    pub(crate) required: usize,
}

/// The rule for a place.
#[derive(Debug, Default)]
pub(crate) struct Rule {
    /// It is removed with all that is in it.
    pub(crate) removed: bool,
    /// Of what is in it, only places with a rule are kept.
    pub(crate) others_removed: bool,
    /// Nothing happens to its value.
    pub(crate) only_kept: bool,
    /// Its number among the renames, and the text of its new name.
    pub(crate) rename: Option<(usize, u16)>,
    /// It has the new name of this rename, so an object must not have both.
    pub(crate) new_name_of: Option<usize>,
    /// The text that replaces its value.
    pub(crate) set: Option<u16>,
    /// Its number among the places that must exist.
    pub(crate) required_as: Option<usize>,
    /// The renames of its members.
    pub(crate) renames: Vec<usize>,
    /// What must exist directly in it.
    pub(crate) required: Vec<Required>,
    /// What the settings say.
    wish: Wish,
}

/// A member or element that must exist.
#[derive(Debug)]
pub(crate) struct Required {
    pub(crate) number: usize,
    /// Whether an object, and whether an array, can have it.
    pub(crate) in_object: bool,
    pub(crate) in_array: bool,
    /// It is every element of an array, which may have none.
    pub(crate) each: bool,
    /// The text of the member, if it can be added.
    pub(crate) member: Option<u16>,
    /// The rename whose new name that member has.
    pub(crate) rename: Option<usize>,
    /// A path of `set` that leads to it.
    pub(crate) path: String,
}

/// What the settings say about a place, with the path as they have it.
#[derive(Debug, Default)]
struct Wish {
    picked: bool,
    removed: Option<String>,
    rename: Option<(String, String)>,
    set: Option<(String, String)>,
}

// === impl Rules ===

impl Rules {
    /// Combines the settings of the same names; `set` has JSON texts.
    ///
    /// # Errors
    /// One of them is not valid, or they contradict each other.
    pub(crate) fn new(
        pick: Option<Vec<String>>,
        remove: Vec<String>,
        rename: BTreeMap<String, String>,
        set: Vec<(String, String, String)>,
    ) -> Result<Self, Error> {
        let mut rules = Self {
            tree: Tree::default(),
            texts: vec![",".into()],
            renames: Vec::new(),
            required: 0,
        };
        if pick.as_ref().is_some_and(Vec::is_empty) {
            return Err(Error::setting(
                "pick",
                "needs at least one field; omit the key to pick all fields",
            ));
        }
        let picks = pick.is_some();
        for path in pick.into_iter().flatten() {
            rules.wish("pick", &path)?.picked = true;
        }
        for path in remove {
            let wish = rules.wish("remove", &path)?;
            if wish.picked {
                return Err(Error::setting(
                    "remove",
                    format!("`{path}` is also in `pick`"),
                ));
            }
            wish.removed = Some(path);
        }
        for (path, name) in rename {
            let key = format!("rename.{path}");
            let wish = rules.wish(&key, &path)?;
            if wish.removed.is_some() {
                return Err(Error::setting(key, "the field is also in `remove`"));
            }
            if let Some((other, _)) = &wish.rename {
                return Err(Error::setting(
                    key,
                    format!("the field is also renamed as `{other}`"),
                ));
            }
            wish.rename = Some((path, name));
        }
        for (key, path, value) in set {
            let wish = rules.wish(&key, &path)?;
            if wish.removed.is_some() {
                return Err(Error::setting(key, "the field is also in `remove`"));
            }
            if wish.rename.is_some() {
                return Err(Error::setting(
                    key,
                    "the field is also in `rename`; set the new name",
                ));
            }
            if let Some((other, _)) = &wish.set {
                return Err(Error::setting(
                    key,
                    format!("the field is also set as `{other}`"),
                ));
            }
            wish.set = Some((key, value));
        }
        rules.settle_all(picks)?;
        if rules.texts.len() > MAX_TEXTS {
            return Err(Error::new(format!(
                "`rename` and `set`: more than {MAX_TEXTS} names and values"
            )));
        }
        Ok(rules)
    }

    /// The wish for the place at `path`, which is in the setting `key`.
    fn wish(&mut self, key: &str, path: &str) -> Result<&mut Wish, Error> {
        let parsed = Path::parse(path).map_err(|problem| Error::setting(key, problem))?;
        if let [Step::Index(_) | Step::Each, ..] = parsed.steps() {
            return Err(Error::setting(
                key,
                format!("`{path}` begins with an element of an array, but a line is an object"),
            ));
        }
        let place = self.tree.insert(&parsed);
        Ok(&mut place
            .map_err(|problem| Error::setting(key, problem))?
            .data
            .wish)
    }

    /// Keeps a text. Numbers beyond the most are refused later.
    fn text(&mut self, text: String) -> u16 {
        self.texts.push(text.into());
        u16::try_from(self.texts.len() - 1).unwrap_or_default()
    }
}
