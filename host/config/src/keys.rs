//! Declares the keys of a table, each once.
//!
//! In: for each key its name, type, default, kind, when a change takes effect, a line for the
//! sample configuration, and its text in the reference. Out: the struct of settings with its
//! `Default`, the reader, the comparison, and a [`Key`] for each, from which `config/linemill.toml`
//! and `docs/config.md` are generated (see `generated`).
//! Not here: rules between keys (see `validate`).

use super::checker::Checker;
use super::item::Table;
use super::key::{Change, Effect, Key};
use super::kind::Kind;

/// Declares the settings of a table.
///
/// A key is `/// text`, `name: type = default, kind, effect`, and then, as needed, `default "text"`
/// (for the reference), `sample "comment"` and `example "value"`. The keys in `part` belong to one
/// field whose type comes from another crate. `by hand` lists keys without a field of their own:
/// code in `validate` and `diff` reads and compares them. `no key` lists fields that are not keys.
/// With `by hand in Type` the struct is declared elsewhere.
macro_rules! keys {
    (
        $(#[$struct_meta:meta])*
        pub struct $Settings:ident: $title:literal {
            $(
                $(#[doc = $text:literal])+
                $key:ident: $type:ty = $default:expr, $kind:expr, $effect:ident
                $(, default $default_text:literal)? $(, sample $sample:literal)? $(, example $example:literal)?;
            )*
        }
        $(
            part $part:ident: $Part:ty {
                $(
                    $(#[doc = $inner_text:literal])+
                    $inner:ident: $inner_type:ty, $inner_kind:expr, $inner_effect:ident
                    $(, sample $inner_sample:literal)?;
                )*
            }
        )?
        $(
            by hand {
                $(
                    $(#[doc = $hand_text:literal])+
                    $hand:ident: $hand_kind:literal as $hand_shape:expr, $hand_effect:literal, default $hand_default:literal
                    $(, sample $hand_sample:literal, example $hand_example:literal)?;
                )*
            }
        )?
        $(
            no key {
                $(
                    $(#[$extra_doc:meta])*
                    $extra:ident: $extra_type:ty = $extra_default:expr;
                )*
            }
        )?
    ) => {
        $(#[$struct_meta])*
        pub struct $Settings {
            $($(#[doc = $text])+ pub $key: $type,)*
            $(
                /// Settings of another crate.
                pub $part: $Part,
            )?
            $($($(#[$extra_doc])* pub $extra: $extra_type,)*)?
        }

        impl Default for $Settings {
            fn default() -> Self {
                Self {
                    $($key: $default,)*
                    $($part: <$Part>::default(),)?
                    $($($extra: $extra_default,)*)?
                }
            }
        }

        impl $crate::key::TableSettings for $Settings {
            fn all_keys() -> Vec<$crate::key::Key> {
                Self::keys()
            }

            fn read(
                table: &$crate::item::Table<'_>,
                checker: &mut $crate::checker::Checker<'_>,
            ) -> Self {
                table.refuse_unknown(Self::KEYS, checker);
                let mut settings = Self::default();
                $($crate::keys::read::<$type>(table, stringify!($key), &$kind, &mut settings.$key, checker);)*
                $($($crate::keys::read::<$inner_type>(
                    table,
                    stringify!($inner),
                    &$inner_kind,
                    &mut settings.$part.$inner,
                    checker,
                );)*)?
                settings
            }

            fn changes(&self, new: &Self) -> Vec<$crate::key::Change> {
                let all = [
                    $($crate::keys::changes(
                        stringify!($key),
                        &$kind,
                        [&self.$key, &new.$key],
                        $crate::key::Effect::$effect,
                    ),)*
                    $($($crate::keys::changes(
                        stringify!($inner),
                        &$inner_kind,
                        [&self.$part.$inner, &new.$part.$inner],
                        $crate::key::Effect::$inner_effect,
                    ),)*)?
                ];
                all.into_iter().flatten().collect()
            }

            fn toml(&self) -> String {
                let all = [
                    $($crate::keys::toml(stringify!($key), &$kind, &self.$key),)*
                    $($($crate::keys::toml(stringify!($inner), &$inner_kind, &self.$part.$inner),)*)?
                ];
                let all: Vec<_> = all.into_iter().flatten().collect();
                format!("{{ {} }}", all.join(", "))
            }
        }

        impl $Settings {
            /// What error messages call the table.
            pub(crate) const TITLE: &'static str = $title;

            /// The names of all keys of the table.
            pub(crate) const KEYS: &'static [&'static str] = &[
                $(stringify!($key),)*
                $($(stringify!($inner),)*)?
                $($(stringify!($hand),)*)?
            ];

            /// Every key of the table, as documents show it.
            pub(crate) fn keys() -> Vec<$crate::key::Key> {
                let defaults = Self::default();
                vec![
                    $($crate::key::Key {
                        default_text: $crate::keys::optional!($($default_text)?),
                        sample: $crate::keys::optional!($($sample)?),
                        example: $crate::keys::optional!($($example)?),
                        ..$crate::key::Key::new(
                            stringify!($key),
                            &$kind,
                            &defaults.$key,
                            $crate::key::Effect::$effect.word(),
                            concat!($($text),+),
                        )
                    },)*
                    $($($crate::key::Key {
                        sample: $crate::keys::optional!($($inner_sample)?),
                        ..$crate::key::Key::new(
                            stringify!($inner),
                            &$inner_kind,
                            &defaults.$part.$inner,
                            $crate::key::Effect::$inner_effect.word(),
                            concat!($($inner_text),+),
                        )
                    },)*)?
                    $($($crate::key::Key {
                        default_text: Some($hand_default),
                        sample: $crate::keys::optional!($($hand_sample)?),
                        example: $crate::keys::optional!($($hand_example)?),
                        ..$crate::key::Key::new(
                            stringify!($hand),
                            &$crate::kind::Special::new($hand_kind, || $hand_shape),
                            &(),
                            $hand_effect,
                            concat!($($hand_text),+),
                        )
                    },)*)?
                ]
            }
        }
    };
    (
        by hand in $Settings:ident: $title:literal {
            $(
                $(#[doc = $text:literal])+
                $key:ident: $kind:literal as $shape:expr, default $default:literal;
            )*
        }
    ) => {
        impl $Settings {
            /// What problems call the table.
            pub(crate) const TITLE: &'static str = $title;

            /// The names of all keys of the table.
            pub(crate) const KEYS: &'static [&'static str] = &[$(stringify!($key)),*];

            /// Every key of the table, as documents show it.
            pub(crate) fn keys() -> Vec<$crate::key::Key> {
                vec![$($crate::key::Key {
                    default_text: Some($default),
                    ..$crate::key::Key::new(
                        stringify!($key),
                        &$crate::kind::Special::new($kind, || $shape),
                        &(),
                        $crate::key::Effect::Live.word(),
                        concat!($($text),+),
                    )
                }),*]
            }
        }
    };
}

/// The literal, if there is one.
macro_rules! optional {
    () => {
        None
    };
    ($value:literal) => {
        Some($value)
    };
}

pub(crate) use keys;
pub(crate) use optional;

/// Reads one key into `value`, if `table` has it.
pub(crate) fn read<T>(
    table: &Table<'_>,
    key: &str,
    kind: &impl Kind<T>,
    value: &mut T,
    checker: &mut Checker<'_>,
) {
    if let Some(item) = table.item(key)
        && let Some(found) = kind.read(&item, checker)
    {
        *value = found;
    }
}

/// How one key differs.
pub(crate) fn changes<T: PartialEq>(
    key: &str,
    kind: &impl Kind<T>,
    [old, new]: [&T; 2],
    effect: Effect,
) -> Vec<Change> {
    if old == new {
        Vec::new()
    } else {
        kind.changes(key, old, new, effect)
    }
}

/// `key = value`, if the value can be written.
pub(crate) fn toml<T>(key: &str, kind: &impl Kind<T>, value: &T) -> Option<String> {
    Some(format!("{key} = {}", kind.toml(value)?))
}

impl Key {
    /// A key without the parts that only some keys have.
    pub(crate) fn new<T>(
        name: &'static str,
        kind: &impl Kind<T>,
        default: &T,
        effect: &'static str,
        text: &str,
    ) -> Self {
        Self {
            name,
            kind: kind.name(),
            shape: kind.shape(),
            default: kind.toml(default),
            default_text: None,
            effect,
            text: text.trim().to_owned(),
            sample: None,
            example: None,
        }
    }
}
