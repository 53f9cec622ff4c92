//! libyang behind safe types: the only place with unsafe code.
//!
//! The binding reports the last fault alone and stops at the first; every fault is to be had through the C interface
//! only. What leaves this module is owned by Rust.
#![allow(
    unsafe_code,
    reason = "libyang reports every fault and shows types and extensions only through its C interface"
)]

mod complaints;
mod data;
mod facts;
mod plant;

pub(crate) use complaints::{Complaint, Complaints};
pub(crate) use data::Data;
pub use data::Format;
pub(crate) use facts::{Facts, Shape};
pub(crate) use plant::{Refused, Why};

use crate::modules::MODULES;
use knowledge_model::Schema;
use knowledge_model::types::Type;
use std::collections::HashMap;
use std::ffi::{CStr, CString, c_char};
use yang5::context::{Context, ContextFlags, EmbeddedModuleKey, EmbeddedModules};
use yang5::ffi;
use yang5::schema::{SchemaNode, SchemaNodeKind, SchemaPathFormat};

/// libyang did not take the modules that are built in.
#[derive(Debug, thiserror::Error)]
#[error("load {module} into libyang")]
pub struct LoadError {
    /// Which module.
    pub module: &'static str,
    /// What libyang says.
    #[source]
    pub source: yang5::Error,
}

/// The compiled modules. It does not change after it is made, and serves all threads.
pub(crate) struct Compiled {
    context: Context,
    raw: *const ffi::ly_ctx,
    /// By path of names, such as `interface/mtu`.
    nodes: HashMap<String, Known>,
    /// Leaves whose canonical form libyang does not know, with their type in the canonical model, which does.
    coarse: HashMap<*const ffi::lysc_node, &'static Type>,
}

// SAFETY: the context is complete and never changed again; libyang allows any number of readers, and keeps what it
// writes while parsing (its dictionary) behind locks of its own.
unsafe impl Send for Compiled {}
// SAFETY: as above.
unsafe impl Sync for Compiled {}

/// A data node of the schema, with what it takes to make an instance of it.
struct Known {
    module: *const ffi::lys_module,
    name: CString,
    kind: Kind,
    keys: usize,
}

/// The kinds of nodes that have instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Container,
    Presence,
    List,
    Leaf,
    LeafList,
}

impl Kind {
    pub(crate) fn of(node: &SchemaNode<'_>) -> Self {
        if node.kind() == SchemaNodeKind::List {
            Self::List
        } else if node.kind() == SchemaNodeKind::LeafList {
            Self::LeafList
        } else if node.kind() != SchemaNodeKind::Container {
            Self::Leaf
        } else if node.is_np_container() {
            Self::Container
        } else {
            Self::Presence
        }
    }

    /// How the schema table calls it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Container => "container",
            Self::Presence => "presence",
            Self::List => "list",
            Self::Leaf => "leaf",
            Self::LeafList => "leaf-list",
        }
    }
}

impl Compiled {
    pub(crate) fn load() -> Result<Self, LoadError> {
        let all = |source| LoadError {
            module: "the context",
            source,
        };
        let mut context = Context::new(ContextFlags::NO_YANGLIBRARY).map_err(all)?;
        let embedded: EmbeddedModules = MODULES
            .iter()
            .map(|(name, text)| (EmbeddedModuleKey::new(name, None, None, None), *text))
            .collect();
        context.set_embedded_modules(&embedded);
        for (module, _) in MODULES {
            context
                .load_module(module, None, &[])
                .map_err(|source| LoadError { module, source })?;
        }
        context.unset_embedded_modules();
        let compiled = Self::index(context);
        compiled.leave_references();
        Ok(compiled)
    }

