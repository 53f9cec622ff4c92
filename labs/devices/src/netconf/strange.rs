//! The same reply in another text: what a namespace-aware reader takes, and a reader of strings does not.

use std::fmt::Write as _;
use std::sync::Arc;

use crate::xml::{self, Element};

/// The same document with every namespace behind a hoisted prefix, with comments and foreign attributes.
pub fn strange(message: &str) -> String {
    let Ok(root) = xml::parse(message) else {
        return message.to_owned();
    };
    let mut spaces = Vec::new();
    let mut body = String::new();
    write_strange(&mut body, &root, &mut spaces);
    let declared: String = spaces.iter().enumerate().fold(String::new(), |mut out, (at, ns)| {
        let _ = write!(out, " xmlns:n{at}=\"{ns}\"");
        out
    });
    let root = format!("<n0:{}", root.name);
    let body = body.replacen(
        &root,
        &format!("{root}{declared} xmlns:f=\"urn:foreign\" f:mark=\"1\""),
        1,
    );
    format!("<?xml version='1.0' encoding='utf-8' standalone='yes'?>\n<!-- said strangely -->\n{body}\n")
}

fn write_strange(out: &mut String, element: &Element, spaces: &mut Vec<Arc<str>>) {
    let mut prefix = |ns: &Arc<str>| {
        let at = spaces.iter().position(|known| known == ns).unwrap_or_else(|| {
            spaces.push(Arc::clone(ns));
            spaces.len() - 1
        });
        format!("n{at}")
    };
    let name = format!("{}:{}", prefix(&element.ns), element.name);
    let text = match (&element.text_ns, element.text.split_once(':')) {
        (Some(ns), Some((_, rest))) => format!("{}:{rest}", prefix(ns)),
        (Some(_) | None, _) => element.text.clone(),
    };
    let _ = write!(out, "<{name}");
    for attribute in &element.attributes {
        let mark = if attribute.ns.is_empty() {
            String::new()
        } else {
            format!("{}:", prefix(&attribute.ns))
        };
        if mark.is_empty() {
            let _ = write!(out, " {}='", attribute.name);
            xml::escape(out, &attribute.value.replace('\'', ""));
            out.push('\'');
        }
    }
    out.push('>');
    if element.children.is_empty() {
        xml::escape(out, &text);
    } else {
        out.push_str("<!-- inside -->\n");
    }
    element
        .children
        .iter()
        .for_each(|child| write_strange(out, child, spaces));
    let _ = write!(out, "</{name}>");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_the_same() {
        let plain = "<a xmlns=\"x\"><b xmlns=\"y\" k=\"1\">t&lt;</b><c/></a>";
        let strange = xml::parse(&strange(plain)).unwrap();
        let shown = |it: &Element| (it.ns.to_string(), it.name.clone(), it.text.trim().to_owned());
        let names: Vec<_> = strange.children.iter().map(shown).collect();
        let named = |ns: &str, name: &str, text: &str| (ns.to_owned(), name.to_owned(), text.to_owned());
        assert_eq!(names, [named("y", "b", "t<"), named("x", "c", "")]);
    }
}
