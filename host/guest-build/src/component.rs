//! Turns a core module into a component.
//!
//! In: a module as rustc builds it, with a section in which the SDK describes its WIT world. Out: a
//! validated component. Not here: checking that the world is linemill's, which the host does. That
//! there is a world at all is checked here, because authors often forget to export their filter.

use wit_component::{ComponentEncoder, metadata};

/// Why a module cannot become a component.
#[derive(Debug, thiserror::Error)]
pub enum ComponentError {
    /// The module describes no world, so the SDK's `export!` was not called.
    #[error(
        "the crate exports no filter\nhint: end its src/lib.rs with `linemill_sdk::export!(YourFilter);`"
    )]
    NoFilter,
    /// The module's imports or exports differ from its world, or it is damaged.
    #[error("the module does not fit its WIT world: {0:#}")]
    Misfit(anyhow::Error),
}

/// Turns a core module into a component. Equal modules give equal components.
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
    fn without_a_world_the_error_names_the_export_macro() {
        let error = encode(&module("(module)", None)).unwrap_err();
        assert!(matches!(error, ComponentError::NoFilter));
        assert!(error.to_string().contains("export!"), "{error}");
    }

    #[test]
    fn a_module_that_differs_from_its_world_is_refused() {
        let error = encode(&module("(module)", Some(WORLD))).unwrap_err();
        assert!(matches!(error, ComponentError::Misfit(_)));
        assert!(error.to_string().contains("answer"), "{error}");
        assert!(encode(b"no wasm").is_err());
    }
}
