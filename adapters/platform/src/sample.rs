//! Configurations made from a platform's own rules: what the lens laws are tried on.

use crate::form::Form;
use crate::net::Family;
use crate::pattern::{Key, Pattern};
use crate::platform::Platform;
use crate::rule::{Rule, Subject, below, item};
use crate::slot::{Slot, Source};
use knowledge_model::{Path, Tree, Value};

/// Numbers that follow from a seed alone.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// The numbers of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number below a bound.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut it = self.0;
        it = (it ^ (it >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        it = (it ^ (it >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (it ^ (it >> 31)) % bound.max(1)
    }

    fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        let count = u64::try_from(words.len()).unwrap_or(1);
        usize::try_from(self.below(count))
            .ok()
            .and_then(|at| words.get(at))
            .copied()
            .unwrap_or_default()
    }
}

impl Platform {
    /// A configuration that some of the rules speak of, each with its chance.
    pub fn sample(&self, seed: u64) -> Tree {
        let mut dice = Dice::new(seed);
        let mut tree = Tree::new();
        for rule in &self.rules {
            for _ in 0..dice.below(4) {
                add(self, rule, &mut dice, &mut tree);
            }
        }
        tree
    }
}

/// Puts one entry of a rule, with the entries that its headers need.
fn add(platform: &Platform, rule: &Rule, dice: &mut Dice, tree: &mut Tree) {
    let Some(entry) = some_path(&rule.path, tree, dice) else {
        return;
    };
    if platform.rules.iter().any(|it| it.is_taken(&entry, tree)) {
        return;
    }
    let around = platform
        .rules
        .iter()
        .filter(|it| it.subject == Subject::Entry && !it.traits.implied);
    let around = around.filter(|it| entry.ancestors().any(|above| it.path.bind(&above).is_some()));
    let headers = rule.context.iter().map(|id| &platform.rules[*id]);
    for header in around.chain(headers).chain([rule]) {
        let mut bindings = rule.path.bind(&entry).unwrap_or_default();
        let above = entry.ancestors().find_map(|above| header.path.bind(&above));
        if above.and_then(|above| bindings.adopt(&above)).is_none() && header.path.path(&bindings).is_none() {
            continue;
        }
        let Some(own) = header.path.path(&bindings) else {
            continue;
        };
        match &header.subject {
            Subject::Entry => tree.plant(own.clone(), Value::Present),
            Subject::Fixed(value) => {
                let other = if dice.below(4) == 0 { opposite(value) } else { value };
                tree.plant(own.clone(), Value::scalar(other));
            }
            Subject::Absence => {
                if let Some(parent) = own.parent() {
                    tree.plant(parent, Value::Present);
                }
                if dice.below(2) == 0 {
                    tree.plant(own.clone(), Value::Present);
                }
                continue;
            }
            Subject::Value | Subject::Container | Subject::Companion => {}
        }
        for slot in header.slots.values() {
            fill(slot, &own, dice, tree);
        }
    }
}

fn opposite(value: &str) -> &str {
    match value {
        "true" => "false",
        "false" => "true",
        other => other,
    }
}

fn fill(slot: &Slot, entry: &Path, dice: &mut Dice, tree: &mut Tree) {
    let leaf = match &slot.source {
        Source::Key => return,
        Source::Own => entry.clone(),
        Source::Leaf(leaf) => below(entry, leaf),
        Source::List(leaf) => {
            for _ in 0..=dice.below(3) {
                let word = word(&slot.form, dice);
                tree.plant(item(entry, leaf, &word), Value::Present);
            }
            return;
        }
    };
    if tree.contains(&leaf) || (!slot.required && dice.below(2) == 0) {
        return;
    }
    let hidden = slot.hidden.clone().filter(|_| dice.below(4) == 0);
    let value = match slot.secret {
        true => format!("secret:{}@{}", dice.pick(&["core", "edge", "lab"]), dice.below(9)),
        false => hidden.unwrap_or_else(|| word(&slot.form, dice)),
    };
    tree.plant(leaf, Value::scalar(value));
}

/// A path of a pattern: often one that is there already, so that entries come together.
fn some_path(pattern: &Pattern, tree: &Tree, dice: &mut Dice) -> Option<Path> {
    let mut path = Path::root();
    for step in pattern.steps() {
        let there: Vec<Path> = siblings(&path.child(&step.name), tree);
        let keys: Vec<String> = step
            .keys
            .iter()
            .map(|key| match key {
                Key::Literal(text) => text.clone(),
                Key::Slot(_, form) => word(form, dice),
            })
            .collect();
        let fresh = path.try_keyed(&step.name, keys).ok()?;
        let fitting = there.iter().filter(|it| fits(it, &step.keys)).collect::<Vec<_>>();
        let count = u64::try_from(fitting.len()).ok()?;
        let old = usize::try_from(dice.below(count + 1))
            .ok()
            .and_then(|at| fitting.get(at))
            .map(|it| (*it).clone());
        path = if step.keys.is_empty() {
            fresh
        } else {
            old.unwrap_or(fresh)
        };
    }
    Some(path)
}

fn siblings(list: &Path, tree: &Tree) -> Vec<Path> {
    let depth = list.steps().count();
    let entries = tree.under(list).map(|(path, _)| path);
    entries.filter(|path| path.steps().count() == depth).cloned().collect()
}

fn fits(path: &Path, keys: &[Key]) -> bool {
    path.last().is_some_and(|step| {
        step.keys.len() == keys.len()
            && step.keys.iter().zip(keys).all(|(text, key)| match key {
                Key::Literal(literal) => literal == text,
                Key::Slot(_, form) => form.canonical(text).as_deref() == Some(*text),
            })
    })
}

/// A canonical value of a form.
fn word(form: &Form, dice: &mut Dice) -> String {
    match form {
        Form::Word | Form::Name | Form::Token => dice.pick(&["eth1", "eth2", "edge", "A-7", "lo"]).to_owned(),
        Form::Text | Form::Words | Form::Quoted => dice.pick(&["to pe2", "uplink, 10 Gbit/s", "x"]).to_owned(),
        Form::Number { low, high } => match dice.below(8) {
            0 => low.to_string(),
            1 => high.to_string(),
            _ => (low + dice.below((high - low).saturating_add(1).min(200))).to_string(),
        },
        Form::Area => format!("0.0.0.{}", dice.below(3)),
        Form::Community => match dice.below(4) {
            0 => dice.pick(&["no-export", "local-as"]).to_owned(),
            _ => format!("65001:{}", dice.below(5)),
        },
        Form::Address(family) => address(*family, dice),
        Form::Prefix(family) => network(*family, dice, form),
        Form::Interface(family) => network(*family, dice, form),
        Form::Choice(pairs) => {
            let words: Vec<&str> = pairs.iter().map(|(own, _)| own.as_str()).collect();
            dice.pick(&words).to_owned()
        }
        Form::Scaled(unit) => (unit * (1 + dice.below(1000))).to_string(),
        Form::Endpoint => match dice.below(3) {
            0 => format!("{}/32", address(Family::V4, dice)),
            _ => network(Family::V4, dice, form),
        },
        Form::Ports => match dice.below(2) {
            0 => (1 + dice.below(1000)).to_string(),
            _ => format!("{}-{}", 1 + dice.below(1000), 2000 + dice.below(1000)),
        },
    }
}

fn address(family: Family, dice: &mut Dice) -> String {
    match (family, dice.below(2)) {
        (Family::V6, _) | (Family::Any, 0) => format!("2001:db8::{:x}", 1 + dice.below(250)),
        (Family::V4 | Family::Any, _) => format!("192.0.2.{}", 1 + dice.below(250)),
    }
}

fn network(family: Family, dice: &mut Dice, form: &Form) -> String {
    let address = address(family, dice);
    let length = match address.contains(':') {
        true => 32 + dice.below(97),
        false => 8 + dice.below(25),
    };
    let text = format!("{address}/{length}");
    form.canonical(&text).unwrap_or(text)
}
