//! A platform file becomes a platform, or every fault in it is named with line and column.

mod rules;
mod session;

use crate::platform::{Facts, Keeper, Platform, Syntax, Verified};
use knowledge_model::document::{self, Fault, Faults, Fields, Node};

/// Reads a platform file.
pub(crate) fn load(text: &str) -> Result<Platform, Vec<Fault>> {
    let (document, faults) = document::open(text)?;
    let platform = document.fields(&faults).and_then(|fields| read(fields, &faults));
    faults.settle(platform)
}

fn read(fields: Fields<'_>, faults: &Faults) -> Option<Platform> {
    let name = fields.required("platform").and_then(|it| it.text(faults));
    let title = text(&fields, "title", faults);
    let versions = texts(fields.optional("versions"), faults);
    let verified = fields.required("verified").and_then(|it| read_verified(it, faults));
    let facts = fields.required("guarantee").and_then(|it| read_facts(it, faults));
    let session = fields.optional("session").and_then(|it| session::read(it, faults));
    let (syntax, rules) = match fields.optional("config") {
        Some(config) => rules::read(config, faults)?,
        None => (Syntax::default(), Vec::new()),
    };
    let native = fields
        .optional("native")
        .and_then(|it| crate::native::load::read(it, faults));
    let state = fields
        .optional("state")
        .and_then(|it| crate::state::load::read(it, native.as_ref(), faults));
    fields.end();
    Some(Platform::build(Platform {
        name: name?,
        title,
        versions,
        verified: verified?,
        facts: facts?,
        session,
        syntax,
        rules,
        native,
        state: state.unwrap_or_default(),
        readers: Vec::new(),
    }))
}

fn read_verified(node: &Node, faults: &Faults) -> Option<Verified> {
    match node.text(faults)?.as_str() {
        "real" => Some(Verified::Real),
        "simulated" => Some(Verified::Simulated),
        other => {
            faults.add(
                node.at,
                format!("{other} is no way to be verified"),
                "real or simulated",
            );
            None
        }
    }
}

fn read_facts(node: &Node, faults: &Faults) -> Option<Facts> {
    let fields = node.fields(faults)?;
    let whole = fields.required("whole").and_then(|it| it.truth(faults));
    let keeper = fields.required("taken-back-by").and_then(|it| {
        let text = it.text(faults)?;
        let keeper = match text.as_str() {
            "device" => Some(Keeper::Device),
            "session" => Some(Keeper::Session),
            "agent" => Some(Keeper::Agent),
            _ => None,
        };
        if keeper.is_none() {
            faults.add(it.at, format!("{text} takes nothing back"), "device, session or agent");
        }
        keeper
    });
    fields.end();
    Some(Facts {
        whole: whole?,
        keeper: keeper?,
    })
}

/// The text of a field; empty where it is absent.
pub(crate) fn text(fields: &Fields<'_>, name: &'static str, faults: &Faults) -> String {
    fields.optional(name).and_then(|it| it.text(faults)).unwrap_or_default()
}

/// The truth of a field; false where it is absent.
pub(crate) fn flag(fields: &Fields<'_>, name: &'static str, faults: &Faults) -> bool {
    fields.optional(name).and_then(|it| it.truth(faults)).unwrap_or(false)
}

/// The texts of a list; one text stands for a list of one.
pub(crate) fn texts(node: Option<&Node>, faults: &Faults) -> Vec<String> {
    let Some(node) = node else { return Vec::new() };
    if let document::Content::List(items) = &node.value {
        return items.iter().filter_map(|it| it.text(faults)).collect();
    }
    node.text(faults).into_iter().collect()
}
