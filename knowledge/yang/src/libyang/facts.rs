//! What the compiled schema says of a node beyond what the binding shows: types with their facets, extensions, unique.

use super::{names, sized, text};
use std::ffi::c_char;
use yang5::ffi;
use yang5::schema::{DataValueType, SchemaNode, SchemaNodeKind};

/// What the compiled schema says of one node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    /// The type of a leaf or leaf-list.
    pub(crate) shape: Option<Shape>,
    /// Our own marks with their arguments: `secret`, `sequence`, `distinct`.
    pub(crate) marks: Vec<(String, Option<String>)>,
    /// Groups of leaves that are unique among the entries of a list, as paths of names below it.
    pub(crate) unique: Vec<Vec<String>>,
    /// The path of names of the leaf that a leafref refers to, and whether that must exist.
    pub(crate) refers: Option<String>,
}

/// A type with its facets. Numbers are as libyang keeps them: decimals in units of the last place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Shape {
    Boolean,
    Empty,
    Binary(Vec<(i128, i128)>),
    Integer(&'static str, Vec<(i128, i128)>),
    Decimal(u8, Vec<(i128, i128)>),
    Text {
        typedef: Option<String>,
        lengths: Vec<(i128, i128)>,
        patterns: Vec<String>,
    },
    Enumeration(Vec<String>),
    Union(Vec<Shape>),
    /// A type that the canonical model has no use for, by the number that libyang gives it.
    Foreign(u32),
}

impl Shape {
    /// True if two texts that mean the same may both be canonical for libyang.
    pub(crate) fn is_coarse(&self) -> bool {
        match self {
            Self::Text { typedef, .. } => typedef.as_deref() == Some("ipv6-interface-address"),
            Self::Union(members) => members.iter().any(Self::is_coarse),
            Self::Boolean
            | Self::Empty
            | Self::Binary(_)
            | Self::Integer(..)
            | Self::Decimal(..)
            | Self::Enumeration(_)
            | Self::Foreign(_) => false,
        }
    }
}

impl Facts {
    pub(crate) fn of(node: &SchemaNode<'_>) -> Self {
        let raw = node.as_raw();
        let leaf = matches!(node.kind(), SchemaNodeKind::Leaf | SchemaNodeKind::LeafList);
        // SAFETY: the node belongs to a compiled context, which outlives it and does not change; a list is a
        // `lysc_node_list`, and the type of a leaf is what libyang compiled for it.
        unsafe {
            let own =
                |it: &&ffi::lysc_ext_instance| text((*(*it.def).module).name).as_deref() == Some("entente-extensions");
            Self {
                shape: node.leaf_type().map(|it| shape(it.as_raw())),
                marks: sized((*raw).exts)
                    .iter()
                    .filter(own)
                    .map(|it| (text((*it.def).name).unwrap_or_default(), text(it.argument)))
                    .collect(),
                unique: if node.kind() == SchemaNodeKind::List {
                    unique(node, raw.cast())
                } else {
                    Vec::new()
                },
                refers: leaf.then(|| target(raw)).flatten(),
            }
        }
    }

    /// The argument of one of our marks; empty text for a mark without one.
    pub(crate) fn mark(&self, name: &str) -> Option<&str> {
        let found = self.marks.iter().find(|it| it.0 == name)?;
        Some(found.1.as_deref().unwrap_or_default())
    }
}

unsafe fn unique(node: &SchemaNode<'_>, list: *const ffi::lysc_node_list) -> Vec<Vec<String>> {
    let above = names(node) + "/";
    // SAFETY: `list` is a compiled list; its groups are sized arrays of pointers to compiled leaves.
    unsafe {
        let name = |leaf: &*mut ffi::lysc_node_leaf| {
            let full = path(leaf.cast_const().cast());
            full.strip_prefix(&above).map_or(full.clone(), str::to_owned)
        };
        sized((*list).uniques.cast_const())
            .iter()
            .map(|group| sized(group.cast_const()).iter().map(name).collect())
            .collect()
    }
}

unsafe fn target(leaf: *const ffi::lysc_node) -> Option<String> {
    // SAFETY: asks about a compiled leaf; the answer is null or another one.
    unsafe {
        let target = ffi::lysc_node_lref_target(leaf);
        (!target.is_null()).then(|| path(target))
    }
}

/// The path of names of a compiled node.
unsafe fn path(mut node: *const ffi::lysc_node) -> String {
    let mut steps = Vec::new();
    // SAFETY: parents of compiled nodes are null or compiled nodes.
    unsafe {
        while !node.is_null() {
            if !matches!(u32::from((*node).nodetype), ffi::LYS_CHOICE | ffi::LYS_CASE) {
                steps.extend(text((*node).name));
            }
            node = (*node).parent;
        }
    }
    steps.reverse();
    steps.join("/")
}

