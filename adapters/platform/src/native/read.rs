//! Replies become canonical entries: namespace-aware, with limits, and without entities of the sender's own.

use super::{Name, Native, NativeError, NativeRule, NodeStep, Place};
use crate::net::{self, Piece};
use crate::slot::Bindings;
use knowledge_model::{Tree, Value};
use quick_xml::NsReader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;

/// The largest reply that is read.
const LENGTH: usize = 64 * 1024 * 1024;
/// The deepest one.
const DEPTH: usize = 64;

/// An element as it came.
#[derive(Debug, Default)]
struct Incoming {
    namespace: String,
    local: String,
    text: String,
    children: Vec<Incoming>,
}

/// Reads a reply.
pub(super) fn read(native: &Native, xml: &str) -> Result<Tree, NativeError> {
    let mut root = parse(xml)?;
    while let [only] = root.children.as_mut_slice()
        && matches!(only.local.as_str(), "data" | "rpc-reply" | "config")
    {
        root = std::mem::take(only);
    }
    let mut tree = Tree::new();
    for rule in &native.rules {
        let walk = Walk { native, rule };
        walk.descend(&root, &rule.node, &Gathered::default(), &mut tree);
    }
    Ok(tree)
}

fn parse(xml: &str) -> Result<Incoming, NativeError> {
    if xml.len() > LENGTH {
        return Err(NativeError::Limit {
            what: "bytes",
            limit: LENGTH,
        });
    }
    let mut reader = NsReader::from_str(xml);
    let mut open = vec![Incoming::default()];
    loop {
        let event = match reader.read_event() {
            Ok(it) => it,
            Err(source) => {
                let at = reader.error_position();
                return Err(NativeError::Malformed { at, source });
            }
        };
        match event {
            Event::Start(start) => {
                if open.len() > DEPTH {
                    return Err(NativeError::Limit {
                        what: "levels",
                        limit: DEPTH,
                    });
                }
                open.push(element(&reader, &start));
            }
            Event::Empty(start) => {
                open.push(element(&reader, &start));
                close(&mut open);
            }
            Event::End(_) => close(&mut open),
            Event::Text(text) => say(&mut open, &text.xml10_content()),
            Event::CData(text) => say(&mut open, &text.xml10_content()),
            Event::GeneralRef(name) => {
                let numbered = name.resolve_char_ref().ok().flatten().map(String::from);
                let named = resolve_xml_entity(&name.xml10_content()).map(str::to_owned);
                say(&mut open, &numbered.or(named).unwrap_or_default());
            }
            Event::Eof => break,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
    while open.len() > 1 {
        close(&mut open);
    }
    Ok(open.pop().unwrap_or_default())
}

fn say(open: &mut [Incoming], text: &str) {
    if let Some(around) = open.last_mut() {
        around.text.push_str(text);
    }
}

fn element(reader: &NsReader<&[u8]>, start: &BytesStart<'_>) -> Incoming {
    let (namespace, local) = reader.resolver().resolve_element(start.name());
    Incoming {
        namespace: match namespace {
            ResolveResult::Bound(it) => it.0.to_owned(),
            ResolveResult::Unbound | ResolveResult::Unknown(_) => String::new(),
        },
        local: local.as_ref().to_owned(),
        ..Incoming::default()
    }
}

fn close(open: &mut Vec<Incoming>) {
    if open.len() > 1
        && let (Some(done), Some(around)) = (open.pop(), open.last_mut())
    {
        around.children.push(done);
    }
}

/// What was read of the slots on the way down.
#[derive(Debug, Clone, Default)]
struct Gathered {
    bindings: Bindings,
    pieces: Vec<(String, Piece, String)>,
}

/// One rule on its way through a reply.
struct Walk<'a> {
    native: &'a Native,
    rule: &'a NativeRule,
}

impl Walk<'_> {
    fn descend(&self, around: &Incoming, steps: &[NodeStep], gathered: &Gathered, tree: &mut Tree) {
        let Some((step, rest)) = steps.split_first() else {
            self.finish(around, gathered.clone(), tree);
            return;
        };
        for child in around.children.iter().filter(|it| self.is(it, &step.name)) {
            let mut inner = gathered.clone();
            let fits = step
                .keys
                .iter()
                .all(|(name, place)| self.take(child, name, place, &mut inner).is_some());
            if fits {
                self.descend(child, rest, &inner, tree);
            }
        }
    }

    fn is(&self, element: &Incoming, name: &Name) -> bool {
        element.local == name.local && self.native.namespaces.get(&name.prefix) == Some(&element.namespace)
    }

    /// Reads a leaf of an element into the slot that it fills.
    fn take(&self, element: &Incoming, name: &Name, place: &Place, gathered: &mut Gathered) -> Option<()> {
        let leaf = element.children.iter().find(|it| self.is(it, name))?;
        let text = leaf.text.trim();
        match place {
            Place::Literal(wanted) => {
                let local = |it: &str| it.rsplit(':').next().unwrap_or_default().to_owned();
                (local(text) == local(wanted)).then_some(())
            }
            Place::Slot(slot, None) => {
                let forms: Vec<_> = self.rule.path.slots().collect();
                let (_, form) = forms.into_iter().find(|(name, _)| name == slot)?;
                gathered.bindings.bind(slot, form.read(text)?)
            }
            Place::Slot(slot, Some(piece)) => {
                gathered.pieces.push((slot.clone(), *piece, text.to_owned()));
                Some(())
            }
        }
    }

    fn finish(&self, element: &Incoming, mut gathered: Gathered, tree: &mut Tree) {
        for (name, place) in &self.rule.leaves {
            if self.take(element, name, place, &mut gathered).is_none() {
                return;
            }
        }
        let forms: Vec<_> = self.rule.path.slots().collect();
        for (slot, form) in forms {
            let pieces: Vec<(Piece, &str)> = gathered
                .pieces
                .iter()
                .filter(|(name, ..)| name == slot)
                .map(|(_, piece, text)| (*piece, text.as_str()))
                .collect();
            if !pieces.is_empty() {
                let Some(value) = net::join(&pieces).and_then(|it| form.read(&it)) else {
                    return;
                };
                if gathered.bindings.bind(slot, value).is_none() {
                    return;
                }
            }
        }
        let Some(path) = self.rule.path.path(&gathered.bindings) else {
            return;
        };
        let text = element.text.trim();
        match (&self.rule.value, &self.rule.fixed) {
            (Some(form), _) => {
                if let Some(value) = form.read(text).filter(|it| self.rule.default.as_ref() != Some(it)) {
                    tree.plant(path, Value::scalar(value));
                }
            }
            (None, Some(fixed)) if fixed != text => {}
            (None, _) => tree.plant(path, Value::Present),
        }
    }
}
