//! The guests, as text: what is particular to an engine, around the same loop.

const TURN: &str = include_str!("../guests/turn.wat");

/// A plain module that is given room, then lines.
pub(crate) fn core() -> wat::Result<Vec<u8>> {
    module(include_str!("../guests/core.wat"))
}

/// An Extism plugin.
pub(crate) fn extism() -> wat::Result<Vec<u8>> {
    module(include_str!("../guests/extism.wat"))
}

/// A SmartModule of Fluvio's, of the kind `map`.
pub(crate) fn fluvio() -> wat::Result<Vec<u8>> {
    module(include_str!("../guests/fluvio.wat"))
}

/// A component with `rot13: func(line: list<u8>) -> list<u8>`.
pub(crate) fn component() -> wat::Result<Vec<u8>> {
    let text = include_str!("../guests/component.wat").replace("TURN", TURN);
    wat::parse_str(format!("(component\n{text})"))
}

fn module(text: &str) -> wat::Result<Vec<u8>> {
    wat::parse_str(format!("(module\n{text}\n{TURN})"))
}
