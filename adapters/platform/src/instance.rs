//! A configuration as the lines that a platform has for it: each rule, each entry that it speaks of.

use crate::platform::Platform;
use crate::rule::{Rule, Subject, below};
use crate::slot::{Bindings, Slot, Source, compare_keys};
use crate::text::is_reference;
use knowledge_model::{Path, Tree, Value};
use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

/// Which line: the rules from the outermost block to the line itself, each with the keys of its entry.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Chain(pub Vec<(usize, Vec<String>)>);

/// A line with its values and the headers that it stands under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Instance {
    pub rule: usize,
    pub bindings: Bindings,
    pub context: Vec<(usize, Bindings)>,
}

/// An entry that the platform has no line for as it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Problem {
    pub path: Path,
    pub why: Why,
}

/// Why there is no line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Why {
    /// The value has no form in the vendor's language.
    Inexpressible,
    /// Something that the line needs is not in the model.
    Missing(Path),
}

impl PartialOrd for Chain {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Chain {
    fn cmp(&self, other: &Self) -> Ordering {
        for ((rule, keys), (rule2, keys2)) in self.0.iter().zip(&other.0) {
            let order = rule.cmp(rule2).then_with(|| compare_keys(keys, keys2));
            if order != Ordering::Equal {
                return order;
            }
        }
        self.0.len().cmp(&other.0.len())
    }
}

impl Chain {
    /// True if the line stands in the block that `header` opens, or is the header itself.
    pub fn starts_with(&self, header: &Self) -> bool {
        self.0.starts_with(&header.0)
    }
}

impl Instance {
    /// Its identity and its place in the order.
    pub fn chain(&self, rules: &[Rule]) -> Chain {
        let own = std::iter::once((self.rule, &self.bindings));
        let context = self.context.iter().map(|(rule, bindings)| (*rule, bindings));
        Chain(
            context
                .chain(own)
                .map(|(rule, bindings)| (rule, rules[rule].keys(bindings)))
                .collect(),
        )
    }
}

/// The lines of a configuration in their order, and what has none.
pub(crate) fn instances(platform: &Platform, tree: &Tree) -> (BTreeMap<Chain, Instance>, Vec<Problem>) {
    let index = Index::of(tree);
    let mut found = BTreeMap::new();
    let mut problems = Vec::new();
    for (id, rule) in platform.rules.iter().enumerate() {
        for bindings in subjects(rule, tree, &index) {
            match complete(platform, id, bindings, tree) {
                Ok(Some(instance)) => {
                    found.insert(instance.chain(&platform.rules), instance);
                }
                Ok(None) => {}
                Err(problem) => problems.push(problem),
            }
        }
    }
    problems.sort();
    problems.dedup();
    (found, problems)
}

/// The entries of a tree by the names of their steps.
struct Index<'a>(HashMap<String, Vec<(&'a Path, &'a Value)>>);

impl<'a> Index<'a> {
    fn of(tree: &'a Tree) -> Self {
        let mut map: HashMap<String, Vec<_>> = HashMap::new();
        for (path, value) in tree.iter() {
            let mut names = String::new();
            for step in path.steps() {
                names.push('/');
                names.push_str(step.name);
            }
            map.entry(names).or_default().push((path, value));
        }
        Self(map)
    }

