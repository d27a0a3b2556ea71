//! Labels whose values are a closed set: an enum, so that no value is misspelt or undocumented.

/// A label of a metric with a closed set of values.
pub trait LabelValue: Copy + 'static {
    /// The label's name, such as `reason`.
    const KEY: &'static str;

    /// Every value, in the order of the documentation.
    fn all() -> Vec<Self>;

    /// The value, as `/metrics` shows it.
    fn label(self) -> &'static str;

    /// What the value means, for the documentation.
    fn meaning(self) -> &'static str;
}

/// A label whose values are numbered, so that their series can be in an array.
pub trait Indexed: LabelValue {
    /// The position of the value in [`all`](LabelValue::all).
    fn index(self) -> usize;
}

/// Declares an enum whose variants are the values of a label. The doc comments of the variants become
/// the documentation of the values. Implements [`LabelValue`] and [`Indexed`]; `ALL`, `label` and
/// `meaning` can also be called without these traits.
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

        impl $name {
            /// Every value.
            $visibility const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The value, as `/metrics` shows it.
            $visibility fn label(self) -> &'static str {
                match self { $(Self::$variant => $label,)+ }
            }

            /// What the value means, for the documentation.
            $visibility fn meaning(self) -> &'static str {
                match self { $(Self::$variant => concat!($($meaning),+).trim_ascii(),)+ }
            }
        }

        impl $crate::LabelValue for $name {
            const KEY: &'static str = $key;

            fn all() -> Vec<Self> {
                Self::ALL.to_vec()
            }

            fn label(self) -> &'static str {
                self.label()
            }

            fn meaning(self) -> &'static str {
                self.meaning()
            }
        }

        impl $crate::Indexed for $name {
            fn index(self) -> usize {
                self as usize
            }
        }
    };
}
