//! Where two configurations differ, whatever the order in which a device prints them.

use super::Element;
use std::collections::BTreeMap;

const NAMED: usize = 32;

/// Names the places where two configurations differ; empty when they are the same. At most thirty-two are named.
///
/// Comments, prefixes, attributes and the order of siblings do not count.
pub fn differences(a: &Element, b: &Element) -> Vec<String> {
    let mut found = Vec::new();
    compare(a, b, &mut String::new(), &mut found);
    found
}

fn compare(a: &Element, b: &Element, at: &mut String, found: &mut Vec<String>) {
    if found.len() >= NAMED {
        return;
    }
    if a.children.is_empty() && b.children.is_empty() {
        if a.text.trim() != b.text.trim() {
            found.push(at.clone());
        }
        return;
    }
    let (left, right) = (group(a), group(b));
    for key in left.keys().chain(right.keys().filter(|it| !left.contains_key(*it))) {
        let length = at.len();
        at.push('/');
        at.push_str(&key.shown());
        match (left.get(key), right.get(key)) {
            (Some(a), Some(b)) if a.len() == b.len() => a.iter().zip(b).for_each(|(a, b)| compare(a, b, at, found)),
            (_, _) => found.push(at.clone()),
        }
        at.truncate(length);
    }
    found.truncate(NAMED);
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Key<'e> {
    space: &'e str,
    name: &'e str,
    first: Option<(&'e str, &'e str)>,
}

impl Key<'_> {
    fn shown(&self) -> String {
        match self.first {
            Some((name, text)) => format!("{}[{name}={text}]", self.name),
            None => self.name.to_owned(),
        }
    }
}

// Keys stand first in a list entry (RFC 7950 §7.8.5), so the first leaf tells entries apart well enough.
fn group(element: &Element) -> BTreeMap<Key<'_>, Vec<&Element>> {
    let mut groups: BTreeMap<Key<'_>, Vec<&Element>> = BTreeMap::new();
    for child in &element.children {
        let leaf = child.children.first().filter(|it| it.children.is_empty());
        let first = leaf
            .map(|it| (&*it.name, it.text.trim()))
            .filter(|(_, text)| !text.is_empty());
        groups
            .entry(Key {
                space: &child.space,
                name: &child.name,
                first,
            })
            .or_default()
            .push(child);
    }
    for twins in groups.values_mut().filter(|it| it.len() > 1) {
        twins.sort_by_cached_key(|it| super::write(it));
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(a: &str, b: &str, expected: &[&str]) {
        let read = |text: &str| Element::parse(&format!("<c xmlns='u'>{text}</c>")).unwrap();
        assert_eq!(differences(&read(a), &read(b)), expected);
    }

    #[test]
    fn order_does_not_count_and_places_are_named() {
        check(
            "<i><n>1</n><m>5</m></i><i><n>2</n></i>",
            "<i><n>2</n></i><i><n>1</n><m> 5 </m></i>",
            &[],
        );
        check("<l>1</l><l>2</l>", "<l>2</l><l>1</l>", &[]);
        check("<i><n>1</n><m>5</m></i>", "<i><n>1</n><m>6</m></i>", &["/i[n=1]/m"]);
        check("<i><n>1</n></i>", "", &["/i[n=1]"]);
        check("<a><b/></a>", "<a/>", &["/a/b"]);
    }
}
