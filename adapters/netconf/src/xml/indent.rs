//! Elements as people read and compare them: one a line, indented, secrets hidden.

use super::{Element, escape};
use adapters_port::{MASK, names_secret};

/// The children of an element, a line each scalar.
pub fn indented(element: &Element) -> String {
    let mut out = String::new();
    for child in &element.children {
        line(child, &element.space, 0, &mut out);
    }
    out
}

fn line(element: &Element, around: &str, depth: usize, out: &mut String) {
    let indent = "  ".repeat(depth);
    let space = match &*element.space == around {
        true => String::new(),
        false => format!(" xmlns=\"{}\"", escape(&element.space)),
    };
    let name = &element.name;
    if element.children.is_empty() {
        let text = match names_secret(name) && !element.text.is_empty() {
            true => MASK.into(),
            false => escape(&element.text),
        };
        out.push_str(&format!("{indent}<{name}{space}>{text}</{name}>\n"));
        return;
    }
    out.push_str(&format!("{indent}<{name}{space}>\n"));
    for child in &element.children {
        line(child, &element.space, depth + 1, out);
    }
    out.push_str(&format!("{indent}</{name}>\n"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_is_shown_line_by_line_without_its_secrets() {
        let text = "<data xmlns='b'><a xmlns='u'><name>x&amp;y</name><auth-key>s3cret</auth-key><on/></a></data>";
        let shown = indented(&Element::parse(text).unwrap());
        let expected = "<a xmlns=\"u\">\n  <name>x&amp;y</name>\n  <auth-key>***</auth-key>\n  <on></on>\n</a>\n";
        assert_eq!(shown, expected);
    }
}
