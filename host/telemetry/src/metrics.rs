//! Structs of metrics, declared once.
//!
//! In: [`metrics!`](crate::metrics), next to the code that counts. Out: the struct with its counters, its
//! registration, and the [`Declaration`]s from which `docs/metrics.md` is generated.

use std::fmt;
use std::sync::Arc;

use prometheus_client::registry::Registry;

use crate::declaration::Declaration;
use crate::instrument::Labels;

/// A struct that [`metrics!`](crate::metrics) declares.
pub trait Metrics: Sized {
    /// A family of series for each field.
    type Families;

    /// The metrics, in the order of their fields.
    fn declarations() -> Vec<Declaration>;

    /// Registers a family for each field.
    fn register_families(registry: &mut Registry) -> Self::Families;

    /// The series with these labels.
    fn of(families: &Self::Families, labels: &Labels) -> Self;

    /// Removes the series with these labels. Who still counts in them is not shown any more.
    fn forget(families: &Self::Families, labels: &Labels);

    /// Registers a struct that exists once, so its series do not have a label that names it.
    fn register_alone(registry: &mut Registry) -> Self;
}

/// A struct of metrics that exists once for each listener, filter or output, which its first labels name.
pub trait MetricsByName: Metrics {
    /// The names of these labels.
    const KEYS: &'static [&'static str];
}

/// The registered metrics of all listeners, filters or outputs. Clones share them.
pub struct Families<M: MetricsByName>(Arc<M::Families>);

impl<M: MetricsByName> Families<M> {
    /// Registers the metrics.
    pub fn register(registry: &mut Registry) -> Self {
        Self(Arc::new(M::register_families(registry)))
    }

    /// The metrics of one listener, filter or output. The same name gets the same series.
    pub fn of(&self, name: &str) -> M {
        self.of_all(&[name])
    }

    /// The metrics that have these names, one for each label. The same names get the same series.
    pub fn of_all(&self, names: &[&str]) -> M {
        M::of(&self.0, &Self::labels(names))
    }

    /// Removes the series of these names: what they are about is gone.
    pub fn forget(&self, names: &[&str]) {
        M::forget(&self.0, &Self::labels(names));
    }

    fn labels(names: &[&str]) -> Labels {
        debug_assert_eq!(names.len(), M::KEYS.len());
        let pairs = M::KEYS.iter().zip(names);
        pairs.map(|(key, name)| (*key, (*name).into())).collect()
    }
}

impl<M: MetricsByName> Clone for Families<M> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<M: MetricsByName> Default for Families<M> {
    /// Metrics that no registry shows.
    fn default() -> Self {
        Self::register(&mut Registry::default())
    }
}

impl<M: MetricsByName> fmt::Debug for Families<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Families").finish_non_exhaustive()
    }
}

/// A registry for the metrics of the host: all names begin with `linemill_`.
pub fn registry() -> Registry {
    Registry::with_prefix(crate::declaration::PREFIX)
}

/// The metrics of a registry as OpenMetrics 1.0 text.
///
/// # Errors
/// None in practice: writing to a string does not fail.
pub fn text(registry: &Registry) -> Result<String, fmt::Error> {
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, registry)?;
    Ok(text)
}

/// Declares a struct of metrics: one field for each metric, whose doc comment is also its help text in
/// `/metrics` and its meaning in `docs/metrics.md`.
///
/// With `by`, the struct exists once for each value of that label, or of several labels together;
/// [`Families`] makes them. Without, the struct exists once, and has a constructor `register`.
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
