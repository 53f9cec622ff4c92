//! What a change of a class stirs meanwhile, so that the health gate takes it for no failure.

use knowledge_model::document::{Faults, Fields};

/// What may happen to the sessions that a change touches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stirs {
    /// They go down and come back.
    pub reset: bool,
    /// They exchange nothing any more, or end.
    pub drain: bool,
}

/// Reads `stirs` of a class.
pub(crate) fn read(fields: &Fields<'_>, faults: &Faults) -> Stirs {
    let mut stirs = Stirs::default();
    let words = fields.optional("stirs").and_then(|it| it.list(faults));
    for node in words.unwrap_or_default() {
        match node.text(faults).as_deref() {
            Some("reset") => stirs.reset = true,
            Some("drain") => stirs.drain = true,
            Some(other) => faults.add(
                node.at,
                format!("{other:?} is nothing that is stirred"),
                "reset or drain",
            ),
            None => {}
        }
    }
    stirs
}
