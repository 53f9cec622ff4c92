//! XML as the simulated devices read and write it: namespace-aware, bounded, without entity expansion.

use std::fmt::Write as _;
use std::sync::Arc;

/// How deep elements may nest.
const DEPTH: usize = 128;

/// An attribute with its namespace (empty when it has none).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// The namespace, empty when the attribute has no prefix.
    pub ns: Arc<str>,
    /// The local name.
    pub name: String,
    /// The value, entities resolved.
    pub value: String,
}

/// An element with its namespace, its children and its own text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    /// The namespace, empty when none is in scope.
    pub ns: Arc<str>,
    /// The local name.
    pub name: String,
    /// Attributes other than namespace declarations.
    pub attributes: Vec<Attribute>,
    /// Child elements in order.
    pub children: Vec<Element>,
    /// All text directly inside, joined.
    pub text: String,
    /// When the text reads `prefix:rest` and the prefix is declared: its namespace.
    pub text_ns: Option<Arc<str>>,
}

impl Element {
    /// The first child with this name, whatever its namespace.
    pub fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The trimmed text of the first child with this name.
    pub fn child_text(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.trim())
    }

    /// The value of the attribute with this namespace and name.
    pub fn attribute(&self, ns: &str, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|attribute| &*attribute.ns == ns && attribute.name == name)
            .map(|attribute| attribute.value.as_str())
    }
}

/// Why a document cannot be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Malformed {
    /// The document ends inside something.
    #[error("the document ends inside {0}")]
    Ends(&'static str),
    /// Something stands where it may not.
    #[error("{what} at byte {at}")]
    Unexpected {
        /// What was found.
        what: &'static str,
        /// Where, counted in bytes.
        at: usize,
    },
}

