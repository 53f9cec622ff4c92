//! A device's own modules, fetched from it once and kept on disk, and an edit held to them before it is sent.
//!
//! Only the modules that an edit speaks of are fetched, with what they import. What a device does not give is said in
//! the receipt: nothing is held to it then but the device's own judgement.

use crate::conversation::{Conversation, now};
use crate::rpc::{Features, Filter, Operation, WithDefaults};
use adapters_port::{Deadline, SessionError};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How many modules one edit may need.
const MODULES: usize = 200;
/// The longest module.
const LONGEST: usize = 4 << 20;
const LIBRARY: &str = "urn:ietf:params:xml:ns:yang:ietf-yang-library";
const MONITORING: &str = "urn:ietf:params:xml:ns:yang:ietf-netconf-monitoring";

/// A module with its revision, where it has one.
pub type Module = (String, Option<String>);

/// Who checks an edit against modules.
pub trait Judge: Send + Sync {
    /// Checks that the elements of an edit are what the modules in this folder allow there; says what is wrong.
    ///
    /// # Errors
    /// What is wrong with the edit. Modules that cannot be used say nothing about an edit: `Ok(false)`.
    fn judge(&self, folder: &Path, modules: &[Module], edit: &str) -> Result<bool, String>;
}

/// The modules of devices on disk, and who checks edits against them.
pub struct Schemas {
    folder: PathBuf,
    judge: Arc<dyn Judge>,
}

impl Schemas {
    /// Modules are kept in this folder, one below it for each set that a device announces.
    pub fn new(folder: PathBuf, judge: Arc<dyn Judge>) -> Self {
        Self { folder, judge }
    }

    /// Holds an edit to the device's own modules. Nothing is sent but questions.
    pub(crate) async fn hold(&self, talk: &mut Conversation, edit: &str, by: Deadline) -> Result<(), SessionError> {
        let features = talk.exchange.features();
        // A hello that names no modules at all says nothing about these either: the library is asked.
        if !features.mentions(MONITORING) && of_hello(features).by_space.len() > 1 {
            return Ok(());
        }
        let known = announced(talk, by).await?;
        let folder = self.folder.join(set_name(&known));
        let spaces = namespaces(edit);
        let roots: Vec<Module> = spaces
            .iter()
            .filter_map(|space| known.by_space.get(space).cloned())
            .collect();
        if roots.len() < spaces.len() || roots.is_empty() {
            talk.remark("not every module of the change is announced: only the device judges it");
            return Ok(());
        }
        let Some(fetched) = fetch(talk, &folder, &known, &roots, by).await? else {
            talk.remark("the device does not give all of its modules: only the device judges the change");
            return Ok(());
        };
        let (judge, text) = (Arc::clone(&self.judge), edit.to_owned());
        tracing::debug!(modules = fetched, "holding the change to the device's own modules");
        let judging = tokio::task::spawn_blocking(move || judge.judge(&folder, &roots, &text));
        // Half of the time that is left: the device itself is yet to be asked.
        let end = tokio::time::Instant::now() + by.remaining(now()) / 2;
        let Ok(judged) = tokio::time::timeout_at(end, judging).await else {
            talk.remark("the device's modules were not read in time: only the device judges the change");
            return Ok(());
        };
        match judged {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) | Err(_) => {
                talk.remark("the device's modules are of no use: only the device judges the change");
                Ok(())
            }
            // A judge quotes the value that it does not like, which may be a secret.
            Ok(Err(words)) => Err(talk.refused(format!("its own modules refuse this: {words}"))),
        }
    }
}

/// What a device has, by namespace and by name.
#[derive(Default)]
struct Known {
    by_space: BTreeMap<String, Module>,
    revisions: BTreeMap<String, Option<String>>,
}

impl Known {
    fn note(&mut self, space: &str, name: &str, revision: Option<&str>) {
        let usable = |it: &str| !it.is_empty() && it.chars().all(|it| it.is_ascii_alphanumeric() || "._-".contains(it));
        if !usable(name) || revision.is_some_and(|it| !usable(it)) {
            return;
        }
        let revision = revision.map(str::to_owned);
        self.by_space
            .insert(space.to_owned(), (name.to_owned(), revision.clone()));
        self.revisions.insert(name.to_owned(), revision);
    }
}

/// The modules of the hello or, where it names none, of the YANG library.
async fn announced(talk: &mut Conversation, by: Deadline) -> Result<Known, SessionError> {
    let known = of_hello(talk.exchange.features());
    if known.by_space.len() > 1 {
        return Ok(known);
    }
    let filter = Filter::Subtree(format!("<modules-state xmlns=\"{LIBRARY}\"/>"));
    let reply = talk
        .ask(Operation::read_state(&filter, WithDefaults::Unsaid), by)
        .await?;
    let mut known = known;
    let modules = reply.data().and_then(|it| it.child_in(LIBRARY, "modules-state"));
    for module in modules.map(|it| it.children.as_slice()).unwrap_or_default() {
        let text = |name: &str| module.child_text(name);
        if let (true, Some(name), Some(space)) = (&*module.name == "module", text("name"), text("namespace")) {
            known.note(space, name, text("revision").filter(|it| !it.is_empty()));
        }
    }
    Ok(known)
}

