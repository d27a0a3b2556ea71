//! `store`: the store of the filter, for its guests.
//!
//! In: keys and values from a guest. Out: the functions of `wit/store.wit`. A key or a value outside its
//! bounds is a trap.
//! Not here: what is stored (`crate::store`).

use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentType, Linker, Lower, WasmList};

use super::{HostState, ImportTrap, now};
use crate::store::{NotStored, Times};

/// The longest key, in bytes.
const MAX_KEY: usize = 256;
/// The longest value, in bytes.
const MAX_VALUE: usize = 64 << 10;

/// `error` of `wit/store.wit`.
#[derive(Debug, Clone, Copy, ComponentType, Lower)]
#[component(enum)]
#[repr(u8)]
enum Error {
    #[component(name = "full")]
    Full,
    #[component(name = "not-a-number")]
    NotANumber,
}

type Bytes = WasmList<u8>;
type Context<'a> = StoreContextMut<'a, HostState>;

/// Links `store`.
pub(super) fn link(linker: &mut Linker<HostState>) -> wasmtime::Result<()> {
    let mut store = linker.instance("linemill:filter/store@0.1.1")?;
    store.func_wrap("get", |mut context: Context<'_>, (key,): (Bytes,)| {
        context.data_mut().calls_import()?;
        let key = key_of(&key, &context)?;
        Ok((shared(&context)?.store.get(key, now()),))
    })?;
    store.func_wrap(
        "set",
        |mut context: Context<'_>, (key, value, expiry): (Bytes, Bytes, Option<u64>)| {
            context.data_mut().calls_import()?;
            let (key, value) = (key_of(&key, &context)?, value_of(&value, &context)?);
            let shared = shared(&context)?;
            let stored = shared.store.set(key, value, times(expiry), shared.limits);
            Ok((stored.map_err(Error::from),))
        },
    )?;
    store.func_wrap(
        "compare-and-set",
        |mut context: Context<'_>,
         (key, expected, value, expiry): (Bytes, Option<Bytes>, Bytes, Option<u64>)| {
            context.data_mut().calls_import()?;
            let (key, value) = (key_of(&key, &context)?, value_of(&value, &context)?);
            let expected = expected.as_ref().map(|bytes| bytes.as_le_slice(&context));
            let shared = shared(&context)?;
            let (times, limits) = (times(expiry), shared.limits);
            let stored = shared
                .store
                .compare_and_set(key, expected, value, times, limits);
            Ok((stored.map_err(Error::from),))
        },
    )?;
    store.func_wrap(
        "add",
        |mut context: Context<'_>, (key, amount, expiry): (Bytes, i64, Option<u64>)| {
            context.data_mut().calls_import()?;
            let key = key_of(&key, &context)?;
            let shared = shared(&context)?;
            let sum = shared.store.add(key, amount, times(expiry), shared.limits);
            Ok((sum.map_err(Error::from),))
        },
    )?;
    store.func_wrap("delete", |mut context: Context<'_>, (key,): (Bytes,)| {
        context.data_mut().calls_import()?;
        let key = key_of(&key, &context)?;
        Ok((shared(&context)?.store.delete(key, now()),))
    })
}

fn times(expiry: Option<u64>) -> Times {
    Times { now: now(), expiry }
}

fn shared<'a>(context: &'a Context<'_>) -> wasmtime::Result<&'a super::SharedStore> {
    let shared = context.data().import_context().store.as_ref();
    shared.ok_or_else(|| ImportTrap("its store is not there".into()).into())
}

fn key_of<'a>(key: &'a Bytes, context: &'a Context<'_>) -> wasmtime::Result<&'a [u8]> {
    let key = key.as_le_slice(context);
    if (1..=MAX_KEY).contains(&key.len()) {
        return Ok(key);
    }
    let problem = format!(
        "a key of its store has {} bytes, not 1 to {MAX_KEY}",
        key.len()
    );
    Err(ImportTrap(problem).into())
}

fn value_of<'a>(value: &'a Bytes, context: &'a Context<'_>) -> wasmtime::Result<&'a [u8]> {
    let value = value.as_le_slice(context);
    if value.len() <= MAX_VALUE {
        return Ok(value);
    }
    let problem = format!(
        "a value for its store has {} bytes, more than {MAX_VALUE}",
        value.len()
    );
    Err(ImportTrap(problem).into())
}

impl From<NotStored> for Error {
    fn from(error: NotStored) -> Self {
        match error {
            NotStored::Full => Self::Full,
            NotStored::NotANumber => Self::NotANumber,
        }
    }
}
