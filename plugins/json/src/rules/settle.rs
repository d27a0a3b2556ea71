//! Turns what the settings say about places into rules for them.
//!
//! In: a tree of wishes, one for each path of the settings. Out: the same tree with rules, or an error about
//! settings that contradict each other.
//! Not here: reading the settings.

use jsonline::{Step, Tree, write_string};
use linemill_sdk::Error;

use super::{Required, Rule, Rules};

/// How much of a place `pick` has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Picked {
    Whole,
    Part,
    Nothing,
}

impl Rules {
    /// Turns all wishes into rules. `picks` says whether only some places are picked.
    pub(super) fn settle_all(&mut self, picks: bool) -> Result<(), Error> {
        let mut tree = std::mem::take(&mut self.tree);
        let picked = if picks { Picked::Part } else { Picked::Whole };
        self.settle(&mut tree, picked)?;
        self.tree = tree;
        Ok(())
    }

    /// Turns the wishes inside a place into rules. `picked` says how much of the place itself is picked.
    fn settle(&mut self, tree: &mut Tree<Rule>, picked: Picked) -> Result<(), Error> {
        tree.data.others_removed = picked != Picked::Whole;
        let mut new_names = Vec::new();
        for (step, child) in tree.children_mut() {
            let inside = match picked {
                Picked::Whole => Picked::Whole,
                _ => how_much(child),
            };
            self.settle_child(step, child, inside)?;
            if let Some((rename, _)) = child.data.rename {
                new_names.push(rename);
            }
        }
        for &rename in &new_names {
            self.reserve_name(tree, rename)?;
        }
        tree.data.renames = new_names;
        let mut required = Vec::new();
        for (step, child) in tree.children_mut() {
            required.extend(self.required(step, child));
        }
        tree.data.required = required;
        tree.data.only_kept = tree.children().is_empty();
        Ok(())
    }

    fn settle_child(
        &mut self,
        step: &Step,
        child: &mut Tree<Rule>,
        picked: Picked,
    ) -> Result<(), Error> {
        let wish = std::mem::take(&mut child.data.wish);
        if let Some(path) = &wish.removed {
            return match first_inside(child) {
                Some(key) => Err(Error::setting(
                    key,
                    format!("is inside `{path}`, which is removed"),
                )),
                None => {
                    child.data.removed = true;
                    Ok(())
                }
            };
        }
        if let Some((path, name)) = wish.rename {
            let key = format!("rename.{path}");
            if picked == Picked::Nothing {
                return Err(Error::setting(
                    key,
                    "the field is not picked; add it to `pick`",
                ));
            }
            if let Step::Index(_) | Step::Each = step {
                return Err(Error::setting(key, "an element of an array has no name"));
            }
            let mut text = Vec::new();
            write_string(&name, &mut text);
            let text = String::from_utf8(text)?;
            child.data.rename = Some((self.renames.len(), self.text(text.clone())));
            self.renames.push(text);
            child.data.wish.rename = Some((path, name));
        }
        if let Some((key, value)) = wish.set {
            if let Some(inside) = first_inside(child) {
                return Err(Error::setting(
                    inside,
                    format!("is inside what `{key}` sets as a whole"),
                ));
            }
            child.data.set = Some(self.text(value));
            child.data.wish.set = Some((key, String::new()));
            return Ok(());
        }
        if picked == Picked::Nothing {
            return match first_set(child) {
                Some(key) => Err(Error::setting(
                    key,
                    "is inside a field that is not picked; add that to `pick`",
                )),
                None => {
                    child.data.removed = true;
                    Ok(())
                }
            };
        }
        self.settle(child, picked)
    }

