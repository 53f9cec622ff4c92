//! Data trees of libyang: parsed, validated, read out, freed.

use super::Compiled;
use knowledge_model::{Path, Tree, Value};
use std::ffi::CStr;
use yang5::ffi;

/// How a document is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JSON as RFC 7951 has it.
    Json,
    /// XML as RFC 7950 has it.
    Xml,
}

/// What is checked: state nodes are refused, defaults are filled in, and no fault ends the check.
pub(super) const CHECKS: u32 = ffi::LYD_VALIDATE_NO_STATE | ffi::LYD_VALIDATE_PRESENT | ffi::LYD_VALIDATE_MULTI_ERROR;

/// How a document is parsed: nothing unknown, no state, and no look for duplicates. For each entry of a list at the top
/// libyang compares it with all others; making the map finds duplicates in one go.
const PARSING: u32 = ffi::LYD_PARSE_STRICT | ffi::LYD_PARSE_NO_STATE | ffi::LYD_PARSE_NO_NEW;

/// A data tree of libyang, freed when it goes.
pub(crate) struct Data<'a> {
    pub(super) compiled: &'a Compiled,
    pub(super) first: *mut ffi::lyd_node,
}

impl Drop for Data<'_> {
    fn drop(&mut self) {
        // SAFETY: the tree is owned here; null is allowed.
        unsafe { ffi::lyd_free_all(self.first) };
    }
}

impl<'a> Data<'a> {
    /// Parses JSON and validates it; what is wrong is heard by who listens on this thread.
    pub(crate) fn parse(compiled: &'a Compiled, text: &CStr) -> Option<Self> {
        let mut data = Self {
            compiled,
            first: std::ptr::null_mut(),
        };
        // SAFETY: the context lives, the text ends with NUL and outlives the input made of it, and the tree goes where
        // this value owns it.
        let (answer, read) = unsafe {
            let mut input = std::ptr::null_mut();
            if ffi::ly_in_new_memory(text.as_ptr(), &mut input) != ffi::LY_ERR::LY_SUCCESS {
                return None;
            }
            let answer = ffi::lyd_parse_data(
                compiled.raw,
                std::ptr::null_mut(),
                input,
                ffi::LYD_FORMAT::LYD_JSON,
                PARSING,
                CHECKS,
                &mut data.first,
            );
            let read = ffi::ly_in_parsed(input);
            ffi::ly_in_free(input, 0);
            (answer, read)
        };
        // libyang stops where the outermost value ends, whatever comes behind.
        let rest = text.to_bytes().get(read..).unwrap_or_default();
        (answer == ffi::LY_ERR::LY_SUCCESS && rest.trim_ascii().is_empty()).then_some(data)
    }

    /// Validates a tree that was made by hand; true if nothing is wrong.
    pub(crate) fn validate(&mut self) -> bool {
        // SAFETY: the tree belongs to this value and to the context.
        let answer = unsafe { ffi::lyd_validate_all(&mut self.first, self.compiled.raw, CHECKS, std::ptr::null_mut()) };
        answer == ffi::LY_ERR::LY_SUCCESS
    }

    /// The entries as a map, without defaults that nobody set; none if something is there twice or a key cannot stand
    /// in a path.
    pub(crate) fn tree(&self) -> Option<Tree> {
        let mut entries = Vec::new();
        // SAFETY: `first` is null or the first of the siblings of a tree that this value owns.
        unsafe { self.collect(self.first, &Path::root(), &mut entries) }?;
        let count = entries.len();
        let tree: Tree = entries.into_iter().collect();
        (tree.len() == count).then_some(tree)
    }

    unsafe fn collect(&self, first: *const ffi::lyd_node, above: &Path, out: &mut Vec<(Path, Value)>) -> Option<()> {
        let mut node = first;
        while !node.is_null() {
            // SAFETY: a node of a tree without opaque nodes (the parser is strict) has a schema node with a name.
            unsafe {
                if (*node).flags & ffi::LYD_DEFAULT == 0 {
                    self.entry(node, above, out)?;
                }
                node = (*node).next;
            }
        }
        Some(())
    }

    unsafe fn entry(&self, node: *const ffi::lyd_node, above: &Path, out: &mut Vec<(Path, Value)>) -> Option<()> {
        // SAFETY: as for `collect`; `nodetype` says which struct the node is.
        unsafe {
            let schema = (*node).schema;
            let name = CStr::from_ptr((*schema).name).to_str().ok()?;
            let flags = u32::from((*schema).flags);
            match u32::from((*schema).nodetype) {
                ffi::LYS_CONTAINER => {
                    // Siblings stand in the order of the schema: a second one would be next.
                    if !(*node).next.is_null() && (*(*node).next).schema == schema {
                        return None;
                    }
                    let path = above.child(name);
                    self.collect((*node.cast::<ffi::lyd_node_inner>()).child, &path, out)?;
                    if flags & ffi::LYS_PRESENCE != 0 {
                        out.push((path, Value::Present));
                    }
                }
                ffi::LYS_LIST => {
                    let mut child: *const ffi::lyd_node = (*node.cast::<ffi::lyd_node_inner>()).child;
                    let mut keys = Vec::new();
                    while !child.is_null() && u32::from((*(*child).schema).flags) & ffi::LYS_KEY != 0 {
                        keys.push(self.value(child)?);
                        child = (*child).next;
                    }
                    let path = above.try_keyed(name, keys).ok()?;
                    self.collect(child, &path, out)?;
                    out.push((path, Value::Present));
                }
                ffi::LYS_LEAFLIST => out.push((above.try_keyed(name, [self.value(node)?]).ok()?, Value::Present)),
                _ => {
                    let value = self.value(node)?;
                    let empty =
                        (*(*schema.cast::<ffi::lysc_node_leaf>()).type_).basetype == ffi::LY_DATA_TYPE::LY_TYPE_EMPTY;
                    let value = if empty { Value::Present } else { Value::scalar(value) };
                    out.push((above.child(name), value));
                }
            }
        }
        Some(())
    }

    /// The canonical form of a value, by libyang or, where it is coarse, by the canonical model.
    unsafe fn value(&self, node: *const ffi::lyd_node) -> Option<Box<str>> {
        // SAFETY: the node is a leaf or a value of a leaf-list; its text lives as long as the tree.
        unsafe {
            let value = &raw const (*node.cast::<ffi::lyd_node_term>()).value;
            let canonical = ffi::lyd_value_get_canonical(self.compiled.raw, value);
            if canonical.is_null() {
                return None;
            }
            let text = CStr::from_ptr(canonical).to_str().ok()?;
            match self.compiled.coarse.get(&(*node).schema) {
                Some(typed) => Some(typed.canonical(text).ok()?.into()),
                None => Some(text.into()),
            }
        }
    }
}
