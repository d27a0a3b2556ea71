//! Structs of metrics, declared once.
//!
//! In: [`metrics!`](crate::metrics), next to the code that counts. Out: the struct with its counters, its
//! registration, and the [`Declaration`]s from which `docs/metrics.md` is generated.

use prometheus_client::registry::Registry;

use crate::declaration::{Declaration, PREFIX};
use crate::instrument::Labels;

/// A struct that [`metrics!`](crate::metrics) declares.
pub trait Metrics: Sized + 'static {
    /// A family of series for each field.
    type Families: Send + Sync + 'static;

    /// The metrics, in the order of their fields.
    fn declarations() -> Vec<Declaration>;

    /// Registers a family for each field.
    fn register_families(registry: &mut Registry) -> Self::Families;

    /// The series with these labels.
    fn of(families: &Self::Families, labels: &Labels) -> Self;

    /// Removes the series with these labels. Who still counts in them is not shown any more.
    fn forget(families: &Self::Families, labels: &Labels);

    /// Removes those of the series with these labels that say how things are now.
    fn forget_gauges(families: &Self::Families, labels: &Labels);

    /// Registers a struct that exists once, so its series do not have a label that names it.
    fn register_alone(registry: &mut Registry) -> Self;
}

/// A struct of metrics that exists once for each listener, filter or output, which its first labels name.
pub trait MetricsByName: Metrics {
    /// The names of these labels.
    const KEYS: &'static [&'static str];
}

/// A registry for the metrics of the host, in which all names begin with `linemill_`, among `all`.
pub fn registry(all: &mut Registry) -> &mut Registry {
    // The encoder puts the underscore between prefix and name.
    all.sub_registry_with_prefix(PREFIX.trim_end_matches('_'))
}

/// Declares a struct of metrics: one field for each metric, whose doc comment is also its help text in
/// `/metrics` and its meaning in `docs/metrics.md`.
///
/// With `by`, the struct exists once for each value of that label, or of several labels together;
/// [`Families`](crate::Families) makes them. Without, the struct exists once, and has a constructor `register`.
///
/// ```
/// use prometheus_client::metrics::counter::Counter;
///
/// linemill_telemetry::metrics! {
///     /// What one listener counts.
///     pub struct ListenerMetrics by "listener" ("the listener's name") {
///         /// Accepted connections.
///         #[metric("connections_accepted", unit = "connections")]
///         pub accepted: Counter,
///     }
/// }
/// ```
#[macro_export]
macro_rules! metrics {
    // The struct itself; `$first` are the labels that name it, if it has any.
    (
        @fields ($first:expr)
        $(#[$attribute:meta])*
        $visibility:vis struct $name:ident {
            $(
                $(#[doc = $help:literal])+
                #[metric($metric:literal, unit = $unit:literal)]
                $field_visibility:vis $field:ident: $type:ty,
            )+
        }
    ) => {
        $(#[$attribute])*
        #[derive(Debug, Clone)]
        $visibility struct $name {
            $($(#[doc = $help])+ $field_visibility $field: $type,)+
        }

        impl $crate::Metrics for $name {
            type Families = ($($crate::Series<$type>,)+);

            fn declarations() -> Vec<$crate::Declaration> {
                vec![$($crate::declare::<$type>(
                    $metric, $unit, concat!($($help),+), &$first,
                ),)+]
            }

            fn register_families(registry: &mut $crate::Registry) -> Self::Families {
                ($($crate::register_family::<$type>(
                    registry, $metric, concat!($($help),+),
                ),)+)
            }

            fn of(families: &Self::Families, labels: &$crate::Labels) -> Self {
                let ($($field,)+) = families;
                Self {
                    $($field: <$type as $crate::Instrument>::member($field, labels),)+
                }
            }

            fn forget(families: &Self::Families, labels: &$crate::Labels) {
                let ($($field,)+) = families;
                $(<$type as $crate::Instrument>::forget($field, labels);)+
            }

            fn forget_gauges(families: &Self::Families, labels: &$crate::Labels) {
                let ($($field,)+) = families;
                $($crate::forget_gauge::<$type>($field, labels);)+
            }

            fn register_alone(registry: &mut $crate::Registry) -> Self {
                Self {
                    $($field: $crate::register_alone::<$type>(
                        registry, $metric, concat!($($help),+),
                    ),)+
                }
            }
        }
    };
    (
        $(#[$attribute:meta])*
        $visibility:vis struct $name:ident by $($key:literal ($values:literal)),+ { $($fields:tt)+ }
    ) => {
        $crate::metrics! {
            @fields ([$($crate::Label { key: $key, values: $crate::Values::Open($values) }),+])
            $(#[$attribute])*
            $visibility struct $name { $($fields)+ }
        }

        impl $crate::MetricsByName for $name {
            const KEYS: &'static [&'static str] = &[$($key),+];
        }
    };
    (
        $(#[$attribute:meta])*
        $visibility:vis struct $name:ident { $($fields:tt)+ }
    ) => {
        $crate::metrics! {
            @fields ([])
            $(#[$attribute])*
            $visibility struct $name { $($fields)+ }
        }

        impl $name {
            /// Registers the metrics.
            $visibility fn register(registry: &mut $crate::Registry) -> Self {
                <Self as $crate::Metrics>::register_alone(registry)
            }
        }
    };
}

#[cfg(test)]
mod tests;
