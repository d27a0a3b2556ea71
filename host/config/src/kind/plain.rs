//! Kinds of values without a range: names, choices, files, plugins, digests, secrets, settings of
//! filters.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::Kind;
use crate::checker::Checker;
use crate::host_port::Host;
use crate::item::Item;
use crate::json;
use crate::keyword::Keyword;
use crate::plugin_ref::{PluginRef, is_name, is_path};
use crate::problem::Problem;
use crate::settings::Token;
use crate::shape::Shape;
use crate::share::Share;
use crate::validate::NAME_HINT;

/// Shortest secret, in characters.
const SECRET_LEAST: usize = 16;

/// A name, such as that of a listener.
pub(crate) struct Name;

/// A secret that is long enough not to be guessed, and that a header can contain.
pub(crate) struct Secret;

/// `true` or `false`.
pub(crate) struct Flag;

/// One of the keywords of the type.
pub(crate) struct Choice;

/// A list of keywords of the type.
pub(crate) struct Choices;

/// A path; a relative one starts from the folder of the file.
pub(crate) struct File;

/// A list of paths.
pub(crate) struct Files;

/// A plugin: a name or a path.
pub(crate) struct Plugin;

/// The SHA-256 of a file.
pub(crate) struct Sha256;

/// Any table; settings contain it as JSON.
pub(crate) struct Json;

/// A share of something, as a percentage.
pub(crate) struct Percentage;

/// The name or the IP address of a host.
pub(crate) struct HostName;

impl Kind<Share> for Percentage {
    fn name(&self) -> String {
        "percentage, `\"0.01%\"` to `\"100%\"`".to_owned()
    }

    fn shape(&self) -> Shape {
        Shape::Pattern(r"^[0-9]+(\.[0-9]+)?%$".to_owned())
    }

    fn read(&self, item: &Item<'_>, checker: &mut Checker<'_>) -> Option<Share> {
        checker.problems.keep(item.parsed())
    }

    fn show(&self, value: &Share) -> Option<String> {
        Some(value.to_string())
    }
}

impl Kind<String> for HostName {
    fn name(&self) -> String {
        "host".to_owned()
    }

    fn shape(&self) -> Shape {
        Shape::Text
    }

    fn read(&self, item: &Item<'_>, checker: &mut Checker<'_>) -> Option<String> {
        let name = checker.problems.keep(item.text())?;
        match name.parse::<Host>() {
            Ok(_) => Some(name.to_owned()),
            Err(fault) => {
                let hint = "write the host's name or IP address, without scheme and port";
                checker.problems.push(item.refuse(fault, hint));
                None
            }
        }
    }

    fn show(&self, value: &String) -> Option<String> {
        Some(value.clone())
    }
}

impl Kind<String> for Name {
    fn name(&self) -> String {
        "name".to_owned()
    }

    fn shape(&self) -> Shape {
        Shape::Pattern("^[A-Za-z0-9_-]{1,64}$".to_owned())
    }

    fn read(&self, item: &Item<'_>, checker: &mut Checker<'_>) -> Option<String> {
        let name = checker.problems.keep(item.text())?;
        if !is_name(name) {
            checker
                .problems
                .push(item.refuse("is not a name", NAME_HINT));
            return None;
        }
        Some(name.to_owned())
    }

    // A new name means a new listener, so no change shows it.
    fn show(&self, _: &String) -> Option<String> {
        None
    }

    fn toml(&self, value: &String) -> Option<String> {
        Some(format!("{value:?}"))
    }
}

impl Kind<Token> for Secret {
    fn name(&self) -> String {
        format!("text, {SECRET_LEAST} or more visible characters")
    }

    fn shape(&self) -> Shape {
        Shape::Text
    }

    fn read(&self, item: &Item<'_>, checker: &mut Checker<'_>) -> Option<Token> {
        let text = checker.problems.keep(item.text())?;
        if text.len() < SECRET_LEAST || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            let hint = "write at least 16 visible ASCII characters without spaces, as `openssl rand -hex 32` makes them";
            checker.problems.push(item.refuse("is not a token", hint));
            return None;
        }
        Some(Token::new(text))
    }

    fn show(&self, _: &Token) -> Option<String> {
        None
    }
}

impl Kind<bool> for Flag {
    fn name(&self) -> String {
        "`true` or `false`".to_owned()
    }

    fn shape(&self) -> Shape {
        Shape::Flag
    }

    fn read(&self, item: &Item<'_>, checker: &mut Checker<'_>) -> Option<bool> {
        checker.problems.keep(item.flag())
    }

    fn show(&self, value: &bool) -> Option<String> {
        Some(value.to_string())
    }

    fn toml(&self, value: &bool) -> Option<String> {
        self.show(value)
    }
}

impl<T: Keyword> Kind<T> for Choice {
    fn name(&self) -> String {
        "choice".to_owned()
    }

    fn shape(&self) -> Shape {
        Shape::Choice(T::KEYWORDS.iter().map(|(word, _)| *word).collect())
    }