    /// Sees to it that a field with the new name of `rename` is noticed.
    fn reserve_name(&self, tree: &mut Tree<Rule>, rename: usize) -> Result<(), Error> {
        let renamed = tree.children().iter().find_map(|(_, child)| {
            let (number, _) = child.data.rename?;
            (number == rename).then(|| child.data.wish.rename.clone())?
        });
        let Some((path, name)) = renamed else {
            return Ok(());
        };
        let key = format!("rename.{path}");
        let others_removed = tree.data.others_removed;
        let same = |other: &Self, number: usize| other.renames[number] == other.renames[rename];
        let twice = tree.children().iter().any(|(_, child)| {
            let number = child.data.rename.map(|(number, _)| number);
            number.is_some_and(|number| number < rename && same(self, number))
        });
        if twice {
            let name = &self.renames[rename];
            return Err(Error::setting(
                key,
                format!("another field is also renamed to {name}"),
            ));
        }
        let known = tree.member(name.as_bytes()).is_some();
        let Some(other) = tree.member_or_insert(&name) else {
            return Ok(());
        };
        let other = &mut other.data;
        if !known {
            other.removed = others_removed;
        }
        if let Some((set, _)) = &other.wish.set {
            return Err(Error::setting(
                set,
                format!("another field is renamed to `{name}`"),
            ));
        }
        if !other.removed && other.rename.is_none() {
            other.new_name_of = Some(rename);
        }
        Ok(())
    }

    /// What of a child must exist, if anything.
    fn required(&mut self, step: &Step, child: &mut Tree<Rule>) -> Option<Required> {
        let path = first_required(child)?;
        let (in_object, in_array) = match step {
            Step::Name(_) => (true, false),
            Step::Index(_) | Step::Each => (false, true),
            Step::NameOrIndex(..) => (true, true),
        };
        let member = match step {
            Step::Name(name) | Step::NameOrIndex(name, _) => self.member(name, child),
            _ => None,
        };
        let number = self.required;
        self.required += 1;
        child.data.required_as = Some(number);
        let member = member.map(|member| self.text(member));
        Some(Required {
            number,
            in_object,
            in_array,
            each: *step == Step::Each,
            member,
            rename: child.data.rename.map(|(rename, _)| rename),
            path,
        })
    }

    /// A member with a value that has all that must exist in it; `None` if that is an element of an array.
    fn member(&self, name: &str, tree: &Tree<Rule>) -> Option<String> {
        let mut text = Vec::new();
        match tree.data.rename {
            Some((_, new)) => text.extend(self.texts[usize::from(new)].bytes()),
            None => write_string(name, &mut text),
        }
        let mut text = String::from_utf8(text).ok()?;
        text.push(':');
        text.push_str(&self.created(tree)?);
        Some(text)
    }

    fn created(&self, tree: &Tree<Rule>) -> Option<String> {
        if let Some(set) = tree.data.set {
            return Some(self.texts[usize::from(set)].to_string());
        }
        let members = tree.data.required.iter().map(|required| {
            let text = required.member?;
            Some(&*self.texts[usize::from(text)])
        });
        let members: Option<Vec<&str>> = members.collect();
        Some(format!("{{{}}}", members?.join(",")))
    }
}

/// How much of a place the settings pick.
fn how_much(tree: &Tree<Rule>) -> Picked {
    if tree.data.wish.picked {
        Picked::Whole
    } else if tree
        .children()
        .iter()
        .any(|(_, child)| how_much(child) != Picked::Nothing)
    {
        Picked::Part
    } else {
        Picked::Nothing
    }
}

/// The key of a setting for a place inside, except for those that remove it.
fn first_inside(tree: &Tree<Rule>) -> Option<String> {
    tree.children().iter().find_map(|(_, child)| {
        let wish = &child.data.wish;
        if wish.picked {
            return Some("pick".to_owned());
        }
        let renamed = wish
            .rename
            .as_ref()
            .map(|(path, _)| format!("rename.{path}"));
        renamed
            .or_else(|| wish.set.as_ref().map(|(key, _)| key.clone()))
            .or_else(|| first_inside(child))
    })
}

/// The key of a setting that sets a place inside.
fn first_set(tree: &Tree<Rule>) -> Option<String> {
    tree.children().iter().find_map(|(_, child)| {
        let set = child.data.wish.set.as_ref().map(|(key, _)| key.clone());
        set.or_else(|| first_set(child))
    })
}

/// The path of a place that must exist: this one, or one inside.
fn first_required(tree: &Tree<Rule>) -> Option<String> {
    if let Some((key, _)) = &tree.data.wish.set {
        let path = key.split_once('.').map_or(&**key, |(_, path)| path);
        return Some(path.to_owned());
    }
    tree.data
        .required
        .first()
        .map(|required| required.path.clone())
}