    /// Has libyang take a reference whatever it leads to: each leads out of its part, and is looked up in the map.
    fn leave_references(&self) {
        for node in self.data_nodes().filter(|it| it.leaf_type().is_some()) {
            // SAFETY: a leaf or leaf-list has a type, and `basetype` says which struct that is. The context was made
            // here, and nobody else has it yet.
            unsafe {
                let typed = (*node.as_raw().cast::<ffi::lysc_node_leaf>()).type_;
                if (*typed).basetype == ffi::LY_DATA_TYPE::LY_TYPE_LEAFREF {
                    (*typed.cast::<ffi::lysc_type_leafref>()).require_instance = 0;
                }
            }
        }
    }

    fn index(context: Context) -> Self {
        let mut compiled = Self {
            raw: std::ptr::null(),
            nodes: HashMap::new(),
            coarse: HashMap::new(),
            context,
        };
        let (mut raw, mut nodes) = (compiled.raw, HashMap::new());
        for node in compiled.data_nodes() {
            let (path, module) = (names(&node), node.module().as_raw());
            // SAFETY: the module belongs to the context, which this struct keeps alive.
            raw = unsafe { (*module).ctx };
            let known = Known {
                module,
                name: CString::new(node.name()).unwrap_or_default(),
                kind: Kind::of(&node),
                keys: node.list_keys().count() + usize::from(Kind::of(&node) == Kind::LeafList),
            };
            nodes.insert(path, known);
        }
        (compiled.raw, compiled.nodes) = (raw, nodes);
        compiled
    }

    /// Takes canonical forms from the canonical model where libyang has none.
    pub(crate) fn refine(mut self, schema: &'static Schema) -> Self {
        let coarse = self.data_nodes().filter_map(|node| {
            let shape = Facts::of(&node).shape?;
            let typed = schema.at(&names(&node))?.value_type()?;
            shape.is_coarse().then_some((node.as_raw().cast_const(), typed))
        });
        self.coarse = coarse.collect();
        self
    }

    /// The nodes that can have instances, parents before children, in the order of the modules.
    pub(crate) fn data_nodes(&self) -> impl Iterator<Item = SchemaNode<'_>> {
        MODULES
            .iter()
            .filter_map(|(name, _)| self.context.get_module_implemented(name))
            .flat_map(|module| module.data().collect::<Vec<_>>())
            .flat_map(|top| top.traverse().collect::<Vec<_>>())
            .filter(|node| !node.is_schema_only())
    }

    /// The modules that have data nodes: name, namespace and revision.
    pub(crate) fn modules(&self) -> Vec<(String, String, String)> {
        let described = MODULES
            .iter()
            .filter_map(|(name, _)| self.context.get_module_implemented(name));
        described
            .filter(|it| it.data().next().is_some())
            .map(|it| {
                let revision = it.revision().unwrap_or_default().to_owned();
                (it.name().to_owned(), it.namespace().to_owned(), revision)
            })
            .collect()
    }
}

/// The path of names of a node, without choices, cases and modules.
pub(crate) fn names(node: &SchemaNode<'_>) -> String {
    let path = node.path(SchemaPathFormat::DATA);
    let bare = |step: &str| step.rsplit_once(':').map_or(step, |it| it.1).to_owned();
    path.split('/')
        .filter(|it| !it.is_empty())
        .map(bare)
        .collect::<Vec<_>>()
        .join("/")
}

/// The elements of one of libyang's sized arrays.
///
/// # Safety
/// `first` is null or such an array of `T` that lives as long as `'a`.
unsafe fn sized<'a, T>(first: *const T) -> &'a [T] {
    if first.is_null() {
        return &[];
    }
    // SAFETY: libyang keeps the count in the eight bytes before the first element.
    unsafe {
        let count = *first.cast::<u64>().sub(1);
        std::slice::from_raw_parts(first, usize::try_from(count).unwrap_or(0))
    }
}

/// A C string as Rust text; nothing for null.
///
/// # Safety
/// `text` is null or ends with NUL.
unsafe fn text(text: *const c_char) -> Option<String> {
    // SAFETY: checked for null, and the caller says that it ends.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
}
