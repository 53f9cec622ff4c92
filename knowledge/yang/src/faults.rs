//! libyang's complaints as faults in our words: path, found, expected.

use crate::libyang::{Complaint, Refused, Why};
use knowledge_model::data::Fault;
use knowledge_model::distinct::{Repeated, repeated};
use knowledge_model::references::{Dangling, dangling};
use knowledge_model::{Path, Schema, Tree};
use std::collections::{BTreeMap, HashMap};

/// What libyang says that a rule beyond types is broken; `"…"` holds what the message quotes.
enum Rule<'a> {
    /// A node that must be there is not: its name.
    Mandatory(&'a str),
    /// No case of a choice was made: its name.
    Choice(&'a str),
    /// Two cases of one choice.
    Cases(&'a str, &'a str),
    /// A condition for being there is not met.
    When(&'a str),
    /// A rule without words of its own is broken.
    Must(&'a str),
    /// Leaves that are unique among the entries of a list are not.
    Unique(&'a str),
    /// Too few or too many of it.
    Few(&'a str),
    /// As above.
    Many(&'a str),
    /// The same entry twice.
    Twice(&'a str),
    /// State where configuration is expected.
    State(&'a str),
}

/// Openings of libyang's messages, and how many quoted words are needed of each.
fn rule(message: &str) -> Option<Rule<'_>> {
    let mut quoted = message.split('"').skip(1).step_by(2);
    let first = quoted.next();
    let second = quoted.next();
    let opens = |text: &str| message.starts_with(text);
    Some(match () {
        () if opens("Mandatory node ") => Rule::Mandatory(first?),
        () if opens("Mandatory choice ") => Rule::Choice(first?),
        () if opens("Data for both cases ") => Rule::Cases(first?, second?),
        () if opens("When condition ") => Rule::When(condition(message)?),
        () if opens("Must condition ") => Rule::Must(condition(message)?),
        () if opens("Unique data leaf") => Rule::Unique(first?),
        () if opens("Too few ") => Rule::Few(first?),
        () if opens("Too many ") => Rule::Many(first?),
        () if opens("Duplicate instance ") => Rule::Twice(first?),
        () if opens("Unexpected data state ") => Rule::State(first?),
        () => return None,
    })
}

/// The condition in `When condition "…" not satisfied.`; it may have quotes of its own.
fn condition(message: &str) -> Option<&str> {
    let (_, behind) = message.split_once('"')?;
    behind.rsplit_once('"').map(|it| it.0)
}

/// A complaint about what is in a map, as a fault.
pub(crate) fn named(complaint: &Complaint, tree: &Tree) -> Fault {
    let path = complaint.data.as_deref().and_then(instance).unwrap_or_else(Path::root);
    let there = tree.value(&path).map(|value| match value.text() {
        Some(text) if !is_secret(&path) => format!("\"{text}\""),
        Some(_) | None => format!("this {}", path.name()),
    });
    let there = there.unwrap_or_else(|| format!("{} as it is", path.name()));
    let at = |path: &Path, found: String, expected: String| Fault {
        path: path.to_string(),
        line: 0,
        column: 0,
        found,
        expected,
        hint: String::new(),
    };
    match rule(&complaint.message) {
        Some(Rule::Mandatory(name)) => at(&path.child(name), "nothing".to_owned(), wanted(&path, name)),
        Some(Rule::Choice(name)) => at(
            &path,
            format!("no {name}"),
            format!("one of {}", cases(&path, name).join(", ")),
        ),
        Some(Rule::Cases(one, other)) => at(&path, format!("both {one} and {other}"), "one of them".to_owned()),
        Some(Rule::When(condition)) => at(&path, there, format!("it only where {condition}")),
        Some(Rule::Must(condition)) => at(&path, there, format!("that {condition}")),
        Some(Rule::Unique(leaves)) => at(
            &path,
            format!("{leaves} as in another entry"),
            "entries that differ there".to_owned(),
        ),
        Some(Rule::Few(name)) => at(&path.child(name), format!("too few of {name}"), "more".to_owned()),
        Some(Rule::Many(name)) => at(&path.child(name), format!("too many of {name}"), "fewer".to_owned()),
        Some(Rule::Twice(name)) => at(&path, format!("{name} a second time"), "it once".to_owned()),
        Some(Rule::State(name)) => at(&path, format!("{name}, which is state"), "configuration".to_owned()),
        None => at(&path, there, complaint.message.trim_end_matches('.').to_owned()),
    }
}

impl Complaint {
    /// True if two cases of a choice are there. libyang does not say where: [`torn`] does.
    pub(crate) fn is_of_cases(&self) -> bool {
        matches!(rule(&self.message), Some(Rule::Cases(..)))
    }
}

/// The entries where two cases of a choice are there.
pub(crate) fn torn(tree: &Tree) -> Vec<Fault> {
    let schema = Schema::canonical();
    let mut chosen: HashMap<(Path, &str), (&str, &str)> = HashMap::new();
    let mut faults = BTreeMap::new();
    for (path, _) in tree.iter() {
        let Some((node, above)) = schema.node(path).zip(path.parent()) else {
            continue;
        };
        for it in &node.choices {
            let (case, name) = *chosen
                .entry((above.clone(), &it.choice))
                .or_insert((&it.case, node.name()));
            if *case != *it.case {
                faults.insert((above.clone(), &*it.choice), (name, node.name()));
            }
        }
    }
    let fault = |((path, choice), (one, other)): ((Path, &str), (&str, &str))| Fault {
        path: path.to_string(),
        line: 0,
        column: 0,
        found: format!("both {one} and {other}"),
        expected: format!("one {choice}"),
        hint: String::new(),
    };
    faults.into_iter().map(fault).collect()
}

/// An entry that could not be taken, as a fault.
pub(crate) fn refused(entry: &Refused, tree: &Tree) -> Fault {
    let path = &entry.path;
    let (found, expected) = match &entry.why {
        Why::Unknown => (
            format!("unknown node \"{}\"", path.name()),
            "a node of the schema".to_owned(),
        ),
        Why::Adrift(above) => ("an entry in nothing".to_owned(), format!("the entry {above} above it")),
        Why::Value => {
            let text = tree.text(path).map(str::to_owned);
            let text = text
                .or_else(|| path.last().map(|it| it.keys.join(" ")))
                .unwrap_or_default();
            let found = if is_secret(path) {
                "a secret that is not allowed".to_owned()
            } else {
                format!("{text:?}")
            };
            (found, expected_at(path))
        }
    };
    Fault {
        path: path.to_string(),
        line: 0,
        column: 0,
        found,
        expected,
        hint: String::new(),
    }
}

/// True for a leaf whose value is never shown: what stands where the name of a secret belongs may be the secret.
fn is_secret(path: &Path) -> bool {
    Schema::canonical().node(path).is_some_and(|it| it.secret)
}

/// What stands twice where it may stand once.
pub(crate) fn twice(tree: &Tree) -> impl Iterator<Item = Fault> {
    let all = repeated(tree, Schema::canonical()).into_iter();
    let fault = |it: Repeated<'_>| Fault {
        path: it.path.to_string(),
        line: 0,
        column: 0,
        found: format!("{} a second time", it.what),
        expected: "what stands on one device once".to_owned(),
        hint: format!("it stands at {} too", it.first),
    };
    all.map(fault)
}

/// What refers to something that is not there.
pub(crate) fn nowhere(tree: &Tree) -> impl Iterator<Item = Fault> {
    let fault = |it: Dangling<'_>| Fault {
        path: it.path.to_string(),
        line: 0,
        column: 0,
        found: format!("\"{}\"", it.name),
        expected: it.wanted,
        hint: String::new(),
    };
    dangling(tree, Schema::canonical()).map(fault)
}

/// What the type of a leaf, or the types of the keys of a list, take.
fn expected_at(path: &Path) -> String {
    let schema = Schema::canonical();
    let Some(node) = schema.node(path) else {
        return "a node of the schema".to_owned();
    };
    let keys = node.keys().iter().filter_map(|key| {
        let leaf = schema.child(Some(node), key)?.value_type()?;
        Some(format!("{key}: {leaf}"))
    });
    match node.value_type() {
        Some(typed) => typed.to_string(),
        None => keys.collect::<Vec<_>>().join("; "),
    }
}

fn wanted(path: &Path, name: &str) -> String {
    let typed = expected_at(&path.child(name));
    format!("{name}, which must be there: {typed}")
}

/// The names of the nodes that a choice is made of.
fn cases(path: &Path, choice: &str) -> Vec<String> {
    let schema = Schema::canonical();
    let parent = schema.node(path);
    let members = schema
        .children(parent)
        .filter(|it| it.choices.iter().any(|it| *it.choice == *choice));
    members.map(|it| it.name().to_owned()).collect()
}

/// A path as libyang writes it, `/module:list[key='…']/leaf`, as ours; none if it is not one.
fn instance(text: &str) -> Option<Path> {
    let mut path = Path::root();
    let mut rest = text;
    while !rest.is_empty() {
        rest = rest.strip_prefix('/')?;
        let end = rest.find(['/', '[']).unwrap_or(rest.len());
        let name = rest[..end].rsplit_once(':').map_or(&rest[..end], |it| it.1);
        rest = &rest[end..];
        let mut keys = Vec::new();
        while let Some(inside) = rest.strip_prefix('[') {
            let (_, quoted) = inside.split_once('=')?;
            let quote = quoted.chars().next().filter(|it| matches!(it, '\'' | '"'))?;
            let (value, behind) = quoted[1..].split_once(quote)?;
            keys.push(value);
            rest = behind.strip_prefix(']')?;
        }
        path = path.try_keyed(name, keys).ok()?;
    }
    Some(path)
}

#[cfg(test)]
mod tests;