    fn read(&self, item: &Item<'_>, checker: &mut Checker<'_>) -> Option<T> {
        checker.problems.keep(item.choice())
    }

    fn show(&self, value: &T) -> Option<String> {
        Some(format!("{:?}", value.keyword()))
    }

    fn toml(&self, value: &T) -> Option<String> {
        self.show(value)
    }
}

impl<T: Keyword> Kind<Vec<T>> for Choices {
    fn name(&self) -> String {
        "list of choices".to_owned()
    }

    fn shape(&self) -> Shape {
        Kind::<T>::shape(&Choice).list()
    }

    fn read(&self, item: &Item<'_>, checker: &mut Checker<'_>) -> Option<Vec<T>> {
        Some(checker.list(item, Item::choice))
    }

    fn show(&self, _: &Vec<T>) -> Option<String> {
        None
    }

    fn toml(&self, value: &Vec<T>) -> Option<String> {
        let keywords: Vec<_> = value.iter().map(|choice| choice.keyword()).collect();
        Some(format!("{keywords:?}"))
    }
}

impl Kind<PathBuf> for File {
    fn name(&self) -> String {
        "path".to_owned()
    }

    fn shape(&self) -> Shape {
        Shape::Text
    }

    fn read(&self, item: &Item<'_>, checker: &mut Checker<'_>) -> Option<PathBuf> {
        let path = checker.problems.keep(item.text())?;
        Some(checker.folder.join(path))
    }

    fn show(&self, _: &PathBuf) -> Option<String> {
        None
    }
}

impl Kind<Vec<PathBuf>> for Files {
    fn name(&self) -> String {
        "list of paths".to_owned()
    }

    fn shape(&self) -> Shape {
        Shape::Text.list()
    }

    fn read(&self, item: &Item<'_>, checker: &mut Checker<'_>) -> Option<Vec<PathBuf>> {
        let folder = checker.folder.clone();
        Some(checker.list(item, |item| Ok(folder.join(item.text()?))))
    }

    fn show(&self, value: &Vec<PathBuf>) -> Option<String> {
        Some(format!("{value:?}"))
    }

    fn toml(&self, value: &Vec<PathBuf>) -> Option<String> {
        self.show(value)
    }
}

impl Kind<PluginRef> for Plugin {
    fn name(&self) -> String {
        "name or path".to_owned()
    }

    fn shape(&self) -> Shape {
        Shape::Text
    }

    fn read(&self, item: &Item<'_>, checker: &mut Checker<'_>) -> Option<PluginRef> {
        let plugin = plugin_ref(item, &checker.folder);
        checker.problems.keep(plugin)
    }

    fn show(&self, value: &PluginRef) -> Option<String> {
        Some(match value {
            PluginRef::Name(name) => name.clone(),
            PluginRef::Path(path) => path.display().to_string(),
        })
    }
}

impl Kind<[u8; 32]> for Sha256 {
    fn name(&self) -> String {
        "64 hexadecimal digits".to_owned()
    }

    fn shape(&self) -> Shape {
        Shape::Pattern("^[0-9A-Fa-f]{64}$".to_owned())
    }

    fn read(&self, item: &Item<'_>, checker: &mut Checker<'_>) -> Option<[u8; 32]> {
        checker.problems.keep(digest(item))
    }

    // Too long for a line.
    fn show(&self, _: &[u8; 32]) -> Option<String> {
        None
    }
}

impl Kind<Value> for Json {
    fn name(&self) -> String {
        "table".to_owned()
    }

    fn shape(&self) -> Shape {
        Shape::AnyTable
    }

    fn read(&self, item: &Item<'_>, checker: &mut Checker<'_>) -> Option<Value> {
        checker.problems.keep(json::object(item))
    }

    // May hold secrets.
    fn show(&self, _: &Value) -> Option<String> {
        None
    }

    fn toml(&self, _: &Value) -> Option<String> {
        Some("{ }".to_owned())
    }
}

/// How a plugin is named.
fn plugin_ref(item: &Item<'_>, folder: &Path) -> Result<PluginRef, Problem> {
    let text = item.text()?;
    if is_path(text) || is_name(text) {
        Ok(PluginRef::parse(text, folder))
    } else {
        Err(item.refuse(
            "is neither a name nor a path",
            "write a bundled plugin's name, or a path to a .wasm file",
        ))
    }
}

/// 64 hexadecimal digits.
fn digest(item: &Item<'_>) -> Result<[u8; 32], Problem> {
    let wrong = || {
        item.refuse(
            "is not a SHA-256 digest",
            "write its 64 hexadecimal digits, as `linemill inspect` shows them",
        )
    };
    let text = item.text()?;
    if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(wrong());
    }
    let mut digest = [0; 32];
    for (byte, at) in digest.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(&text[at..at + 2], 16).map_err(|_| wrong())?;
    }
    Ok(digest)
}
