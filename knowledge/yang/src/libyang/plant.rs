//! A data tree of libyang made of our map, entry by entry, without text between.

use super::data::PART;
use super::{Compiled, Complaints, Data, Kind, Known};
use knowledge_model::{Path, Step, Tree, Value};
use std::ffi::{CString, c_void};
use yang5::ffi;

/// An entry that libyang did not take.
pub(crate) struct Refused {
    pub(crate) path: Path,
    pub(crate) why: Why,
}

/// Why an entry is not taken.
pub(crate) enum Why {
    /// There is no such node.
    Unknown,
    /// The entry that it stands in is missing.
    Adrift(Path),
    /// The value or a key is not of its type; libyang has complained.
    Value,
}

/// The way from the root to the last entry: names, path and node of each step.
struct Way {
    names: String,
    path: Path,
    node: *mut ffi::lyd_node,
}

/// How many nodes of which name still fit into the part that is being filled.
#[derive(Default)]
struct Room {
    name: Box<str>,
    left: usize,
}

impl<'a> Data<'a> {
    /// Takes the entries of a map. What cannot be taken is left out and named.
    pub(crate) fn plant(compiled: &'a Compiled, tree: &Tree, complaints: &Complaints) -> (Self, Vec<Refused>) {
        let mut data = Self {
            compiled,
            parts: Vec::new(),
        };
        let mut refused = Vec::new();
        let (mut way, mut room): (Vec<Way>, Room) = (Vec::new(), Room::default());
        for (path, value) in tree.iter() {
            let before = complaints.count();
            if let Err(why) = data.put(&mut way, &mut room, path, value) {
                let why = if complaints.count() > before { Why::Value } else { why };
                refused.push(Refused {
                    path: path.clone(),
                    why,
                });
            }
        }
        (data, refused)
    }

    /// Puts one entry; `way` leads to the one before it, and to this one afterwards.
    fn put(&mut self, way: &mut Vec<Way>, room: &mut Room, path: &Path, value: &Value) -> Result<(), Why> {
        while way.last().is_some_and(|it| !path.starts_with(&it.path)) {
            way.pop();
        }
        let steps: Vec<_> = path.steps().collect();
        for (index, step) in steps.iter().enumerate().skip(way.len()) {
            let last = index + 1 == steps.len();
            let above = way.last();
            let names = above.map_or_else(|| step.name.to_owned(), |it| format!("{}/{}", it.names, step.name));
            let here = above
                .map_or_else(Path::root, |it| it.path.clone())
                .keyed(step.name, &step.keys);
            let known = self.compiled.nodes.get(&names).ok_or(Why::Unknown)?;
            check(known, step, last, &here)?;
            let parent = above.map_or(std::ptr::null_mut(), |it| it.node);
            let node = create(parent, known, step, value)?;
            if parent.is_null() {
                self.top(room, step.name, node);
            }
            way.push(Way {
                names,
                path: here,
                node,
            });
        }
        Ok(())
    }
}

impl Data<'_> {
    /// Puts a new node at the top of the part that is being filled, or of a new one.
    fn top(&mut self, room: &mut Room, name: &str, node: *mut ffi::lyd_node) {
        match self.parts.last_mut() {
            Some(first) if room.left > 0 && *room.name == *name => {
                // SAFETY: a new node without parent goes beside the others of the part, which are of its kind.
                unsafe { ffi::lyd_insert_sibling(*first, node, first) };
                room.left -= 1;
            }
            Some(_) | None => {
                self.parts.push(node);
                *room = Room {
                    name: name.into(),
                    left: PART - 1,
                };
            }
        }
    }
}

/// Whether such a node can stand at this step of a path, and as its last one.
fn check(known: &Known, step: &Step<'_>, last: bool, here: &Path) -> Result<(), Why> {
    match known.kind {
        _ if known.keys != step.keys.len() => Err(Why::Unknown),
        Kind::Container if last => Err(Why::Unknown),
        Kind::Leaf | Kind::LeafList if !last => Err(Why::Unknown),
        Kind::Presence | Kind::List if !last => Err(Why::Adrift(here.clone())),
        Kind::Container | Kind::Presence | Kind::List | Kind::Leaf | Kind::LeafList => Ok(()),
    }
}

/// A new node inside `parent`; none at the top.
fn create(
    parent: *mut ffi::lyd_node,
    known: &Known,
    step: &Step<'_>,
    value: &Value,
) -> Result<*mut ffi::lyd_node, Why> {
    let name = known.name.as_ptr();
    let keys = step.keys.iter().map(|it| CString::new(*it));
    let keys: Vec<_> = keys.collect::<Result<_, _>>().map_err(|_| Why::Value)?;
    let text = match keys.first() {
        Some(key) => key.clone(),
        None => CString::new(value.text().unwrap_or_default()).map_err(|_| Why::Value)?,
    };
    let mut node = std::ptr::null_mut();
    // SAFETY: parent and module belong to one context; name, keys and text end with NUL and outlive the calls, which
    // copy them. A list gets one text for each of its keys: `check` has counted them.
    let answer = unsafe {
        match known.kind {
            Kind::Container | Kind::Presence => ffi::lyd_new_inner(parent, known.module, name, 0, &mut node),
            Kind::Leaf | Kind::LeafList => ffi::lyd_new_term(parent, known.module, name, text.as_ptr(), 0, &mut node),
            Kind::List => {
                let mut pointers: Vec<*const c_void> = keys.iter().map(|it| it.as_ptr().cast()).collect();
                let keys = pointers.as_mut_ptr();
                ffi::lyd_new_list3(parent, known.module, name, keys, std::ptr::null_mut(), 0, &mut node)
            }
        }
    };
    if answer != ffi::LY_ERR::LY_SUCCESS || node.is_null() {
        return Err(Why::Value);
    }
    // SAFETY: libyang has just made the node. A map has nothing twice, so that libyang need not look for duplicates.
    unsafe { (*node).flags &= !ffi::LYD_NEW };
    Ok(node)
}
