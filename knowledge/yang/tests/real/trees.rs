//! Configurations at random that keep every type and reach every node of the schema.

use knowledge_model::schema::{Kind, Node};
use knowledge_model::types::{Family, Form, Type};
use knowledge_model::{Path, Schema, Tree, Value};
use proptest::prelude::*;
use proptest::string::string_regex;

type Entries = Vec<(Path, Value)>;

/// A date and time as the judge writes it where it stands in UTC.
const MOMENT: &str = "2026-01-31T08:00:00+00:00";

/// What a tree holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// Configuration alone.
    Configuration,
    /// Configuration and state.
    All,
}

/// Trees of the schema; of two cases of a choice only one is there.
pub fn trees(schema: &'static Schema, holds: Holds) -> impl Strategy<Value = Tree> {
    let of = Of { schema, holds };
    children(of, None, Path::root()).prop_map(|entries| entries.into_iter().collect())
}

#[derive(Clone, Copy)]
struct Of {
    schema: &'static Schema,
    holds: Holds,
}

fn children(of: Of, parent: Option<&'static Node>, above: Path) -> BoxedStrategy<Entries> {
    let held = move |it: &&Node| !it.key && (of.holds == Holds::All || !it.state);
    let nodes = of.schema.children(parent).filter(held);
    let parts: Vec<_> = nodes
        .map(|node| {
            let above = above.clone();
            let some = instances(of, node, above);
            prop_oneof![3 => some, 1 => Just(Entries::new())].prop_map(move |it| (node, it))
        })
        .collect();
    let join = |parts: Vec<(&'static Node, Entries)>| {
        let mut cases = std::collections::BTreeMap::new();
        let kept = parts.into_iter().filter(|(node, entries)| {
            entries.is_empty()
                || node
                    .choices
                    .iter()
                    .all(|it| **cases.entry(&it.choice).or_insert(&it.case) == it.case)
        });
        kept.flat_map(|it| it.1).collect()
    };
    parts.prop_map(join).boxed()
}

fn instances(of: Of, node: &'static Node, above: Path) -> BoxedStrategy<Entries> {
    match &node.kind {
        Kind::Container => children(of, Some(node), above.child(node.name())),
        Kind::Presence => {
            let here = above.child(node.name());
            with(here.clone(), children(of, Some(node), here))
        }
        Kind::Leaf(typed) => {
            let (path, empty) = (above.child(node.name()), matches!(typed, Type::Empty));
            value(typed)
                .prop_map(move |it| vec![(path.clone(), if empty { Value::Present } else { Value::from(&*it) })])
                .boxed()
        }
        Kind::LeafList(typed) => {
            let (name, count) = (node.name(), 1..3_usize);
            prop::collection::btree_set(value(typed), count)
                .prop_map(move |values| {
                    values
                        .iter()
                        .map(|it| (above.keyed(name, [it]), Value::Present))
                        .collect()
                })
                .boxed()
        }
        Kind::List { keys, .. } => {
            let typed = keys
                .iter()
                .map(|key| of.schema.child(Some(node), key).unwrap().value_type().unwrap());
            let keys: Vec<_> = typed.map(value).collect();
            let entry = keys.prop_flat_map(move |keys| {
                let here = above.keyed(node.name(), keys);
                with(here.clone(), children(of, Some(node), here))
            });
            prop::collection::vec(entry, 1..3).prop_map(|it| it.concat()).boxed()
        }
    }
}

fn with(path: Path, inside: BoxedStrategy<Entries>) -> BoxedStrategy<Entries> {
    let add = move |mut entries: Entries| {
        entries.push((path.clone(), Value::Present));
        entries
    };
    inside.prop_map(add).boxed()
}

/// Canonical values of a type.
fn value(typed: &'static Type) -> BoxedStrategy<String> {
    let raw: BoxedStrategy<String> = match typed {
        Type::Boolean => prop_oneof![Just("true"), Just("false")].prop_map(str::to_owned).boxed(),
        Type::Empty => Just(String::new()).boxed(),
        Type::Integer { whole, ranges, .. } => {
            let ranges = if ranges.is_empty() {
                vec![*whole]
            } else {
                ranges.clone()
            };
            let one = prop::sample::select(ranges)
                .prop_flat_map(|(low, high)| prop_oneof![Just(low), Just(high), low..=high]);
            one.prop_map(|it| it.to_string()).boxed()
        }
        // A moment has many texts that mean the same, of which the judge writes one.
        Type::Text { patterns, .. } if patterns.iter().any(|it| it.is_match(MOMENT) && !it.is_match("a")) => {
            Just(MOMENT.to_owned()).boxed()
        }
        Type::Text { patterns, .. } => {
            let pattern = patterns.last().map_or("[ -~é\n\t]{1,20}", |it| it.as_str());
            let bare = pattern
                .trim_start_matches("^(?:")
                .trim_end_matches(")$")
                .replace("[^\\p{Cc}]*", "[ -~]{0,20}");
            string_regex(&bare.replace("[^\\s]", "[!-~]")).unwrap().boxed()
        }
        Type::Enumeration(names) => prop::sample::select(names.clone()).prop_map(String::from).boxed(),
        Type::Address { family, form } => address(*family, *form),
        Type::Union(members) => prop::sample::select(members.iter().collect::<Vec<_>>())
            .prop_flat_map(value)
            .boxed(),
        Type::Mac => any::<[u8; 6]>()
            .prop_map(|it| it.map(|octet| format!("{octet:02x}")).join(":"))
            .boxed(),
        Type::Decimal { digits, ranges } => {
            let unit = 10_i128.pow(u32::from(*digits));
            let ranges = if ranges.is_empty() {
                vec![(-1000, 1000)]
            } else {
                ranges.clone()
            };
            let width = usize::from(*digits);
            let one = prop::sample::select(ranges)
                .prop_flat_map(|(low, high)| prop_oneof![Just(low), Just(high), low..=high]);
            one.prop_map(move |it| {
                let sign = if it < 0 { "-" } else { "" };
                format!("{sign}{}.{:0width$}", it.abs() / unit, it.abs() % unit)
            })
            .boxed()
        }
        Type::Binary { .. } => panic!("the model has no value such as {typed}"),
    };
    let canonical = move |it: String| typed.canonical(&it).ok();
    raw.prop_filter_map("a value of the type", canonical).boxed()
}

fn address(family: Family, form: Form) -> BoxedStrategy<String> {
    let (four, six) = (any::<std::net::Ipv4Addr>(), any::<std::net::Ipv6Addr>());
    let suffix = move |length: u8| match form {
        Form::Host => String::new(),
        Form::Prefix | Form::Interface => format!("/{length}"),
    };
    let four = (four, 0..=32_u8)
        .prop_map(move |(it, length)| format!("{it}{}", suffix(length)))
        .boxed();
    let six = (six, 0..=128_u8)
        .prop_map(move |(it, length)| format!("{it}{}", suffix(length)))
        .boxed();
    match family {
        Family::V4 => four,
        Family::V6 => six,
        Family::Both => prop_oneof![four, six].boxed(),
    }
}
