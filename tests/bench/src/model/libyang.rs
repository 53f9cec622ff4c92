//! The peer: libyang through its binding, with the same modules.

use anyhow::Context as _;
use knowledge_yang::MODULES;
use yang5::context::{Context, ContextFlags, EmbeddedModuleKey, EmbeddedModules};
use yang5::data::{DataDiffFlags, DataFormat, DataParserFlags, DataTree, DataValidationFlags};

pub fn context() -> anyhow::Result<Context> {
    let modules: EmbeddedModules = MODULES
        .iter()
        .map(|(name, text)| (EmbeddedModuleKey::new(name, None, None, None), *text))
        .collect();
    let mut context = Context::new(ContextFlags::NO_YANGLIBRARY)?;
    context.set_embedded_modules(&modules);
    for (name, _) in MODULES {
        context.load_module(name, None, &[])?;
    }
    context.unset_embedded_modules();
    Ok(context)
}

/// Parses and validates JSON.
pub fn parse<'a>(context: &'a Context, json: &str) -> anyhow::Result<DataTree<'a>> {
    let (strict, checks) = (
        DataParserFlags::STRICT,
        DataValidationFlags::NO_STATE | DataValidationFlags::PRESENT,
    );
    DataTree::parse_string(context, json, DataFormat::JSON, strict, checks).context("libyang refuses the data")
}

/// Parses JSON that is known to be valid.
pub fn load<'a>(context: &'a Context, json: &str) -> anyhow::Result<DataTree<'a>> {
    let (known, checks) = (
        DataParserFlags::NO_VALIDATION | DataParserFlags::STRICT,
        DataValidationFlags::empty(),
    );
    DataTree::parse_string(context, json, DataFormat::JSON, known, checks).context("libyang refuses the data")
}

/// How many leaves differ, by libyang's own diff.
pub fn differences(before: &DataTree<'_>, after: &DataTree<'_>) -> anyhow::Result<usize> {
    let diff = before.diff(after, DataDiffFlags::empty())?;
    Ok(diff.iter().filter(|(_, node)| node.schema().name() == "action").count())
}
