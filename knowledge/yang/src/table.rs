//! The schema table of the canonical model, written from the compiled YANG modules.
//!
//! The format is described where the table is read, in `knowledge_model::schema`.

use crate::libyang::{Compiled, Facts, Kind, LoadError, Shape, names};
use std::fmt::Write;
use yang5::schema::SchemaNode;

/// Types that the canonical model knows by a name of its own, by the typedef that stands for them here.
const NAMED: [(&str, &str); 9] = [
    ("ipv4-address-no-zone", "ipv4-address"),
    ("ipv6-address-no-zone", "ipv6-address"),
    ("router-id", "ipv4-address"),
    ("area-id", "ipv4-address"),
    ("ipv4-prefix", "ipv4-prefix"),
    ("ipv6-prefix", "ipv6-prefix"),
    ("ipv4-interface-address", "ipv4-address-and-prefix"),
    ("ipv6-interface-address", "ipv6-address-and-prefix"),
    ("mac-address", "mac-address"),
];

/// Pairs of types that have one name together.
const PAIRS: [([&str; 2], &str); 3] = [
    (["ipv4-address", "ipv6-address"], "ip-address"),
    (["ipv4-prefix", "ipv6-prefix"], "ip-prefix"),
    (
        ["ipv4-address-and-prefix", "ipv6-address-and-prefix"],
        "ip-address-and-prefix",
    ),
];

/// The table, as it is to stand in `knowledge/model/schema.table`.
///
/// # Errors
/// If libyang does not take the modules.
pub fn table() -> Result<String, LoadError> {
    let compiled = Compiled::load()?;
    let mut out = String::from(
        "# Made from the YANG modules in yang/ by knowledge-yang; its test says when it is stale, and\n\
         # `ENTENTE_BLESS=1 cargo test -p knowledge-yang` makes it anew. The format is described in src/schema.rs.\n",
    );
    let modules = compiled.modules();
    let revision = modules.iter().map(|it| it.2.as_str()).max().unwrap_or_default();
    push(&mut out, format_args!("revision {revision}\n"));
    for (name, namespace, _) in &modules {
        push(&mut out, format_args!("module {name} {namespace}\n"));
    }
    for node in compiled.data_nodes() {
        if node.ancestors().next().is_none() {
            out.push('\n');
        }
        out.push_str(&line(&node));
        out.push('\n');
    }
    Ok(out)
}

fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = out.write_fmt(text);
}

/// One node: path, kind, attributes.
fn line(node: &SchemaNode<'_>) -> String {
    let facts = Facts::of(node);
    let kind = Kind::of(node);
    let mut words = vec![names(node), kind.word().to_owned()];
    if kind == Kind::List {
        let keys: Vec<_> = node.list_keys().map(|it| it.name().to_owned()).collect();
        words.push(format!("keys={}", keys.join(",")));
    }
    words.extend(facts.unique.iter().map(|it| attribute("unique", &it.join(" "))));
    words.extend(facts.shape.iter().flat_map(typed));
    words.extend(facts.refers.iter().map(|it| attribute("ref", it)));
    words.extend(
        node.default_value_canonical()
            .ok()
            .flatten()
            .map(|it| attribute("default", &it)),
    );
    words.extend(place(node, &facts));
    words.extend(node.units().map(|it| attribute("units", it)));
    words.extend(node.description().map(|it| attribute("about", &one_line(it))));
    words.join(" ")
}

/// Where a node stands and what holds of it there: module, choice, counts, state, marks.
fn place(node: &SchemaNode<'_>, facts: &Facts) -> Vec<String> {
    let mut words = Vec::new();
    let parent = node.ancestors().find(|it| !it.is_schema_only());
    let module = node.module().name().to_owned();
    if parent.is_none_or(|it| it.module().name() != module) {
        words.push(attribute("in", &module));
    }
    let (choices, needed) = choices(node);
    if !choices.is_empty() {
        words.push(attribute("choice", &choices.join(",")));
    }
    if needed || (node.is_mandatory() && !node.is_list_key()) {
        words.push("mandatory".to_owned());
    }
    words.extend(node.min_elements().map(|it| format!("min={it}")));
    words.extend(node.max_elements().map(|it| format!("max={it}")));
    if node.is_state() {
        words.push("state".to_owned());
    }
    if facts.mark("secret").is_some() {
        words.push("secret".to_owned());
    }
    words.extend(facts.mark("distinct").map(|it| attribute("distinct", it)));
    words
}

