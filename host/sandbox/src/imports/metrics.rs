//! `metrics`: counters and histograms of a filter, for its guests.
//!
//! In: declarations in `start`, then counts. Out: the functions of `wit/metrics.wit`. A metric has a number
//! in each instance: its position among those that the instance has declared.
//! Not here: which declarations are right, and what is counted (`guest_metrics`).

use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentType, Lift, Linker, WasmList};

use super::{HostState, ImportTrap};
use crate::guest_metrics::{Declaration, GuestMetric, Kind, Label, MAX_METRICS};

/// `label` of `wit/metrics.wit`.
#[derive(Debug, ComponentType, Lift)]
#[component(record)]
struct DeclaredLabel {
    name: String,
    values: Vec<String>,
}

/// `description` of `wit/metrics.wit`.
#[derive(Debug, ComponentType, Lift)]
#[component(record)]
struct Description {
    name: String,
    help: String,
    labels: Vec<DeclaredLabel>,
}

type Context<'a> = StoreContextMut<'a, HostState>;

/// Links `metrics`.
pub(super) fn link(linker: &mut Linker<HostState>) -> wasmtime::Result<()> {
    let mut metrics = linker.instance("linemill:filter/metrics@0.1.1")?;
    metrics.func_wrap(
        "counter",
        |mut context: Context<'_>, (description,): (Description,)| {
            Ok((declare(&mut context, description, Kind::Counter)?,))
        },
    )?;
    metrics.func_wrap(
        "histogram",
        |mut context: Context<'_>, (description, buckets): (Description, Vec<f64>)| {
            let kind = Kind::histogram(&buckets);
            Ok((declare(&mut context, description, kind)?,))
        },
    )?;
    metrics.func_wrap(
        "add",
        |mut context: Context<'_>, (counter, values, amount): (u32, WasmList<u32>, u64)| {
            count(&mut context, counter, &values, |metric, values| {
                metric.add(values, amount)
            })
        },
    )?;
    metrics.func_wrap(
        "observe",
        |mut context: Context<'_>, (histogram, values, value): (u32, WasmList<u32>, f64)| {
            count(&mut context, histogram, &values, |metric, values| {
                metric.observe(values, value)
            })
        },
    )
}

/// Declares a metric, and returns its number.
fn declare(
    context: &mut Context<'_>,
    description: Description,
    kind: Kind,
) -> wasmtime::Result<Result<u32, String>> {
    let state = context.data_mut();
    state.calls_import()?;
    if state.has_started {
        return Err(ImportTrap("it declared a metric after its start".into()).into());
    }
    let labels = description.labels.into_iter();
    let declaration = Declaration {
        name: description.name,
        help: description.help,
        labels: labels
            .map(|label| Label {
                name: label.name,
                values: label.values,
            })
            .collect(),
        kind,
    };
    if state.metrics.len() >= MAX_METRICS {
        return Ok(Err(format!("it declares more than {MAX_METRICS} metrics")));
    }
    let declared = state.import_context().metrics.declare(declaration);
    Ok(declared.map(|metric| {
        state.metrics.push(metric);
        state.metrics.len() as u32 - 1
    }))
}

/// Writes to the metric of this number.
fn count(
    context: &mut Context<'_>,
    number: u32,
    values: &WasmList<u32>,
    write: impl FnOnce(&GuestMetric, &[u32]) -> Option<()>,
) -> wasmtime::Result<()> {
    context.data_mut().calls_import()?;
    let metric = context.data().metrics.get(number as usize);
    let written = metric.and_then(|metric| {
        // No metric has more labels.
        let mut indices = [0; 4];
        let given = values.len();
        let indices = indices.get_mut(..given)?;
        let slice = values.as_le_slice(&*context);
        for (index, value) in indices.iter_mut().zip(slice) {
            *index = u32::from_le(*value);
        }
        write(metric, indices)
    });
    written
        .ok_or_else(|| ImportTrap("it wrote to a metric that it has not declared so".into()).into())
}
