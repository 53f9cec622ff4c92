//! Configurations made from the schema: every entry node of it can be reached, keys collide often.

use knowledge_model::schema::{Node, Schema};
use knowledge_model::types::{Family, Form, Type};
use knowledge_model::{Path, Tree, Value};
use proptest::collection::vec;
use proptest::prelude::*;

/// Texts of which at least one fits each pattern of the model.
const TEXTS: &[&str] = &[
    "eth1",
    "eth0/1",
    "a",
    "edge",
    "r1.example.net",
    "two words",
    "quote \" < & > ' \\ ]",
    "北京",
    "65000:100",
    "10-20",
    "2026-01-31T08:00:00Z",
    "02:00:5e:00:53:01",
    "1.5",
    "0.0.0.1",
    "00:00",
    "23:59",
    "secret:lab/bgp@1",
    "192.0.2.1",
    "1d",
    "monday",
    "lab/bgp",
    "*",
    "65000",
    "49.0001.0000.0000.0001.00",
    "line one\nline two",
];

/// The entry nodes of the canonical model.
pub fn entry_nodes() -> Vec<&'static Node> {
    Schema::canonical().nodes().filter(|it| it.is_entry()).collect()
}

/// The values of a type, by number; at least one.
pub fn values(of: &Type) -> Vec<String> {
    let candidates: Vec<String> = match of {
        Type::Boolean => ["true", "false"].map(str::to_owned).into(),
        Type::Empty => vec![String::new()],
        Type::Integer { whole, ranges, .. } => bounds(ranges, *whole).iter().map(i128::to_string).collect(),
        Type::Decimal { digits, ranges } => {
            let unit = 10_i128.pow(u32::from(*digits));
            bounds(ranges, (-unit, unit))
                .iter()
                .map(|it| format!("{}.{:0w$}", it / unit, (it % unit).abs(), w = (*digits).into()))
                .collect()
        }
        Type::Text { .. } => TEXTS.iter().map(|it| (*it).to_owned()).collect(),
        Type::Binary { .. } => ["AQ==", "AQID", "AQIDBAUGBwg="].map(str::to_owned).into(),
        Type::Enumeration(names) => names.iter().map(|it| it.to_string()).collect(),
        Type::Mac => ["02:00:5e:00:53:01", "02:00:5e:00:53:02"].map(str::to_owned).into(),
        Type::Address { family, form } => addresses(*family, *form),
        Type::Union(members) => members.iter().flat_map(values).collect(),
    };
    candidates.iter().filter_map(|it| of.canonical(it).ok()).collect()
}

fn bounds(ranges: &[(i128, i128)], whole: (i128, i128)) -> Vec<i128> {
    let ranges = if ranges.is_empty() { &[whole][..] } else { ranges };
    ranges
        .iter()
        .flat_map(|(low, high)| [*low, (low + 1).min(*high), *high])
        .collect()
}

fn addresses(family: Family, form: Form) -> Vec<String> {
    let hosts = match family {
        Family::V4 => &["192.0.2.1", "10.0.0.9"][..],
        Family::V6 => &["2001:db8::1", "::"][..],
        Family::Both => &["192.0.2.1", "10.0.0.9", "2001:db8::1"][..],
    };
    match form {
        Form::Host => hosts.iter().map(|it| (*it).to_owned()).collect(),
        Form::Prefix | Form::Interface => hosts.iter().map(|it| format!("{it}/24")).collect(),
    }
}

/// The instance of a node and its value that these numbers pick.
pub fn entry(node: &Node, picks: &[u8]) -> (Path, Value) {
    let schema = Schema::canonical();
    let mut picks = picks.iter().copied().cycle();
    let mut pick = |of: &Type| {
        let values = values(of);
        let keys: Vec<_> = values.iter().filter(|it| !it.contains('\n')).cloned().collect();
        let at = usize::from(picks.next().unwrap_or(0));
        keys.get(at % keys.len().max(1)).cloned().unwrap_or_default()
    };
    let (mut path, mut above, mut value) = (Path::root(), None, Value::Present);
    for name in node.path().split('/') {
        let here = schema.child(above, name).unwrap();
        let keys: Vec<String> = match here.keys() {
            [] if here.key_count() == 1 => vec![pick(here.value_type().unwrap())],
            keys => keys
                .iter()
                .map(|it| pick(schema.child(Some(here), it).unwrap().value_type().unwrap()))
                .collect(),
        };
        if here.is_leaf() && here.key_count() == 0 {
            let text = pick(here.value_type().unwrap());
            value = if matches!(here.value_type(), Some(Type::Empty)) {
                Value::Present
            } else {
                Value::scalar(text)
            };
        }
        path = path.keyed(name, keys);
        above = Some(here);
    }
    (path, value)
}

/// A tree of these entries and all that stand above them.
pub fn tree(entries: impl IntoIterator<Item = (Path, Value)>) -> Tree {
    let mut tree = Tree::new();
    for (path, value) in entries {
        let above: Vec<_> = path.ancestors().collect();
        for place in above {
            if Schema::canonical().node(&place).is_some_and(Node::is_entry) {
                tree.insert(place, Value::Present);
            }
        }
        tree.insert(path, value);
    }
    tree
}

/// Trees of up to so many picked entries.
pub fn trees(most: usize) -> impl Strategy<Value = Tree> {
    let count = entry_nodes().len();
    let one = (0..count, vec(0..4_u8, 5)).prop_map(|(node, picks)| entry(entry_nodes()[node], &picks));
    vec(one, 0..=most).prop_map(tree)
}
