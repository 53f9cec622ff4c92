//! Elements as text again.

use super::Element;
use std::borrow::Cow;

/// Text that may stand inside an element. Carriage returns are written by number: a reader takes bare ones for line feeds.
pub fn escape(text: &str) -> Cow<'_, str> {
    let escaped = quick_xml::escape::escape(text);
    if escaped.contains('\r') {
        Cow::Owned(escaped.replace('\r', "&#13;"))
    } else {
        escaped
    }
}

// In an attribute a reader takes every kind of white space for a blank.
fn escape_attribute(text: &str) -> String {
    escape(text).replace('\n', "&#10;").replace('\t', "&#9;")
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
            out.push_str(&format!(
                " {}=\"{}\"",
                attribute.name,
                escape_attribute(&attribute.value)
            ));
        } else {
            let (space, value) = (escape(&attribute.space), escape_attribute(&attribute.value));
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
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn whatever_is_read_is_written_so_that_it_reads_the_same(
            text in "(<[ab]( x='[a&;lt]{0,3}')?>|</[ab]>|<a xmlns='u'>|<p:a xmlns:p='v' p:b='1'/>|[a \\n]|&lt;|&#10;|&#13;|<!\\[CDATA\\[<\\]\\]>){0,14}",
        ) {
            if let Ok(element) = Element::parse(&format!("<r>{text}</r>")) {
                prop_assert_eq!(Element::parse(&write(&element)).unwrap(), element);
            }
        }
    }

    #[test]
    fn what_is_written_reads_the_same() {
        let text =
            "<a xmlns='u:x' xmlns:f='u:y' f:k='&lt;'><b i='&quot;&#9;&#13;'>x&amp;y&#13;&#10;</b><c xmlns=''/></a>";
        let element = Element::parse(text).unwrap();
        assert_eq!(Element::parse(&write(&element)).unwrap(), element);
    }
}
