//! The filter against a reference that parses each line with serde_json and works on a tree.

use linemill_sdk::testing::{Value, Verdict, json, verdicts};
use proptest::prelude::*;
use serde_json::value::RawValue;

use crate::Json;

/// A document: names decoded, numbers as they are, and elements with their indices in the line.
#[derive(Clone, Debug, PartialEq)]
enum Tree {
    Object(Vec<(String, Tree)>),
    Array(Vec<(usize, Tree)>),
    Plain(String),
}

/// The members of an object with their names, duplicates included.
struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> serde::Deserialize<'de> for Members {
    fn deserialize<D: serde::Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Members;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        input.deserialize_map(Visitor)
    }
}

/// `None` if there is a lone half of a surrogate pair in a name: serde_json has no text for it.
fn parse(text: &str) -> Option<Tree> {
    let text = text.trim();
    Some(match text.as_bytes()[0] {
        b'{' => {
            let members: Members = serde_json::from_str(text).ok()?;
            let parsed = members
                .0
                .into_iter()
                .map(|(name, raw)| Some((name, parse(raw.get())?)));
            Tree::Object(parsed.collect::<Option<_>>()?)
        }
        b'[' => {
            let elements: Vec<Box<RawValue>> = serde_json::from_str(text).unwrap();
            let parsed = elements.iter().map(|raw| parse(raw.get())).enumerate();
            Tree::Array(
                parsed
                    .map(|(index, tree)| Some((index, tree?)))
                    .collect::<Option<_>>()?,
            )
        }
        _ => Tree::Plain(text.to_owned()),
    })
}

/// A path of the reference: names or numbers alike, `#1` for an element only, `*` for every element.
type Steps<'a> = &'a [&'a str];

fn matches(step: &str, index: usize) -> bool {
    step == "*" || step.trim_start_matches('#').parse() == Ok(index)
}

/// The part of `tree` that is picked.
fn pick(tree: &Tree, paths: &[Steps<'_>]) -> Option<Tree> {
    if paths.iter().any(|path| path.is_empty()) {
        return Some(tree.clone());
    }
    let inside = |is: &dyn Fn(&str) -> bool| -> Vec<Steps<'_>> {
        paths
            .iter()
            .filter(|path| is(path[0]))
            .map(|path| &path[1..])
            .collect()
    };
    match tree {
        Tree::Object(members) => {
            let picked = members.iter().filter_map(|(name, value)| {
                let inside = inside(&|step| step == name);
                (!inside.is_empty()).then(|| Some((name.clone(), pick(value, &inside)?)))?
            });
            Some(Tree::Object(picked.collect())).filter(|tree| *tree != Tree::Object(Vec::new()))
        }
        Tree::Array(elements) => {
            let picked = elements.iter().filter_map(|(index, value)| {
                let inside = inside(&|step| matches(step, *index));
                (!inside.is_empty()).then(|| Some((*index, pick(value, &inside)?)))?
            });
            Some(Tree::Array(picked.collect())).filter(|tree| *tree != Tree::Array(Vec::new()))
        }
        Tree::Plain(_) => None,
    }
}

/// Calls `change` for each object or array that has the last step of `path`.
fn at(tree: &mut Tree, path: Steps<'_>, change: &mut dyn FnMut(&mut Tree, &str)) {
    let (step, rest) = path.split_first().unwrap();
    if rest.is_empty() {
        return change(tree, step);
    }
    match tree {
        Tree::Object(members) => {
            for (name, value) in members {
                if name == step {
                    at(value, rest, change);
                }
            }
        }
        Tree::Array(elements) => {
            for (index, value) in elements {
                if matches(step, *index) {
                    at(value, rest, change);
                }
            }
        }
        Tree::Plain(_) => {}
    }
}

fn remove(tree: &mut Tree, path: Steps<'_>) {
    at(tree, path, &mut |tree, step| match tree {
        Tree::Object(members) => members.retain(|(name, _)| name != step),
        Tree::Array(elements) => elements.retain(|(index, _)| !matches(step, *index)),
        Tree::Plain(_) => {}
    });
}

/// Sets a member; false if there is no place for it.
fn set(tree: &mut Tree, path: Steps<'_>, value: &Tree) -> bool {
    let (step, rest) = path.split_first().unwrap();
    let Tree::Object(members) = tree else {
        return false;
    };
    if !members.iter().any(|(name, _)| name == step) {
        members.push(((*step).to_owned(), Tree::Object(Vec::new())));
        let (_, new) = members.last_mut().unwrap();
        if rest.is_empty() {
            *new = value.clone();
            return true;
        }
        return set(new, rest, value);
    }
    let here = members.iter_mut().filter(|(name, _)| name == step);
    let mut all = true;
    for (_, old) in here {
        if rest.is_empty() {
            *old = value.clone();
        } else {
            all &= set(old, rest, value);
        }
    }
    all
}

/// Settings of the filter, and the same for the reference.
struct Case {
    settings: Value,
    pick: &'static [Steps<'static>],
    remove: &'static [Steps<'static>],
    /// In an order in which no new name is an old name of a later rename.
    rename: &'static [(Steps<'static>, &'static str)],
    set: &'static [Steps<'static>],
}

