//! Edits held to the modules of a device: what its own YANG says of names, places and values.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use yang5::context::{Context, ContextFlags};
use yang5::data::{DataFormat, DataParserFlags, DataTree, DataValidationFlags};

/// How many compiled sets are kept.
const SETS: usize = 16;

/// A compiled set, or none where its modules are of no use.
type Compiled = Option<Arc<Context>>;
/// Which modules of which folder.
type Set = (PathBuf, Vec<(String, Option<String>)>);

/// The modules of devices, each set compiled once.
#[derive(Default)]
pub struct DeviceModules {
    sets: Mutex<BTreeMap<Set, Arc<OnceLock<Compiled>>>>,
}

impl DeviceModules {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Checks the elements of an edit, which sets and removes nothing, against modules that lie in a folder. False where
    /// the modules themselves cannot be compiled: they say nothing then.
    ///
    /// # Errors
    /// What is wrong with the edit, in libyang's words.
    pub fn check(&self, folder: &Path, modules: &[(String, Option<String>)], edit: &str) -> Result<bool, String> {
        let Some(context) = self.compiled(folder, modules) else {
            return Ok(false);
        };
        // Only part of a configuration: names, places and values are checked, not what else has to be there.
        let flags = DataParserFlags::STRICT | DataParserFlags::NO_VALIDATION;
        let none = DataValidationFlags::empty();
        let parsed = DataTree::parse_string(&context, edit, DataFormat::XML, flags, none);
        parsed.map(|_| true).map_err(|error| error.to_string())
    }

    fn compiled(&self, folder: &Path, modules: &[(String, Option<String>)]) -> Compiled {
        // Whoever wants the same set waits for it to be compiled, and nobody else.
        let set = self.set((folder.to_owned(), modules.to_vec()));
        set.get_or_init(|| compile(folder, modules).map(Arc::new)).clone()
    }

    fn set(&self, set: Set) -> Arc<OnceLock<Compiled>> {
        let mut sets = self.sets.lock().unwrap_or_else(PoisonError::into_inner);
        if !sets.contains_key(&set) && sets.len() >= SETS {
            sets.pop_first();
        }
        Arc::clone(sets.entry(set).or_default())
    }
}

fn compile(folder: &Path, modules: &[(String, Option<String>)]) -> Option<Context> {
    folder.to_str().filter(|it| !it.contains('\0'))?;
    let flags = ContextFlags::NO_YANGLIBRARY | ContextFlags::DISABLE_SEARCHDIR_CWD;
    let mut context = Context::new(flags).ok()?;
    context.set_searchdir(folder).ok()?;
    for (name, revision) in modules {
        context.load_module(name, revision.as_deref(), &["*"]).ok()?;
    }
    Some(context)
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERFACES: &str = "module device-interfaces {\n  yang-version 1.1;\n  namespace \"u:if\";\n  prefix if;\n\
        feature many;\n  container interfaces {\n    list interface {\n      key name;\n      leaf name { type string; }\n\
              leaf mtu { type uint16 { range \"68..max\"; } }\n      leaf kind { type string; mandatory true; }\n    }\n  }\n}\n";

    #[test]
    fn an_edit_is_held_to_the_modules_of_a_device() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("device-interfaces.yang"), INTERFACES).unwrap();
        let (modules, all) = (DeviceModules::new(), [("device-interfaces".to_owned(), None)]);
        let edit = |inner: &str| {
            format!("<interfaces xmlns=\"u:if\"><interface><name>eth1</name>{inner}</interface></interfaces>")
        };
        assert_eq!(modules.check(folder.path(), &all, &edit("<mtu>1400</mtu>")), Ok(true));
        for wrong in ["<mtu>3</mtu>", "<mtu>x</mtu>", "<speed>1</speed>"] {
            assert!(modules.check(folder.path(), &all, &edit(wrong)).is_err(), "{wrong}");
        }
        let gone = [("nowhere".to_owned(), None)];
        assert_eq!(modules.check(folder.path(), &gone, &edit("")), Ok(false));
    }
}
