//! Configurations made from the schema: every entry node of it can be reached, keys collide often.

use knowledge_model::owners::Composed;
use knowledge_model::schema::{Node, Schema};
use knowledge_model::types::{Family, Form, Type};
use knowledge_model::{Ownership, Path, Tree, Value, Wish};
use proptest::collection::vec;
use proptest::prelude::*;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::LazyLock;

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

/// The same, kept: they are asked for again and again.
fn kept_values(of: &Type) -> Rc<Vec<String>> {
    thread_local!(static KEPT: RefCell<HashMap<*const Type, Rc<Vec<String>>>> = RefCell::default());
    KEPT.with_borrow_mut(|kept| {
        let made = || values(of).into_iter().filter(|it| !it.contains('\n')).collect();
        Rc::clone(kept.entry(std::ptr::from_ref(of)).or_insert_with(|| Rc::new(made())))
    })
}

/// A type that has so few values that all of them are to be met.
pub fn is_closed(of: &Type) -> bool {
    matches!(of, Type::Boolean | Type::Enumeration(_) | Type::Union(_))
}

/// How many keys of a list are met: few, so that they collide.
const KEYS: usize = 4;

/// The instance of a node and its value that these numbers pick.
pub fn entry(node: &Node, picks: &[u8]) -> (Path, Value) {
    let schema = Schema::canonical();
    let mut picks = picks.iter().copied().cycle();
    let mut pick = |of: &Type, most: usize| {
        let values = kept_values(of);
        let most = if is_closed(of) {
            values.len()
        } else {
            values.len().min(most)
        };
        let at = usize::from(picks.next().unwrap_or(0));
        values.get(at % most.max(1)).cloned().unwrap_or_default()
    };
    let (mut path, mut above, mut value) = (Path::root(), None, Value::Present);
    for name in node.path().split('/') {
        let here = schema.child(above, name).unwrap();
        let keys: Vec<String> = match here.keys() {
            [] if here.key_count() == 1 => vec![pick(here.value_type().unwrap(), KEYS)],
            keys => keys
                .iter()
                .map(|it| pick(schema.child(Some(here), it).unwrap().value_type().unwrap(), KEYS))
                .collect(),
        };
        if here.is_leaf() && here.key_count() == 0 {
            let text = pick(here.value_type().unwrap(), usize::MAX);
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

fn picks() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 8)
}

/// Trees of up to so many picked entries.
pub fn trees(most: usize) -> impl Strategy<Value = Tree> {
    let nodes = entry_nodes();
    let one = (0..nodes.len(), picks()).prop_map(move |(node, picks)| entry(nodes[node], &picks));
    vec(one, 0..=most).prop_map(tree)
}

/// The leaves that attach a composed list.
pub static PLACES: LazyLock<Vec<&'static Node>> = LazyLock::new(|| {
    let attaches = |it: &&Node| {
        let at = entry(it, &[0]).0;
        let share = Composed {
            at,
            rules: Vec::new(),
            last: Tree::new(),
            adopt: false,
        };
        let wish = Wish {
            composed: vec![share],
            ..Wish::default()
        };
        let mut owners = Ownership::new();
        owners.contribute(wish, &Tree::new(), Schema::canonical()).is_ok()
    };
    let leaves = entry_nodes().into_iter().filter(|it| it.is_leaf() && !it.state);
    leaves.filter(attaches).collect()
});

/// The name of the kind of list that a place attaches.
pub fn attached(place: &Node) -> &str {
    let refers = place.refers.as_deref().unwrap();
    refers.split('/').next().unwrap()
}

/// A share of a composed list: some rules, and often a last one, at a place that others meet too.
pub fn shares() -> impl Strategy<Value = Composed> {
    let rules = vec(vec((any::<usize>(), picks()), 1..3), 0..3);
    let last = proptest::option::of((any::<usize>(), picks()));
    let place = prop_oneof![(0..PLACES.len(), 0..2_u8), Just((0, 0)), Just((0, 0))];
    (place, rules, last, any::<bool>()).prop_map(|((place, key), rules, last, adopt)| {
        let place = PLACES[place];
        let inside = format!("{}/rule/", attached(place));
        let nodes = entry_nodes();
        let nodes: Vec<&Node> = nodes
            .into_iter()
            .filter(|it| it.path().starts_with(&inside) && !it.state && it.name() != "sequence")
            .collect();
        let rule = |picked: &[(usize, Vec<u8>)]| -> Tree {
            let picked = picked
                .iter()
                .map(|(node, picks)| entry(nodes[node % nodes.len()], picks));
            picked.flat_map(relative).collect()
        };
        Composed {
            at: entry(place, &[key]).0,
            rules: rules.iter().map(|it| rule(it)).collect(),
            last: last
                .iter()
                .map(|it| rule(std::slice::from_ref(it)))
                .next()
                .unwrap_or_default(),
            adopt,
        }
    })
}

/// An entry in a rule and what stands above it there, as seen from the rule.
fn relative(entry: (Path, Value)) -> Vec<(Path, Value)> {
    let path = entry.0.clone();
    let rule = path.ancestors().find(|it| it.name() == "rule").unwrap();
    let inside = tree([entry])
        .into_iter()
        .filter(|it| it.0 != rule && it.0.starts_with(&rule));
    inside.map(|(path, value)| (path.relative(&rule), value)).collect()
}
