//! Labels whose values are a closed set: an enum, so that no value is misspelt or undocumented.

/// A label of a metric with a closed set of values. Declared by [`label_values!`](crate::label_values).
pub trait LabelValue: Copy + 'static {
    /// The label's name, such as `reason`.
    const KEY: &'static str;
    /// Every value, in the order of declaration.
    const ALL: &'static [Self];

    /// The value, as `/metrics` shows it.
    fn label(self) -> &'static str;

    /// What the value means, for the documentation.
    fn meaning(self) -> &'static str;

    /// The position of the value in [`ALL`](Self::ALL).
    fn index(self) -> usize;
}

/// Declares an enum whose variants are the values of a label. The doc comments of the variants become
/// the documentation of the values.
///
/// ```
/// linemill_telemetry::label_values! {
///     /// Why a line was dropped.
///     pub enum DropReason as "reason" {
///         /// The line was too long.
///         Oversize = "oversize",
///     }
/// }
/// ```
#[macro_export]
macro_rules! label_values {
    (
        $(#[$attribute:meta])*
        $visibility:vis enum $name:ident as $key:literal {
            $($(#[doc = $meaning:literal])+ $variant:ident = $label:literal,)+
        }
    ) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        $visibility enum $name {
            $($(#[doc = $meaning])+ $variant,)+
        }

        impl $crate::LabelValue for $name {
            const KEY: &'static str = $key;
            const ALL: &'static [Self] = &[$(Self::$variant,)+];

            fn label(self) -> &'static str {
                match self { $(Self::$variant => $label,)+ }
            }

            fn meaning(self) -> &'static str {
                match self { $(Self::$variant => concat!($($meaning),+),)+ }
            }

            fn index(self) -> usize {
                self as usize
            }
        }
    };
}
