//! Reading XML by the schema: namespaces count, prefixes do not; no entity beyond those of XML itself is expanded.

use super::build::{Build, End, shown};
use super::{Invalid, Limits, Places, Reading};
use crate::path::Path;
use crate::schema::{Kind, Module, Node, Schema};
use crate::tree::Value;
use crate::types::{JsonForm, Type};
use quick_xml::NsReader;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;
use std::collections::BTreeSet;

/// The namespace of NETCONF, whose `data` and `config` may stand around a configuration, and `rpc-reply` around these.
const NETCONF: &str = "urn:ietf:params:xml:ns:netconf:base:1.0";

pub(super) fn read(bytes: &[u8], schema: &Schema, limits: &Limits) -> Reading {
    match run(bytes, schema, limits) {
        Ok((build, ended)) => build.settle(ended),
        Err(invalid) => invalid.into(),
    }
}

/// Where entries begin.
pub(super) fn places(bytes: &[u8], schema: &Schema, limits: &Limits, paths: &BTreeSet<Path>) -> Places {
    run(bytes, schema, limits).map_or_else(|_| Places::new(), |it| it.0.places(paths))
}

/// Reads as far as it goes, and whether it ended early: why, is among the faults.
fn run<'s, 't>(bytes: &'t [u8], schema: &'s Schema, limits: &Limits) -> Result<(Build<'s, 't>, bool), Invalid> {
    let (build, text) = Build::new(bytes, schema, limits)?;
    let mut xml = NsReader::from_str(text);
    xml.config_mut().expand_empty_elements = true;
    let mut reader = Reader { xml, at: 0, build };
    let ended = reader.document().is_err();
    Ok((reader.build, ended))
}

/// What comes next.
enum Token<'s, 't> {
    Open(BytesStart<'t>, Space<'s>),
    Close,
    Text(String),
    End,
}

/// The namespace of an element.
#[derive(Clone, Copy)]
enum Space<'s> {
    Module(&'s Module),
    Netconf,
    Foreign,
}

/// An element whose members are read.
struct Level<'p, 's> {
    path: &'p Path,
    node: Option<&'s Node>,
    seen: Vec<&'s str>,
}

struct Reader<'s, 't> {
    xml: NsReader<&'t [u8]>,
    /// Where the last token begins, in bytes.
    at: usize,
    build: Build<'s, 't>,
}

impl<'s, 't> Reader<'s, 't> {
    /// Everything: top-level elements, or elements of NETCONF around them.
    fn document(&mut self) -> Result<(), End> {
        let root = Path::root();
        let mut level = Level {
            path: &root,
            node: None,
            seen: Vec::new(),
        };
        let mut around = Vec::new();
        loop {
            match self.next()? {
                Token::End if !around.is_empty() => return self.cut_off(),
                Token::End => return Ok(()),
                Token::Close => drop(around.pop()),
                Token::Text(text) => self.between(&root, &text),
                Token::Open(tag, Space::Netconf) if wraps(&around, tag.local_name().into_inner()) => {
                    around.push(tag.local_name().into_inner() == "rpc-reply");
                }
                Token::Open(tag, space) => self.member(&mut level, &tag, space)?,
            }
        }
    }

    /// What is inside the element of a node, up to its end tag.
    fn members(&mut self, path: &Path, node: &'s Node) -> Result<(), End> {
        let mut level = Level {
            path,
            node: Some(node),
            seen: Vec::new(),
        };
        loop {
            match self.next()? {
                Token::Close => return Ok(()),
                Token::Text(text) => self.between(path, &text),
                Token::Open(tag, space) => self.member(&mut level, &tag, space)?,
                Token::End => return self.cut_off(),
            }
        }
    }

    /// One element below a node or the root, up to its end tag.
    fn member(&mut self, level: &mut Level<'_, 's>, tag: &BytesStart<'t>, space: Space<'s>) -> Result<(), End> {
        self.build.go_on()?;
        let Some(node) = self.child(level.node, tag, space) else {
            self.build
                .unknown(level.path, level.node, tag.local_name().into_inner(), self.at);
            return self.skip();
        };
        let many = matches!(node.kind, Kind::List { .. } | Kind::LeafList(_));
        if !many && level.seen.contains(&node.name()) {
            self.build
                .fault(level.path, self.at, format!("{} twice", node.name()), "each node once");
            return self.skip();
        }
        if !many {
            level.seen.push(node.name());
        }
        self.attributes(level.path, tag)?;
        self.value(level.path, node)
    }

