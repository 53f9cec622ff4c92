//! An element with its namespace, attributes, text and children, read from text.

use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::name::ResolveResult;
use quick_xml::reader::NsReader;
use std::sync::Arc;

const DEPTH: usize = 128;
const ATTRIBUTES: usize = 64;
const BINDINGS: usize = 256;
const ELEMENTS: usize = 2_000_000;

/// One element. Prefixes are gone: a name counts with its namespace alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element {
    /// The namespace, empty where there is none.
    pub space: Arc<str>,
    /// The local name.
    pub name: Box<str>,
    /// The attributes, without namespace declarations.
    pub attributes: Vec<Attribute>,
    /// All text directly inside, in one piece.
    pub text: String,
    /// The elements inside, in order.
    pub children: Vec<Element>,
}

/// One attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// The namespace, empty where there is none.
    pub space: Arc<str>,
    /// The local name.
    pub name: Box<str>,
    /// The value.
    pub value: Box<str>,
}

/// Why a text is no document that we read.
#[derive(Debug, thiserror::Error)]
pub enum XmlError {
    /// Not well-formed.
    #[error("the document is not well-formed at byte {at}")]
    Syntax {
        /// Where.
        at: u64,
        /// Why.
        source: Box<quick_xml::Error>,
    },
    /// A prefix that nobody declared.
    #[error("the prefix {prefix} is not declared")]
    Prefix {
        /// Which.
        prefix: String,
    },
    /// A document type, which could define entities.
    #[error("the document has a document type, which is not read")]
    DocumentType,
    /// An entity that is none of the five.
    #[error("the entity {name} is not known, and none is expanded")]
    Entity {
        /// Which.
        name: String,
    },
    /// More of something than is read.
    #[error("the document has more than {limit} {what}")]
    Limit {
        /// Of what.
        what: &'static str,
        /// How many are read.
        limit: usize,
    },
    /// Nothing, or more than one root.
    #[error("the document does not have exactly one root element")]
    Root,
}

impl Element {
    /// Reads a document.
    pub fn parse(text: &str) -> Result<Self, XmlError> {
        Parser {
            reader: reader(text),
            open: Vec::new(),
            root: None,
            elements: 0,
            last_space: Arc::from(""),
        }
        .run()
    }

    /// Is it this one?
    pub fn is(&self, space: &str, name: &str) -> bool {
        &*self.name == name && &*self.space == space
    }

    /// The first child of this name, in the same namespace as this element.
    pub fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|it| it.is(&self.space, name))
    }

    /// The first child of this name in a namespace.
    pub fn child_in(&self, space: &str, name: &str) -> Option<&Element> {
        self.children.iter().find(|it| it.is(space, name))
    }

    /// The text of the first child of this name, trimmed.
    pub fn child_text(&self, name: &str) -> Option<&str> {
        self.child(name).map(|it| it.text.trim())
    }

    /// An attribute without a namespace.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|it| it.space.is_empty() && &*it.name == name)
            .map(|it| &*it.value)
    }
}

fn reader(text: &str) -> NsReader<&[u8]> {
    let mut reader = NsReader::from_str(text);
    reader.config_mut().expand_empty_elements = false;
    reader.resolver_mut().set_max_namespace_bindings(BINDINGS);
    reader
}

struct Parser<'t> {
    reader: NsReader<&'t [u8]>,
    open: Vec<Element>,
    root: Option<Element>,
    elements: usize,
    last_space: Arc<str>,
}

