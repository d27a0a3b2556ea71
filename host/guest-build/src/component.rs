//! Core module → component.
//!
//! In: the module rustc made, which carries the description of its world in a section that the
//! SDK put there. Out: a validated component. Whether the world is linemill's is for the host to
//! judge; that there is one at all is checked here, because its lack is an author's first mistake.

use wit_component::{ComponentEncoder, metadata};

/// Why a module cannot become a component.
#[derive(Debug, thiserror::Error)]
pub enum ComponentError {
    /// The module describes no world: nothing was exported by the SDK.
    #[error(
        "the crate exports no filter\nhint: end its src/lib.rs with `linemill_sdk::export!(YourFilter);`"
    )]
    NoFilter,
    /// The module imports or exports what its world does not know, or is damaged.
    #[error("the module does not fit its WIT world: {0:#}")]
    Misfit(anyhow::Error),
}

/// Wraps a core module. Equal modules give equal components.
pub(crate) fn encode(module: &[u8]) -> Result<Vec<u8>, ComponentError> {
    let (_, description) = metadata::decode(module).map_err(ComponentError::Misfit)?;
    if description.resolve.worlds[description.world]
        .exports
        .is_empty()
    {
        return Err(ComponentError::NoFilter);
    }
    ComponentEncoder::default()
        .validate(true)
        .module(module)
        .and_then(|mut encoder| encoder.encode())
        .map_err(ComponentError::Misfit)
}

#[cfg(test)]
mod tests {
    use wit_component::{StringEncoding, embed_component_metadata};
    use wit_parser::Resolve;

    use super::{ComponentError, encode};

    const WORLD: &str = "package test:test; world w { export answer: func() -> u32; }";

    fn module(text: &str, world: Option<&str>) -> Vec<u8> {
        let mut module = wat::parse_str(text).unwrap();
        if let Some(world) = world {
            let mut resolve = Resolve::default();
            let package = resolve.push_str("test.wit", world).unwrap();
            let world = resolve.select_world(&[package], None).unwrap();
            embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
        }
        module
    }

    #[test]
    fn a_module_with_a_world_becomes_a_component_of_it() {
        let module = module(
            r#"(module (func (export "answer") (result i32) i32.const 42))"#,
            Some(WORLD),
        );
        let component = encode(&module).unwrap();
        assert_eq!(component[..8], *b"\0asm\x0d\0\x01\0");
        assert_eq!(encode(&module).unwrap(), component);
        let decoded = wit_component::decode(&component).unwrap();
        let (_, world) = decoded.resolve().worlds.iter().next().unwrap();
        assert_eq!(world.exports.len(), 1);
    }

    #[test]
    fn a_module_without_a_world_is_told_how_to_get_one() {
        let error = encode(&module("(module)", None)).unwrap_err();
        assert!(matches!(error, ComponentError::NoFilter));
        assert!(error.to_string().contains("export!"), "{error}");
    }

    #[test]
    fn a_module_that_does_not_keep_to_its_world_is_refused() {
        let error = encode(&module("(module)", Some(WORLD))).unwrap_err();
        assert!(matches!(error, ComponentError::Misfit(_)));
        assert!(error.to_string().contains("answer"), "{error}");
        assert!(encode(b"no wasm").is_err());
    }
}
