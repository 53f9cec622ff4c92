//! Which names a fault hides: what refers to one of them may be right all the same.

use crate::document::{Content, Fields, Node, nearest};

/// Kinds of names of which some cannot be told.
#[derive(Default)]
pub(super) struct Hidden {
    pub(super) nodes: bool,
    pub(super) groups: bool,
    pub(super) sites: bool,
}

/// The name of a device or host whose field for it goes by a wrong name.
pub(super) fn misspelt(fields: &Fields<'_>) -> Option<String> {
    match &fields.alike("name")?.value {
        Content::Text(name) => Some(name.clone()),
        Content::Null
        | Content::Bool(_)
        | Content::Integer(_)
        | Content::Float(_)
        | Content::List(_)
        | Content::Map(_) => None,
    }
}

/// Which names cannot be told: those in a field that goes by a wrong name, or holds another kind of value.
pub(super) fn hidden(document: &Node) -> Hidden {
    const KNOWN: [&str; 7] = ["version", "devices", "hosts", "sites", "groups", "prefixes", "links"];
    let Content::Map(entries) = &document.value else {
        return Hidden::default();
    };
    let lost = |name: &str| {
        let meant = |key: &str| !KNOWN.contains(&key) && nearest(key, KNOWN.into_iter()) == Some(name);
        entries
            .iter()
            .any(|(key, node)| meant(key) || (key == name && is_unfit(name, &node.value)))
    };
    Hidden {
        nodes: lost("devices") || lost("hosts"),
        groups: lost("groups"),
        sites: lost("sites"),
    }
}

/// True for a kind of value that the field never has.
fn is_unfit(field: &str, value: &Content) -> bool {
    match value {
        Content::Null => false,
        Content::List(_) => matches!(field, "sites" | "groups"),
        Content::Map(_) => matches!(field, "devices" | "hosts"),
        Content::Bool(_) | Content::Integer(_) | Content::Float(_) | Content::Text(_) => true,
    }
}
