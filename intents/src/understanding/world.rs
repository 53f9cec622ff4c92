//! What sentences speak of: the names of the inventory and of the intents that hold, ready to be found.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use knowledge_model::Inventory;

use super::lexicon::stems;
use super::text::{Text, Token};
use crate::words::Kind;

/// A name and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// As the inventory writes it.
    pub name: String,
    /// What it is.
    pub kind: Kind,
}

/// The names that sentences may use.
#[derive(Debug, Clone, Default)]
pub struct Names {
    exact: HashMap<String, Vec<(Vec<String>, Named)>>,
    stemmed: HashMap<String, Vec<(Vec<String>, Named)>>,
    all: Vec<Named>,
    members: BTreeMap<String, Vec<String>>,
    interfaces: BTreeMap<String, BTreeSet<String>>,
    intents: BTreeMap<String, String>,
    outside: Vec<String>,
    stems: HashSet<String>,
}

impl Names {
    /// The names of an inventory, and those of the intents that hold with their classes.
    pub fn new<'a>(inventory: &Inventory, intents: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut world = Self::default();
        for device in &inventory.devices {
            world.add(&device.name, Kind::Device);
        }
        for host in &inventory.hosts {
            world.add(&host.name, Kind::Host);
        }
        for site in inventory.sites.keys() {
            world.add(site, Kind::Site);
            let there = inventory.devices.iter().filter(|it| it.site.as_ref() == Some(site));
            world
                .members
                .insert(site.clone(), there.map(|it| it.name.clone()).collect());
        }
        for group in inventory.groups.keys() {
            let members = inventory.in_group(group).unwrap_or_default();
            let devices = members.iter().any(|it| inventory.device(it).is_some());
            world.add(group, if devices { Kind::Devices } else { Kind::Hosts });
            // In the order of the inventory: that is how people count them.
            let ordered = inventory
                .nodes()
                .filter(|it| members.contains(it))
                .map(str::to_owned)
                .collect();
            world.members.insert(group.clone(), ordered);
        }
        let tags: BTreeSet<&String> = inventory.devices.iter().flat_map(|it| &it.tags).collect();
        for tag in tags {
            world.add(tag, Kind::Tag);
            let tagged = inventory.devices.iter().filter(|it| it.tags.contains(tag));
            world
                .members
                .insert(tag.clone(), tagged.map(|it| it.name.clone()).collect());
        }
        for (name, prefixes) in &inventory.prefixes {
            world.add(name, Kind::Network);
            if prefixes.prefixes.contains("0.0.0.0/0") || prefixes.prefixes.contains("::/0") {
                world.outside.push(name.clone());
            }
        }
        for end in inventory.links.iter().flat_map(|it| &it.ends) {
            world
                .interfaces
                .entry(end.node.clone())
                .or_default()
                .insert(end.interface.clone());
            world.stems.insert(letters_of(&end.interface));
        }
        for (intent, class) in intents {
            world.add(intent, Kind::Intent);
            world.intents.insert(intent.to_owned(), class.to_owned());
        }
        world
    }

    fn add(&mut self, name: &str, kind: Kind) {
        let named = Named {
            name: name.to_owned(),
            kind,
        };
        let words: Vec<String> = Text::read(name)
            .map(|text| text.tokens.into_iter().map(|it| it.text).collect())
            .unwrap_or_default();
        if let Some(first) = words.first() {
            self.exact
                .entry(first.clone())
                .or_default()
                .push((words, named.clone()));
        }
        // People say guests of one guest, and the other way round; of r1 they do not.
        let words = stems(name);
        if let Some(first) = words.first().filter(|_| !name.chars().any(|it| it.is_ascii_digit())) {
            self.stemmed
                .entry(first.clone())
                .or_default()
                .push((words, named.clone()));
        }
        self.all.push(named);
    }

    /// Every name that begins at a token: the token behind it, the name, and whether it stands there to the letter.
    #[must_use]
    pub fn at(&self, tokens: &[Token], at: usize) -> Vec<(usize, &Named, bool)> {
        let Some(first) = tokens.get(at) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        for (words, named) in self.exact.get(&first.text).into_iter().flatten() {
            let here = tokens.get(at..at + words.len()).unwrap_or_default();
            if here.len() == words.len() && here.iter().zip(words).all(|(token, word)| token.text == *word) {
                found.push((at + words.len(), named, true));
            }
        }
        for (words, named) in self.stemmed.get(&first.stem).into_iter().flatten() {
            let here = tokens.get(at..at + words.len()).unwrap_or_default();
            let fits = here.len() == words.len() && here.iter().zip(words).all(|(token, word)| token.stem == *word);
            let known = |it: &(usize, &Named, bool)| it.1.name == named.name;
            if fits && !found.iter().any(known) {
                found.push((at + words.len(), named, false));
            }
        }
        found
    }

    /// The members of a group.
    #[must_use]
    pub fn members(&self, group: &str) -> Option<&[String]> {
        self.members.get(group).map(Vec::as_slice)
    }

    /// The network that holds every address, by the name that fits the script of the sentence.
    #[must_use]
    pub fn outside(&self, chinese: bool) -> Option<&str> {
        let fitting = self.outside.iter().find(|it| it.is_ascii() != chinese);
        fitting.or(self.outside.first()).map(String::as_str)
    }

    /// The class of an intent that holds.
    #[must_use]
    pub fn class_of(&self, intent: &str) -> Option<&str> {
        self.intents.get(intent).map(String::as_str)
    }

    /// Every name with the word for what it is.
    pub fn all(&self) -> impl Iterator<Item = (&str, &'static str)> {
        self.all.iter().map(|it| (it.name.as_str(), it.kind.word()))
    }

    /// Every name.
    pub fn names(&self) -> impl Iterator<Item = &Named> {
        self.all.iter()
    }

    /// The interfaces of a device, or of all where none is named.
    #[must_use]
    pub fn interfaces(&self, device: Option<&str>) -> BTreeSet<&str> {
        let of = |name: &String| device.is_none_or(|device| device == name);
        let fitting = self.interfaces.iter().filter(|(name, _)| of(name));
        fitting.flat_map(|(_, all)| all).map(String::as_str).collect()
    }

    /// Whether interfaces here begin like this: `eth`, `ge`.
    #[must_use]
    pub fn interface_stem(&self, letters: &str) -> bool {
        self.stems.contains(letters)
    }

    /// Names like `said`, the nearest first: one letter off in a short name, two in a long one.
    #[must_use]
    pub fn near(&self, said: &str) -> Vec<&Named> {
        let length = said.chars().count();
        let most = if length > 4 { 2 } else { 1 };
        let mut found: Vec<(usize, &Named)> = self
            .all
            .iter()
            .filter(|it| it.name.chars().count().abs_diff(length) <= most)
            .map(|it| (distance(said, &it.name.to_lowercase()), it))
            .filter(|(far, _)| *far <= most)
            .collect();
        found.sort_by(|a, b| (a.0, &a.1.name).cmp(&(b.0, &b.1.name)));
        found.into_iter().map(|(_, it)| it).collect()
    }
}

/// The letters before the first digit.
#[must_use]
pub fn letters_of(name: &str) -> String {
    name.chars()
        .take_while(|it| it.is_alphabetic())
        .flat_map(char::to_lowercase)
        .collect()
}

/// How many letters must be put in, taken out, replaced or swapped with a neighbour.
#[must_use]
pub fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(64).collect(), b.chars().take(64).collect());
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let same = usize::from(a[i - 1] != b[j - 1]);
            row[j] = (above[j] + 1).min(row[j - 1] + 1).min(above[j - 1] + same);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = above;
        above = row;
    }
    above[b.len()]
}