fn cases() -> Vec<Case> {
    let case = |settings, pick, remove, rename, set| Case {
        settings,
        pick,
        remove,
        rename,
        set,
    };
    vec![
        case(json!({}), &[], &[], &[], &[]),
        case(
            json!({ "pick": ["a", "c"] }),
            &[&["a"], &["c"]],
            &[],
            &[],
            &[],
        ),
        case(
            json!({ "pick": ["a.b", "a[1]", "/ü"] }),
            &[&["a", "b"], &["a", "#1"], &["ü"]],
            &[],
            &[],
            &[],
        ),
        case(
            json!({ "pick": ["a", "a.b", "b[*].a"] }),
            &[&["a"], &["b", "*", "a"]],
            &[],
            &[],
            &[],
        ),
        case(
            json!({ "remove": ["a", "/a.b", "/"] }),
            &[],
            &[&["a"], &["a.b"], &[""]],
            &[],
            &[],
        ),
        case(
            json!({ "remove": ["a.b", "a.c", "b[*]", "c.a.0"] }),
            &[],
            &[&["a", "b"], &["a", "c"], &["b", "*"], &["c", "a", "0"]],
            &[],
            &[],
        ),
        case(
            json!({ "pick": ["a", "b.c"], "remove": ["a.b", "a[0]"] }),
            &[&["a"], &["b", "c"]],
            &[&["a", "b"], &["a", "#0"]],
            &[],
            &[],
        ),
        case(
            json!({ "rename": { "a": "x", "c.a": "b" } }),
            &[],
            &[],
            &[(&["c", "a"], "b"), (&["a"], "x")],
            &[],
        ),
        case(
            json!({ "rename": { "a": "b" }, "remove": ["b"] }),
            &[],
            &[&["b"]],
            &[(&["a"], "b")],
            &[],
        ),
        case(
            json!({ "set": { "a": 7, "n": 7 } }),
            &[],
            &[],
            &[],
            &[&["a"], &["n"]],
        ),
        case(
            json!({ "set": { "a.n": 7, "b.c.x": 7 }, "remove": ["a.b"] }),
            &[],
            &[&["a", "b"]],
            &[],
            &[&["a", "n"], &["b", "c", "x"]],
        ),
        case(
            json!({ "set": { "a.n": 7, "a.m": 7 }, "rename": { "a": "y" } }),
            &[],
            &[],
            &[(&["a"], "y")],
            &[&["a", "m"], &["a", "n"]],
        ),
    ]
}