unsafe fn shape(raw: *const ffi::lysc_type) -> Shape {
    // SAFETY: `basetype` says which struct libyang compiled, and each cast follows it.
    unsafe {
        let base = (*raw).basetype;
        let integer = |name| Shape::Integer(name, numbers(raw, false));
        match kind(base) {
            Some(DataValueType::Bool) => Shape::Boolean,
            Some(DataValueType::Empty) => Shape::Empty,
            Some(DataValueType::Binary) => Shape::Binary(ranges((*raw.cast::<ffi::lysc_type_bin>()).length, true)),
            Some(DataValueType::Int8) => integer("int8"),
            Some(DataValueType::Int16) => integer("int16"),
            Some(DataValueType::Int32) => integer("int32"),
            Some(DataValueType::Int64) => integer("int64"),
            Some(DataValueType::Uint8) => Shape::Integer("uint8", numbers(raw, true)),
            Some(DataValueType::Uint16) => Shape::Integer("uint16", numbers(raw, true)),
            Some(DataValueType::Uint32) => Shape::Integer("uint32", numbers(raw, true)),
            Some(DataValueType::Uint64) => Shape::Integer("uint64", numbers(raw, true)),
            Some(DataValueType::Dec64) => {
                let decimal = raw.cast::<ffi::lysc_type_dec>();
                Shape::Decimal((*decimal).fraction_digits, ranges((*decimal).range, false))
            }
            Some(DataValueType::String) => string(raw.cast()),
            Some(DataValueType::Enum) => {
                let items = sized((*raw.cast::<ffi::lysc_type_enum>()).enums.cast_const());
                Shape::Enumeration(items.iter().filter_map(|it| text(it.name)).collect())
            }
            Some(DataValueType::Union) => {
                let members = sized((*raw.cast::<ffi::lysc_type_union>()).types.cast_const());
                Shape::Union(members.iter().map(|it| shape(*it)).collect())
            }
            Some(DataValueType::LeafRef) => shape((*raw.cast::<ffi::lysc_type_leafref>()).realtype),
            Some(
                DataValueType::Unknown | DataValueType::Bits | DataValueType::IdentityRef | DataValueType::InstanceId,
            )
            | None => Shape::Foreign(base),
        }
    }
}

fn kind(base: u32) -> Option<DataValueType> {
    use DataValueType as Is;
    let known = [
        Is::Binary,
        Is::Uint8,
        Is::Uint16,
        Is::Uint32,
        Is::Uint64,
        Is::String,
        Is::Bits,
        Is::Bool,
        Is::Dec64,
        Is::Empty,
        Is::Enum,
        Is::IdentityRef,
        Is::InstanceId,
        Is::LeafRef,
        Is::Union,
        Is::Int8,
        Is::Int16,
        Is::Int32,
        Is::Int64,
    ];
    known.into_iter().find(|it| *it as u32 == base)
}

unsafe fn string(raw: *const ffi::lysc_type_str) -> Shape {
    // SAFETY: a compiled string type, with sized arrays of pointers to patterns.
    unsafe {
        Shape::Text {
            typedef: text((*raw).name),
            lengths: ranges((*raw).length, true),
            patterns: sized((*raw).patterns.cast_const())
                .iter()
                .filter_map(|it| text((**it).expr as *const c_char))
                .collect(),
        }
    }
}

unsafe fn numbers(raw: *const ffi::lysc_type, unsigned: bool) -> Vec<(i128, i128)> {
    // SAFETY: the caller has seen that this is one of the integer types.
    unsafe { ranges((*raw.cast::<ffi::lysc_type_num>()).range, unsigned) }
}

unsafe fn ranges(range: *const ffi::lysc_range, unsigned: bool) -> Vec<(i128, i128)> {
    if range.is_null() {
        return Vec::new();
    }
    // SAFETY: a compiled range has a sized array of parts, signed or unsigned by the type it belongs to.
    unsafe {
        let part = |it: &ffi::lysc_range_lysc_range_part| {
            if unsigned {
                (
                    i128::from(it.__bindgen_anon_1.min_u64),
                    i128::from(it.__bindgen_anon_2.max_u64),
                )
            } else {
                (
                    i128::from(it.__bindgen_anon_1.min_64),
                    i128::from(it.__bindgen_anon_2.max_64),
                )
            }
        };
        sized((*range).parts.cast_const()).iter().map(part).collect()
    }
}
