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

/// How a document is parsed: nothing unknown, no state, no rules yet, no look for duplicates and none for the place of a
/// node. For each entry of a list at the top libyang would go through all others; making the map finds duplicates in one
/// go, and sorts. A list entry that does not begin with its keys is not taken so, and left to our own reader.
const PARSING: u32 = ffi::LYD_PARSE_STRICT
    | ffi::LYD_PARSE_NO_STATE
    | ffi::LYD_PARSE_NO_NEW
    | ffi::LYD_PARSE_ONLY
    | ffi::LYD_PARSE_ORDERED;

/// The most nodes at the top of one part.
pub(super) const PART: usize = 128;

/// Data of libyang, freed when it goes. It is kept in parts, each a tree of its own: for every condition that it
/// evaluates libyang walks from a node at the top to the first one beside it, which over all entries of a large list takes
/// time in the square of their number. No rule that libyang is asked goes beyond one node at the top.
pub(crate) struct Data<'a> {
    pub(super) compiled: &'a Compiled,
    /// The first node of each part; nodes of one part are of one kind.
    pub(super) parts: Vec<*mut ffi::lyd_node>,
}

impl Drop for Data<'_> {
    fn drop(&mut self) {
        for first in &self.parts {
            // SAFETY: the trees are owned here; null is allowed.
            unsafe { ffi::lyd_free_all(*first) };
        }
    }
}

impl<'a> Data<'a> {
    /// Parses JSON; nothing if that cannot be done.
    pub(crate) fn parse(compiled: &'a Compiled, text: &CStr) -> Option<Self> {
        let mut first = std::ptr::null_mut();
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
                0,
                &mut first,
            );
            let read = ffi::ly_in_parsed(input);
            ffi::ly_in_free(input, 0);
            (answer, read)
        };
        let mut data = Self {
            compiled,
            parts: vec![first],
        };
        data.cut();
        // libyang stops where the outermost value ends, whatever comes behind.
        let rest = text.to_bytes().get(read..).unwrap_or_default();
        (answer == ffi::LY_ERR::LY_SUCCESS && rest.trim_ascii().is_empty()).then_some(data)
    }

    /// Holds every part to its rules; true if nothing is wrong. What is, is heard by who listens on this thread.
    pub(crate) fn validate(&mut self) -> bool {
        let mut valid = true;
        for first in &mut self.parts {
            // SAFETY: the part belongs to this value and to the context.
            let answer = unsafe { ffi::lyd_validate_all(first, self.compiled.raw, CHECKS, std::ptr::null_mut()) };
            valid &= answer == ffi::LY_ERR::LY_SUCCESS;
        }
        valid
    }

    /// Cuts what is one part into as many as it takes.
    fn cut(&mut self) {
        let Some(mut begin) = self.parts.pop().filter(|it| !it.is_null()) else {
            return;
        };
        let (mut node, mut length) = (begin, 1);
        // SAFETY: the nodes at the top of a tree are a list that ends with null, in which the first one leads to the last
        // one; each part is made such a list, and no node is in two.
        unsafe {
            while !(*node).next.is_null() {
                let next = (*node).next;
                if length >= PART || (*next).schema != (*node).schema {
                    (*node).next = std::ptr::null_mut();
                    (*begin).prev = node;
                    self.parts.push(begin);
                    (begin, length) = (next, 0);
                }
                (node, length) = (next, length + 1);
            }
            (*begin).prev = node;
        }
        self.parts.push(begin);
    }

    /// The entries as a map, without defaults that nobody set; none if something is there twice or a key cannot stand
    /// in a path.
    pub(crate) fn tree(&self) -> Option<Tree> {
        let mut entries = Vec::new();
        for first in &self.parts {
            // SAFETY: null or the first of the siblings of a tree that this value owns.
            unsafe { self.collect(*first, &Path::root(), &mut entries) }?;
        }
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