/// The document that comes out; `None` if the line must fail.
fn expected(line: &str, case: &Case) -> Option<Option<Tree>> {
    let mut tree = parse(line)?;
    if !case.pick.is_empty() {
        tree = pick(&tree, case.pick).unwrap_or(Tree::Object(Vec::new()));
    }
    for path in case.remove {
        remove(&mut tree, path);
    }
    for path in case.set {
        if !set(&mut tree, path, &Tree::Plain("7".into())) {
            return Some(None);
        }
    }
    let mut conflict = false;
    for (path, new) in case.rename {
        at(&mut tree, path, &mut |tree, step| {
            if let Tree::Object(members) = tree {
                let has = |wanted: &str| members.iter().any(|(name, _)| name == wanted);
                conflict |= has(step) && has(new);
                for (name, _) in members.iter_mut().filter(|(name, _)| name == step) {
                    (*new).clone_into(name);
                }
            }
        });
    }
    Some((!conflict).then_some(tree))
}

/// Numbers the elements anew.
fn renumbered(tree: Tree) -> Tree {
    match tree {
        Tree::Object(members) => {
            let members = members.into_iter();
            Tree::Object(
                members
                    .map(|(name, value)| (name, renumbered(value)))
                    .collect(),
            )
        }
        Tree::Array(elements) => {
            let elements = elements.into_iter().map(|(_, value)| renumbered(value));
            Tree::Array(elements.enumerate().collect())
        }
        plain => plain,
    }
}

const LEAVES: &[&str] = &[
    "-0",
    "1.50",
    "1e400",
    "12345678901234567890",
    "null",
    r#""\ud800 x""#,
    "{}",
    "[ ]",
];
const NAMES: &[&str] = &["a", "b", "c", "a.b", "", r"\u0061", "ü", "0", "x", "y"];
const BLANKS: &[&str] = &["", "", "", "", " ", "\t "];

fn object() -> impl Strategy<Value = String> {
    let blank = || prop::sample::select(BLANKS);
    let member = move |value: BoxedStrategy<String>| {
        let parts = (
            blank(),
            prop::sample::select(NAMES),
            blank(),
            blank(),
            value,
            blank(),
        );
        parts.prop_map(|(a, name, b, c, value, d)| format!("{a}\"{name}\"{b}:{c}{value}{d}"))
    };
    let object = move |value: BoxedStrategy<String>| {
        let members = prop::collection::vec(member(value), 0..5);
        members.prop_map(|members| format!("{{{}}}", members.join(",")))
    };
    let leaf = prop::sample::select(LEAVES).prop_map(str::to_owned);
    let value = leaf.prop_recursive(3, 30, 4, move |inner| {
        let element =
            (blank(), inner.clone(), blank()).prop_map(|(a, value, b)| format!("{a}{value}{b}"));
        let array = prop::collection::vec(element, 0..4);
        prop_oneof![
            array.prop_map(|elements| format!("[{}]", elements.join(","))),
            object(inner.boxed()),
        ]
    });
    (blank(), object(value.boxed()), blank()).prop_map(|(a, object, b)| format!("{a}{object}{b}"))
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn lines_become_what_the_reference_says(line in object()) {
        for case in cases() {
            let Some(expected) = expected(&line, &case) else {
                continue;
            };
            let verdict = verdicts::<Json>(case.settings.clone(), [&line]).remove(0);
            let out = match verdict {
                Verdict::Pass => Some(line.clone()),
                Verdict::Replace(out) => Some(String::from_utf8(out.0).unwrap()),
                Verdict::Fail(_) => None,
                other => panic!("{other:?}"),
            };
            let parsed = out.as_deref().map(|out| parse(out).unwrap());
            prop_assert_eq!(&parsed, &expected.map(renumbered), "{} {} {:?}", line, case.settings, out);
            // What has not changed is the same to the last byte.
            if parsed == parse(&line) {
                prop_assert_eq!(out.as_deref(), Some(&*line));
            }
        }
    }
}