    fn of_pattern(&self, pattern: &crate::pattern::Pattern) -> &[(&'a Path, &'a Value)] {
        let mut names = String::new();
        for step in pattern.steps() {
            names.push('/');
            names.push_str(&step.name);
        }
        self.0.get(&names).map_or(&[], Vec::as_slice)
    }
}

/// The keys (and the value) of each entry that a rule speaks of.
fn subjects(rule: &Rule, tree: &Tree, index: &Index<'_>) -> Vec<Bindings> {
    match &rule.subject {
        Subject::Entry | Subject::Container if rule.traits.implied => Vec::new(),
        Subject::Entry => bound(rule, index, |value| *value == Value::Present),
        Subject::Value | Subject::Companion => bound(rule, index, |value| value.text().is_some()),
        Subject::Fixed(fixed) => bound(rule, index, |value| value.text() == Some(fixed)),
        Subject::Container => {
            let mut all: Vec<Bindings> = Vec::new();
            for (path, _) in tree.under(&rule.path.base()) {
                if let Some(bindings) = rule.path.bind_prefix(path)
                    && all.last() != Some(&bindings)
                {
                    all.push(bindings);
                }
            }
            all
        }
        Subject::Absence => {
            let parent = rule.path.parent();
            let entries = index
                .of_pattern(&parent)
                .iter()
                .filter_map(|(path, _)| parent.bind(path));
            entries
                .filter(|bindings| rule.entry(bindings).is_some_and(|path| !tree.contains(&path)))
                .collect()
        }
    }
}

fn bound(rule: &Rule, index: &Index<'_>, fits: impl Fn(&Value) -> bool) -> Vec<Bindings> {
    let entries = index.of_pattern(&rule.path).iter();
    entries
        .filter(|(_, value)| fits(value))
        .filter_map(|(path, _)| rule.path.bind(path))
        .collect()
}

/// Gives an instance the values of its leaves and its headers; none if the device does not show it.
fn complete(platform: &Platform, id: usize, keys: Bindings, tree: &Tree) -> Result<Option<Instance>, Problem> {
    let rules = &platform.rules;
    let Some(bindings) = fill(&rules[id], keys, tree)? else {
        return Ok(None);
    };
    let mut context = Vec::new();
    for &header in &rules[id].context {
        let mut keys = Bindings::default();
        for (name, _) in rules[header].path.slots() {
            if let Some(value) = bindings.value(name) {
                keys.bind(name, value.to_owned());
            }
        }
        match fill(&rules[header], keys, tree)? {
            Some(filled) => context.push((header, filled)),
            None => return Ok(None),
        }
    }
    Ok(Some(Instance {
        rule: id,
        bindings,
        context,
    }))
}

/// Reads the leaves of an entry into the slots of a rule. None if the value is one that the device does not show.
fn fill(rule: &Rule, mut bindings: Bindings, tree: &Tree) -> Result<Option<Bindings>, Problem> {
    let Some(entry) = rule.entry(&bindings) else {
        return Ok(None);
    };
    for (name, slot) in &rule.slots {
        let leaf = match &slot.source {
            Source::Key => continue,
            Source::Own => entry.clone(),
            Source::Leaf(leaf) => below(&entry, leaf),
            Source::List(leaf) => {
                let whole = below(&entry, leaf);
                match listed(&whole, slot, tree)? {
                    Some(value) => {
                        bindings.bind(name, value);
                    }
                    None if slot.required && rule.traits.optional => return Ok(None),
                    None if slot.required => {
                        return Err(Problem {
                            path: entry,
                            why: Why::Missing(whole),
                        });
                    }
                    None => {}
                }
                continue;
            }
        };
        let value = match tree.text(&leaf) {
            Some(value) => match canonical(slot, value) {
                Some(value) => Some(value),
                None if slot.source == Source::Own => return Ok(None),
                None => {
                    return Err(Problem {
                        path: leaf,
                        why: Why::Inexpressible,
                    });
                }
            },
            None => None,
        };
        let shown = value
            .filter(|it| slot.hidden.as_ref() != Some(it))
            .or_else(|| slot.default.clone());
        match shown {
            Some(value) => {
                bindings.bind(name, value);
            }
            None if slot.source == Source::Own => return Ok(None),
            None if slot.required && rule.traits.optional => return Ok(None),
            None if slot.required => {
                return Err(Problem {
                    path: entry,
                    why: Why::Missing(leaf),
                });
            }
            None => {}
        }
    }
    Ok(Some(bindings))
}

/// The values of a leaf-list in the order of the tree.
fn listed(leaf: &Path, slot: &Slot, tree: &Tree) -> Result<Option<String>, Problem> {
    let mut words = Vec::new();
    for (path, _) in tree.under(leaf) {
        let value = path
            .last()
            .and_then(|step| step.keys.first().map(|key| (*key).to_owned()));
        let value = value.and_then(|it| slot.form.canonical(&it)).ok_or_else(|| Problem {
            path: path.clone(),
            why: Why::Inexpressible,
        })?;
        words.push(value);
    }
    Ok((!words.is_empty()).then(|| words.join(" ")))
}

/// The canonical value of a leaf; a secret is a reference or nothing.
fn canonical(slot: &Slot, value: &str) -> Option<String> {
    match slot.secret {
        true => is_reference(value).then(|| value.to_owned()),
        false => slot.form.canonical(value),
    }
}

/// The configuration that these lines show: the platform's normal form of what they were made from.
pub(crate) fn tree_of<'a>(platform: &Platform, lines: impl Iterator<Item = &'a Instance>) -> Tree {
    let mut tree = Tree::new();
    let mut absences = Vec::new();
    for line in lines {
        for (header, bindings) in &line.context {
            plant(&mut tree, platform.rules[*header].entries(bindings));
        }
        let rule = &platform.rules[line.rule];
        match rule.subject {
            Subject::Absence => absences.extend(rule.entry(&line.bindings)),
            Subject::Entry | Subject::Value | Subject::Fixed(_) | Subject::Container | Subject::Companion => {
                plant(&mut tree, rule.entries(&line.bindings));
            }
        }
    }
    imply(platform, &mut tree, &absences);
    tree
}

fn plant(tree: &mut Tree, entries: Vec<(Path, Value)>) {
    for (path, value) in entries {
        tree.plant(path, value);
    }
}

/// Puts the entries that are there because no line says that they are not.
pub(crate) fn imply(platform: &Platform, tree: &mut Tree, absences: &[Path]) {
    let rules = platform.rules.iter().filter(|rule| rule.subject == Subject::Absence);
    for rule in rules {
        let parent = rule.path.parent();
        let mut implied = Vec::new();
        for (path, value) in tree.under(&parent.base()) {
            if *value == Value::Present
                && let Some(entry) = parent.bind(path).and_then(|it| rule.entry(&it))
                && !absences.contains(&entry)
            {
                implied.push(entry);
            }
        }
        for entry in implied {
            tree.plant(entry, Value::Present);
        }
    }
}