fn of_hello(features: &Features) -> Known {
    let mut known = Known::default();
    for uri in features.announced() {
        let Some((space, query)) = uri.split_once('?') else {
            continue;
        };
        let part = |name: &str| query.split('&').find_map(|it| it.strip_prefix(name)?.strip_prefix('='));
        if let Some(name) = part("module") {
            known.note(space, name, part("revision"));
        }
    }
    known
}

/// One folder for each set of modules: devices of one kind and version share it.
fn set_name(known: &Known) -> String {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for (name, revision) in &known.revisions {
        for byte in name.bytes().chain([0]).chain(revision.iter().flat_map(|it| it.bytes())) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    format!("set-{hash:016x}")
}

/// The namespaces that an edit speaks of, its own protocol's left out.
fn namespaces(edit: &str) -> BTreeSet<String> {
    let mut spaces = BTreeSet::new();
    for (at, _) in edit.match_indices("xmlns") {
        let rest = &edit[at..];
        let value = rest.find('=').and_then(|it| {
            let quote = rest[it + 1..].chars().next().filter(|it| *it == '"' || *it == '\'')?;
            rest[it + 2..].split(quote).next()
        });
        spaces.extend(value.filter(|it| *it != crate::xml::BASE).map(str::to_owned));
    }
    spaces
}

/// Fetches modules and what they import, those that are not on disk yet. How many there are; none where one is missing.
async fn fetch(
    talk: &mut Conversation,
    folder: &Path,
    known: &Known,
    roots: &[Module],
    by: Deadline,
) -> Result<Option<usize>, SessionError> {
    let mut wanted: VecDeque<Module> = roots.iter().cloned().collect();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    while let Some((name, revision)) = wanted.pop_front() {
        if !seen.insert(name.clone()) {
            continue;
        }
        if seen.len() > MODULES {
            return Ok(None);
        }
        let Some(text) = module(talk, folder, &name, revision.as_deref(), by).await? else {
            return Ok(None);
        };
        for needed in needs(&text) {
            let revision = known.revisions.get(&needed).cloned().flatten();
            wanted.push_back((needed, revision));
        }
    }
    Ok(Some(seen.len()))
}

/// One module from disk or, once, from the device.
async fn module(
    talk: &mut Conversation,
    folder: &Path,
    name: &str,
    revision: Option<&str>,
    by: Deadline,
) -> Result<Option<String>, SessionError> {
    let file = folder.join(match revision {
        Some(revision) => format!("{name}@{revision}.yang"),
        None => format!("{name}.yang"),
    });
    if let Ok(text) = std::fs::read_to_string(&file) {
        return Ok(Some(text));
    }
    let reply = talk.ask(Operation::schema(name, revision), by).await?;
    let data = reply.element.child_in(MONITORING, "data").filter(|_| reply.is_ok());
    let text = data.map(|it| it.text.trim().to_owned());
    let Some(text) = text.filter(|it| !it.is_empty() && it.len() <= LONGEST) else {
        return Ok(None);
    };
    if let Err(error) = keep(folder, &file, &text) {
        talk.remark(format!("the module {name} was not kept on disk: {error}"));
        return Ok(None);
    }
    Ok(Some(text))
}

/// Whole or not at all: two sessions may fetch the same module.
fn keep(folder: &Path, file: &Path, text: &str) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let next = folder.join(format!(".{}-{:?}", std::process::id(), std::thread::current().id()));
    std::fs::write(&next, text)?;
    std::fs::rename(next, file)
}

/// The names behind `import` and `include`.
fn needs(text: &str) -> Vec<String> {
    let mut needed = Vec::new();
    for line in text.lines().map(str::trim_start) {
        let rest = line.strip_prefix("import ").or_else(|| line.strip_prefix("include "));
        let name = rest.map(|it| it.trim_start().split([' ', ';', '{', '\t']).next().unwrap_or_default());
        let name = name.map(|it| it.trim_matches(['"', '\'']));
        let usable =
            |it: &&str| !it.is_empty() && it.chars().all(|it| it.is_ascii_alphanumeric() || "._-".contains(it));
        needed.extend(name.filter(usable).map(str::to_owned));
    }
    needed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_edit_speaks_of_and_what_a_module_needs() {
        let edit = "<a xmlns=\"u:a\" xmlns:t='u:t'><b xmlns:nc=\"urn:ietf:params:xml:ns:netconf:base:1.0\"/></a>";
        assert_eq!(namespaces(edit).into_iter().collect::<Vec<_>>(), ["u:a", "u:t"]);
        let text = "module x {\n  import ietf-yang-types {\n    prefix yang;\n  }\n  include \"x-part\";\n  import y { prefix y; }\n}";
        assert_eq!(needs(text), ["ietf-yang-types", "x-part", "y"]);
    }

    #[test]
    fn a_name_that_leads_out_of_the_folder_is_none() {
        let features = Features::new(["u:a?module=../../etc/passwd&revision=2020-01-01".to_owned()]);
        assert!(of_hello(&features).by_space.is_empty());
    }
}
