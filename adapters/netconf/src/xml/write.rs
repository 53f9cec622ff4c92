//! Elements as text again.

use super::Element;
use std::borrow::Cow;

/// Text that may stand inside an element or an attribute.
pub fn escape(text: &str) -> Cow<'_, str> {
    quick_xml::escape::escape(text)
}

/// Writes an element with its namespaces declared where they change.
pub fn write(element: &Element) -> String {
    let mut out = String::new();
    write_into(element, "", &mut out);
    out
}

fn write_into(element: &Element, around: &str, out: &mut String) {
    out.push('<');
    out.push_str(&element.name);
    if &*element.space != around {
        out.push_str(" xmlns=\"");
        out.push_str(&escape(&element.space));
        out.push('"');
    }
    for (index, attribute) in element.attributes.iter().enumerate() {
        if attribute.space.is_empty() {
            out.push_str(&format!(" {}=\"{}\"", attribute.name, escape(&attribute.value)));
        } else {
            let (space, value) = (escape(&attribute.space), escape(&attribute.value));
            out.push_str(&format!(
                " xmlns:a{index}=\"{space}\" a{index}:{}=\"{value}\"",
                attribute.name
            ));
        }
    }
    out.push('>');
    out.push_str(&escape(&element.text));
    for child in &element.children {
        write_into(child, &element.space, out);
    }
    out.push_str("</");
    out.push_str(&element.name);
    out.push('>');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_the_same() {
        let text = "<a xmlns='u:x' xmlns:f='u:y' f:k='&lt;'><b i='&quot;'>x&amp;y</b><c xmlns=''/></a>";
        let element = Element::parse(text).unwrap();
        assert_eq!(Element::parse(&write(&element)).unwrap(), element);
    }
}