    fn child(&self, parent: Option<&'s Node>, tag: &BytesStart<'t>, space: Space<'s>) -> Option<&'s Node> {
        let schema = self.build.schema;
        let child = schema.child(parent, tag.local_name().into_inner())?;
        match space {
            Space::Module(module) => (schema.module(child) == module).then_some(child),
            Space::Netconf | Space::Foreign => None,
        }
    }

    fn value(&mut self, parent: &Path, node: &'s Node) -> Result<(), End> {
        let at = self.at;
        match &node.kind {
            Kind::Container => self.members(&parent.joined(node.name()), node),
            Kind::Presence => {
                let path = parent.joined(node.name());
                self.build.entry(path.clone(), Value::Present, at)?;
                self.members(&path, node)
            }
            Kind::List { .. } => self.list_entry(parent, node),
            Kind::Leaf(of) => {
                let path = parent.joined(node.name());
                let Some(text) = self.scalar(&path, node, of)? else {
                    return Ok(());
                };
                if node.key {
                    self.build
                        .fault(&path, at, "a key again", "each key once, before all else");
                    return Ok(());
                }
                let present = of.json_form("") == JsonForm::Null && text.is_empty();
                self.build
                    .entry(path, if present { Value::Present } else { Value::scalar(text) }, at)
            }
            Kind::LeafList(of) => {
                let text = self.scalar(&parent.joined(node.name()), node, of)?;
                match text.and_then(|it| self.build.instance(parent, node, &[it], at)) {
                    Some(path) => self.build.entry(path, Value::Present, at),
                    None => Ok(()),
                }
            }
        }
    }

    /// An entry of a list: its keys in order, then the rest.
    fn list_entry(&mut self, parent: &Path, node: &'s Node) -> Result<(), End> {
        let (at, place) = (self.at, parent.joined(node.name()));
        let (mut keys, mut wrong) = (Vec::new(), false);
        while keys.len() < node.keys().len() {
            match self.next()? {
                Token::Text(text) => self.between(&place, &text),
                Token::Open(tag, space) => {
                    let expected = &*node.keys()[keys.len()];
                    let key = self.child(Some(node), &tag, space).filter(|it| it.name() == expected);
                    let Some(of) = key.and_then(|it| it.value_type().map(|of| (it, of))) else {
                        self.without(&place, node, keys.len(), at);
                        self.skip()?;
                        return self.skip();
                    };
                    let text = self.scalar(&place.joined(expected), of.0, of.1)?;
                    wrong |= text.is_none();
                    keys.push(text.unwrap_or_default());
                }
                Token::Close => {
                    self.without(&place, node, keys.len(), at);
                    return Ok(());
                }
                Token::End => return self.cut_off(),
            }
        }
        let path = if wrong {
            None
        } else {
            self.build.instance(parent, node, &keys, at)
        };
        let Some(path) = path else { return self.skip() };
        self.build.entry(path.clone(), Value::Present, at)?;
        self.members(&path, node)
    }

    fn without(&mut self, place: &Path, node: &Node, key: usize, at: usize) {
        let found = format!("an entry that does not begin with {}", node.keys()[key]);
        self.build.fault(
            place,
            at,
            found,
            format!("the keys {} first, in this order", node.keys().join(", ")),
        );
    }

    /// The text of a leaf, canonical, up to its end tag; none and a fault if it is no value.
    fn scalar(&mut self, path: &Path, node: &Node, of: &Type) -> Result<Option<String>, End> {
        let (at, mut text) = (self.at, String::new());
        loop {
            match self.next()? {
                Token::Close => break,
                Token::Text(more) => text.push_str(&more),
                Token::Open(..) => {
                    self.build.fault(path, at, "an element", of.to_string());
                    self.skip()?;
                    self.skip()?;
                    return Ok(None);
                }
                Token::End => return self.cut_off(),
            }
        }
        let kept = matches!(of, Type::Text { .. } | Type::Union(_));
        Ok(self
            .build
            .canonical(path, node, if kept { &text } else { text.trim() }, at))
    }

    /// Steps over the rest of an element, its end tag included.
    fn skip(&mut self) -> Result<(), End> {
        let mut depth = 1;
        while depth > 0 {
            match self.next()? {
                Token::Open(..) if depth >= self.build.limits.depth => {
                    let limit = super::deeper_than(self.build.limits.depth);
                    return self.end("an element", &limit);
                }
                Token::Open(..) => depth += 1,
                Token::Close => depth -= 1,
                Token::Text(_) => {}
                Token::End => return self.cut_off(),
            }
        }
        Ok(())
    }

    /// Attributes say what to do with an element, which is no configuration.
    fn attributes(&mut self, path: &Path, tag: &BytesStart<'t>) -> Result<(), End> {
        for attribute in tag.attributes() {
            match attribute {
                Ok(it) if it.key.as_namespace_binding().is_some() => {}
                Ok(it) => {
                    let found = format!("the attribute {}", shown(it.key.into_inner()));
                    self.build.fault(path, self.at, found, "no attributes");
                }
                Err(error) => return self.end(&error.to_string(), "attributes of XML"),
            }
        }
        Ok(())
    }

    /// Text where elements belong.
    fn between(&mut self, path: &Path, text: &str) {
        if !text.chars().all(char::is_whitespace) {
            self.build
                .fault(path, self.at, format!("the text {}", shown(text.trim())), "elements");
        }
    }

    /// The next token that means something.
    fn next(&mut self) -> Result<Token<'s, 't>, End> {
        loop {
            self.at = usize::try_from(self.xml.buffer_position()).unwrap_or(usize::MAX);
            let schema = self.build.schema;
            let (space, event) = match self.xml.read_resolved_event() {
                Ok((space, event)) => (space_of(schema, &space), event),
                Err(error) => return self.end(&error.to_string(), "XML"),
            };
            match event {
                Event::Start(tag) | Event::Empty(tag) => return Ok(Token::Open(tag, space)),
                Event::End(_) => return Ok(Token::Close),
                Event::Text(text) => return Ok(Token::Text(text.xml10_content().into_owned())),
                Event::CData(text) => return Ok(Token::Text(text.xml10_content().into_owned())),
                Event::GeneralRef(name) => {
                    let known = match name.resolve_char_ref() {
                        Ok(Some(it)) => Some(it.to_string()),
                        Ok(None) => quick_xml::escape::resolve_predefined_entity(&name).map(str::to_owned),
                        Err(_) => None,
                    };
                    match known {
                        Some(text) => return Ok(Token::Text(text)),
                        None => return self.end(&format!("the entity {}", shown(&name)), "one of the five of XML"),
                    }
                }
                Event::DocType(_) => return self.end("a document type", "none"),
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
                Event::Eof => return Ok(Token::End),
            }
        }
    }

    fn cut_off<T>(&mut self) -> Result<T, End> {
        self.end("a text that ends inside an element", "its end tag")
    }

    /// Notes a fault after which nothing more can be read.
    fn end<T>(&mut self, found: &str, expected: &str) -> Result<T, End> {
        self.build.fault("", self.at, found, expected);
        Err(End)
    }
}

/// True for an element of NETCONF that stands around a configuration; of those that are open it is known whether each is a
/// whole reply.
fn wraps(around: &[bool], name: &str) -> bool {
    match name {
        "rpc-reply" => around.is_empty(),
        "data" | "config" => !around.contains(&false),
        _ => false,
    }
}

fn space_of<'s>(schema: &'s Schema, space: &ResolveResult<'_>) -> Space<'s> {
    match space {
        ResolveResult::Bound(it) if it.into_inner() == NETCONF => Space::Netconf,
        ResolveResult::Bound(it) => {
            let module = schema
                .modules()
                .iter()
                .find(|module| *module.namespace == *it.into_inner());
            module.map_or(Space::Foreign, Space::Module)
        }
        ResolveResult::Unbound | ResolveResult::Unknown(_) => Space::Foreign,
    }
}