/// The cases that a node belongs to, the outermost first, and whether one of the choices must be made.
fn choices(node: &SchemaNode<'_>) -> (Vec<String>, bool) {
    let (mut pairs, mut needed, mut case) = (Vec::new(), false, None);
    for above in node.ancestors().take_while(SchemaNode::is_schema_only) {
        match case.take() {
            None => case = Some(above.name().to_owned()),
            Some(name) => {
                pairs.push(format!("{}:{name}", above.name()));
                needed |= above.is_mandatory();
            }
        }
    }
    pairs.reverse();
    (pairs, needed)
}

/// `type=` and facets.
fn typed(shape: &Shape) -> Vec<String> {
    let (name, facets) = described(shape);
    std::iter::once(format!("type={name}")).chain(facets).collect()
}

/// The name that the canonical model has for a type, and its facets as attributes.
fn described(shape: &Shape) -> (String, Vec<String>) {
    let plain = |name: &str| (name.to_owned(), Vec::new());
    match shape {
        Shape::Boolean => plain("boolean"),
        Shape::Empty => plain("empty"),
        Shape::Binary(lengths) => ("binary".to_owned(), ranges("length", lengths, 0)),
        Shape::Integer(name, allowed) => ((*name).to_owned(), ranges("range", allowed, 0)),
        Shape::Decimal(digits, allowed) => {
            let mut facets = vec![format!("digits={digits}")];
            facets.extend(ranges("range", allowed, *digits));
            ("decimal64".to_owned(), facets)
        }
        Shape::Enumeration(names) => ("enumeration".to_owned(), vec![attribute("names", &names.join(","))]),
        Shape::Text {
            typedef,
            lengths,
            patterns,
        } => match NAMED.iter().find(|it| Some(it.0) == typedef.as_deref()) {
            Some((_, name)) => plain(name),
            None => {
                let mut facets = ranges("length", lengths, 0);
                facets.extend(patterns.iter().map(|it| attribute("pattern", it)));
                ("string".to_owned(), facets)
            }
        },
        Shape::Union(members) => union(members),
        Shape::Foreign(number) => plain(&format!("foreign-{number}")),
    }
}

fn union(members: &[Shape]) -> (String, Vec<String>) {
    let members: Vec<_> = members.iter().map(described).collect();
    let bare: Vec<_> = members
        .iter()
        .filter(|it| it.1.is_empty())
        .map(|it| it.0.as_str())
        .collect();
    if bare.len() == members.len()
        && let Some((_, name)) = PAIRS.iter().find(|it| it.0[..] == bare[..])
    {
        return ((*name).to_owned(), Vec::new());
    }
    let written = members.iter().map(|(name, facets)| {
        let words: Vec<_> = std::iter::once(name).chain(facets).map(String::as_str).collect();
        attribute("member", &words.join(" "))
    });
    ("union".to_owned(), written.collect())
}

fn ranges(name: &str, allowed: &[(i128, i128)], digits: u8) -> Vec<String> {
    if allowed.is_empty() {
        return Vec::new();
    }
    let part = |(low, high): &(i128, i128)| match (decimal(*low, digits), decimal(*high, digits)) {
        (low, high) if low == high => low,
        (low, high) => format!("{low}..{high}"),
    };
    let parts: Vec<_> = allowed.iter().map(part).collect();
    vec![attribute(name, &parts.join("|"))]
}

/// A number of units of the last place as text.
fn decimal(number: i128, digits: u8) -> String {
    if digits == 0 {
        return number.to_string();
    }
    let scale = 10_i128.pow(u32::from(digits));
    let sign = if number < 0 { "-" } else { "" };
    let (whole, part) = (number.abs() / scale, number.abs() % scale);
    let part = format!("{part:0width$}", width = usize::from(digits));
    let part = part.trim_end_matches('0');
    format!("{sign}{whole}.{}", if part.is_empty() { "0" } else { part })
}

/// `name=value`, in quotes where it needs them.
fn attribute(name: &str, value: &str) -> String {
    if value.is_empty() || value.contains(|it: char| it.is_whitespace() || it == '"' || it == '\\') {
        format!("{name}=\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
    } else {
        format!("{name}={value}")
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