impl Parser<'_> {
    fn run(mut self) -> Result<Element, XmlError> {
        loop {
            let at = self.reader.buffer_position();
            let event = self.reader.read_event().map_err(|source| syntax(at, source))?;
            match event {
                Event::Start(start) => {
                    let element = self.element(&start)?;
                    if self.open.len() == DEPTH {
                        return Err(XmlError::Limit {
                            what: "levels",
                            limit: DEPTH,
                        });
                    }
                    self.open.push(element);
                }
                Event::Empty(start) => {
                    let element = self.element(&start)?;
                    self.close(element)?;
                }
                Event::End(_) => {
                    let element = self.open.pop().ok_or(XmlError::Root)?;
                    self.close(element)?;
                }
                Event::Text(text) => self.text(&text.xml10_content())?,
                Event::CData(text) => self.text(&text.xml10_content())?,
                Event::GeneralRef(reference) => self.reference(&reference, at)?,
                Event::DocType(_) => return Err(XmlError::DocumentType),
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
                Event::Eof => break,
            }
        }
        if self.open.is_empty() {
            self.root.ok_or(XmlError::Root)
        } else {
            Err(XmlError::Root)
        }
    }

    fn element(&mut self, start: &BytesStart<'_>) -> Result<Element, XmlError> {
        self.elements += 1;
        if self.elements > ELEMENTS {
            return Err(XmlError::Limit {
                what: "elements",
                limit: ELEMENTS,
            });
        }
        let (space, name) = self.reader.resolver().resolve_element(start.name());
        let space = intern(&mut self.last_space, &space)?;
        let attributes = self.attributes(start)?;
        Ok(Element {
            space,
            name: name.as_ref().into(),
            attributes,
            text: String::new(),
            children: Vec::new(),
        })
    }

    fn attributes(&mut self, start: &BytesStart<'_>) -> Result<Vec<Attribute>, XmlError> {
        let at = self.reader.buffer_position();
        let mut attributes = Vec::new();
        for (count, attribute) in start.attributes().enumerate() {
            if count == ATTRIBUTES {
                return Err(XmlError::Limit {
                    what: "attributes on one element",
                    limit: ATTRIBUTES,
                });
            }
            let attribute = attribute.map_err(|it| syntax(at, it.into()))?;
            if attribute.key.as_namespace_binding().is_some() {
                continue;
            }
            let value = attribute
                .normalized_value(quick_xml::XmlVersion::Explicit1_0)
                .map_err(|it| syntax(at, it))?;
            let (space, name) = self.reader.resolver().resolve_attribute(attribute.key);
            let space = intern(&mut self.last_space, &space)?;
            attributes.push(Attribute {
                space,
                name: name.as_ref().into(),
                value: value.into(),
            });
        }
        Ok(attributes)
    }

    fn close(&mut self, element: Element) -> Result<(), XmlError> {
        match self.open.last_mut() {
            Some(parent) => parent.children.push(element),
            None if self.root.is_none() => self.root = Some(element),
            None => return Err(XmlError::Root),
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), XmlError> {
        match self.open.last_mut() {
            Some(element) => element.text.push_str(text),
            None if text.chars().all(|it| it.is_ascii_whitespace() || it == '\u{feff}') => {}
            None => return Err(XmlError::Root),
        }
        Ok(())
    }

    fn reference(&mut self, reference: &BytesRef<'_>, at: u64) -> Result<(), XmlError> {
        if let Some(character) = reference.resolve_char_ref().map_err(|it| syntax(at, it))? {
            return self.text(character.encode_utf8(&mut [0; 4]));
        }
        let name = reference.xml10_content();
        match quick_xml::escape::resolve_xml_entity(&name) {
            Some(text) => self.text(text),
            None => Err(XmlError::Entity {
                name: name.chars().take(64).collect(),
            }),
        }
    }
}

fn intern(last: &mut Arc<str>, space: &ResolveResult<'_>) -> Result<Arc<str>, XmlError> {
    let text = match space {
        ResolveResult::Unbound => return Ok(Arc::from("")),
        ResolveResult::Bound(space) => space.0,
        ResolveResult::Unknown(prefix) => {
            return Err(XmlError::Prefix {
                prefix: prefix.chars().take(64).collect(),
            });
        }
    };
    if &**last != text {
        *last = Arc::from(text);
    }
    Ok(Arc::clone(last))
}

fn syntax(at: u64, source: quick_xml::Error) -> XmlError {
    XmlError::Syntax {
        at,
        source: Box::new(source),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn prefixes_do_not_matter() {
        let a = Element::parse("<?xml version='1.0'?><a xmlns='u:x' xmlns:f='u:y' f:k='1'><b>x&amp;&#x41;</b></a>")
            .unwrap();
        let b = Element::parse("<p:a xmlns:p='u:x' xmlns:g='u:y' g:k='1'><p:b>x<![CDATA[&]]>A</p:b></p:a>").unwrap();
        assert_eq!(a, b);
        assert_eq!(a.child_text("b"), Some("x&A"));
        assert!(
            a.attribute("k").is_none(),
            "an attribute with a namespace is another one"
        );
    }

    #[test]
    fn bombs_and_nonsense_are_refused() {
        let deep = format!("{}{}", "<a>".repeat(200), "</a>".repeat(200));
        let wide = format!("<a {}/>", (0..80).map(|it| format!("a{it}='' ")).collect::<String>());
        let spaces = format!(
            "<a {}/>",
            (0..300).map(|it| format!("xmlns:a{it}='u' ")).collect::<String>()
        );
        for bad in [
            "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
            "<a>&b;</a>",
            "<a><b></a></b>",
            "<a/><b/>",
            "<a>",
            "",
            "text",
            "<p:a/>",
            "<a b='1' b='2'/>",
            deep.as_str(),
            wide.as_str(),
            spaces.as_str(),
        ] {
            assert!(Element::parse(bad).is_err(), "{}", &bad[..bad.len().min(60)]);
        }
    }

    proptest! {
        #[test]
        fn no_text_brings_it_down(text in "[<>/a-c &;#x!\\[\\]='\"?:-]{0,60}") {
            let _ = Element::parse(&text);
        }
    }
}