/// Reads one document.
///
/// # Errors
/// When it is not well-formed, uses an undeclared prefix, carries a document type or nests too deep.
pub fn parse(text: &str) -> Result<Element, Malformed> {
    let mut reader = Reader {
        text,
        at: 0,
        scope: Vec::new(),
    };
    reader.skip_misc()?;
    let element = reader.element(0)?;
    reader.skip_misc()?;
    match reader.at == text.len() {
        true => Ok(element),
        false => Err(reader.unexpected("text behind the document")),
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    scope: Vec<(&'a str, Arc<str>)>,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn unexpected(&self, what: &'static str) -> Malformed {
        Malformed::Unexpected { what, at: self.at }
    }

    fn skip_space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn skip_past(&mut self, mark: &str, inside: &'static str) -> Result<&'a str, Malformed> {
        let rest = self.rest();
        let end = rest.find(mark).ok_or(Malformed::Ends(inside))?;
        self.at += end + mark.len();
        Ok(&rest[..end])
    }

    fn skip_misc(&mut self) -> Result<(), Malformed> {
        loop {
            self.skip_space();
            if self.rest().starts_with("<?") {
                self.skip_past("?>", "a declaration")?;
            } else if self.rest().starts_with("<!--") {
                self.skip_past("-->", "a comment")?;
            } else {
                return Ok(());
            }
        }
    }

    fn name(&mut self) -> Result<&'a str, Malformed> {
        let rest = self.rest();
        let end = rest
            .find(|letter: char| letter.is_whitespace() || "=/><\"'&".contains(letter))
            .ok_or(Malformed::Ends("a name"))?;
        if end == 0 {
            return Err(self.unexpected("no name"));
        }
        self.at += end;
        Ok(&rest[..end])
    }

    fn element(&mut self, depth: usize) -> Result<Element, Malformed> {
        if depth > DEPTH {
            return Err(self.unexpected("nesting too deep"));
        }
        if !self.rest().starts_with('<') {
            return Err(self.unexpected("no element"));
        }
        self.at += 1;
        let name = self.name()?;
        let outer = self.scope.len();
        let raw = self.attributes()?;
        let mut element = self.open(name, raw)?;
        if self.rest().starts_with("/>") {
            self.at += 2;
        } else if self.rest().starts_with('>') {
            self.at += 1;
            self.content(name, &mut element, depth)?;
        } else {
            return Err(self.unexpected("no end of a tag"));
        }
        self.scope.truncate(outer);
        Ok(element)
    }

    /// Reads attributes; namespace declarations go into the scope, the others come back.
    fn attributes(&mut self) -> Result<Vec<(&'a str, String)>, Malformed> {
        let mut found = Vec::new();
        loop {
            self.skip_space();
            if self.rest().is_empty() {
                return Err(Malformed::Ends("a tag"));
            }
            if self.rest().starts_with(['/', '>']) {
                return Ok(found);
            }
            let name = self.name()?;
            self.skip_space();
            if !self.rest().starts_with('=') {
                return Err(self.unexpected("an attribute without value"));
            }
            self.at += 1;
            self.skip_space();
            let quote = match self.rest().as_bytes().first() {
                Some(b'"') => "\"",
                Some(b'\'') => "'",
                Some(_) | None => return Err(self.unexpected("an attribute without quotes")),
            };
            self.at += 1;
            let value = self.skip_past(quote, "an attribute")?;
            let value = self.unescape(value)?;
            if name == "xmlns" {
                self.scope.push(("", Arc::from(value)));
            } else if let Some(prefix) = name.strip_prefix("xmlns:") {
                self.scope.push((prefix, Arc::from(value)));
            } else {
                found.push((name, value));
            }
        }
    }

    fn open(&self, name: &str, raw: Vec<(&'a str, String)>) -> Result<Element, Malformed> {
        let (prefix, local) = name.split_once(':').unwrap_or(("", name));
        let mut attributes = Vec::with_capacity(raw.len());
        for (name, value) in raw {
            let (ns, name) = match name.split_once(':') {
                Some((prefix, local)) => (self.namespace(prefix)?, local),
                None => (Arc::from(""), name),
            };
            attributes.push(Attribute {
                ns,
                name: name.to_owned(),
                value,
            });
        }
        Ok(Element {
            ns: self.namespace(prefix)?,
            name: local.to_owned(),
            attributes,
            children: Vec::new(),
            text: String::new(),
            text_ns: None,
        })
    }

    fn namespace(&self, prefix: &str) -> Result<Arc<str>, Malformed> {
        match self.scope.iter().rev().find(|(known, _)| *known == prefix) {
            Some((_, ns)) => Ok(Arc::clone(ns)),
            None if prefix.is_empty() || prefix == "xml" => Ok(Arc::from("")),
            None => Err(self.unexpected("an undeclared prefix")),
        }
    }

    fn content(&mut self, name: &str, element: &mut Element, depth: usize) -> Result<(), Malformed> {
        loop {
            let rest = self.rest();
            let end = rest.find('<').ok_or(Malformed::Ends("an element"))?;
            if end > 0 {
                element.text.push_str(&self.unescape(&rest[..end])?);
                self.at += end;
            }
            let rest = self.rest();
            if rest.starts_with("</") {
                self.at += 2;
                if self.name()? != name {
                    return Err(self.unexpected("another end tag"));
                }
                self.skip_space();
                if !self.rest().starts_with('>') {
                    return Err(self.unexpected("no end of an end tag"));
                }
                self.at += 1;
                self.resolve_text(element);
                return Ok(());
            } else if rest.starts_with("<!--") {
                self.skip_past("-->", "a comment")?;
            } else if rest.starts_with("<![CDATA[") {
                self.at += 9;
                let text = self.skip_past("]]>", "CDATA")?;
                element.text.push_str(text);
            } else if rest.starts_with("<?") {
                self.skip_past("?>", "an instruction")?;
            } else if rest.starts_with("<!") {
                return Err(self.unexpected("a declaration inside an element"));
            } else {
                element.children.push(self.element(depth + 1)?);
            }
        }
    }

    fn resolve_text(&self, element: &mut Element) {
        if let Some((prefix, _)) = element.text.trim().split_once(':') {
            element.text_ns = self.namespace(prefix).ok().filter(|ns| !ns.is_empty());
        }
    }

    fn unescape(&self, raw: &str) -> Result<String, Malformed> {
        let mut plain = String::with_capacity(raw.len());
        let mut rest = raw;
        while let Some(at) = rest.find('&') {
            plain.push_str(&rest[..at]);
            let end = rest[at..].find(';').ok_or_else(|| self.unexpected("an open entity"))?;
            let entity = &rest[at + 1..at + end];
            plain.push(letter(entity).ok_or_else(|| self.unexpected("an unknown entity"))?);
            rest = &rest[at + end + 1..];
        }
        plain.push_str(rest);
        Ok(plain)
    }
}

fn letter(entity: &str) -> Option<char> {
    match entity {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        number => {
            let number = number.strip_prefix('#')?;
            let code = match number.strip_prefix('x') {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

/// Appends text with what XML reserves escaped.
pub fn escape(out: &mut String, text: &str) {
    for letter in text.chars() {
        match letter {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\r' => out.push_str("&#13;"),
            other => out.push(other),
        }
    }
}

/// Appends the element; a namespace is declared where it differs from `outer`.
pub fn write(out: &mut String, element: &Element, outer: &str) {
    let _ = write!(out, "<{}", element.name);
    if &*element.ns != outer {
        let _ = write!(out, " xmlns=\"{}\"", element.ns);
    }
    if element.children.is_empty() && element.text.is_empty() {
        out.push_str("/>");
        return;
    }
    out.push('>');
    match element.children.is_empty() {
        true => escape(out, &element.text),
        false => element.children.iter().for_each(|child| write(out, child, &element.ns)),
    }
    let _ = write!(out, "</{}>", element.name);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_namespaces_entities_and_cdata() {
        let text = "<?xml version=\"1.0\"?><a xmlns=\"x\" xmlns:p='y'><p:b p:k=\"1&amp;2\">p:t&lt;</p:b><c><![CDATA[<>]]></c></a>";
        let element = parse(text).unwrap();
        assert_eq!((&*element.ns, element.name.as_str()), ("x", "a"));
        assert_eq!(element.children[0].attribute("y", "k"), Some("1&2"));
        assert_eq!(element.children[0].text, "p:t<");
        assert_eq!(element.children[0].text_ns.as_deref(), Some("y"));
        assert_eq!(element.child_text("c"), Some("<>"));
    }

    #[test]
    fn refuses_what_is_not_well_formed() {
        for text in [
            "",
            "<a>",
            "<a></b>",
            "<p:a/>",
            "<a b></a>",
            "<a>&bomb;</a>",
            "<!DOCTYPE a><a/>",
            "<a/>b",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        let deep = "<a>".repeat(200) + &"</a>".repeat(200);
        assert!(parse(&deep).is_err());
    }
}
