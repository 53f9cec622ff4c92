//! Names of the inventory, interfaces, what refers back, and names that do not exist.

use serde_json::json;

use super::Scan;
use crate::understanding::entity::Matter;
use crate::understanding::text::Shape;
use crate::understanding::world::{Named, distance, letters_of};
use crate::words::Kind;

/// How interfaces begin where no link of the inventory says otherwise.
const STEMS: &[&str] = &[
    "eth",
    "ge",
    "xe",
    "te",
    "gi",
    "fa",
    "et",
    "ens",
    "enp",
    "eno",
    "bond",
    "vlan",
    "tun",
    "lo",
    "loopback",
    "gigabitethernet",
    "tengigabitethernet",
    "hundredgige",
    "ethernet",
    "swp",
    "po",
    "ae",
    "irb",
    "port-channel",
];

impl Scan<'_> {
    pub(super) fn names(&mut self, at: usize) {
        if let Some((end, ())) = self.lexicon.everything.longest(self.tokens(), at)
            && !self.narrowed(at, end)
        {
            self.plain(at, end, Kind::All, json!("all"));
        }
        if let Some((end, ())) = self.lexicon.pronouns.longest(self.tokens(), at) {
            self.found.push(crate::understanding::entity::Entity {
                begin: at,
                end,
                kind: Kind::Device,
                matter: Matter::Pronoun,
                faint: true,
            });
        }
        for (chinese, sequences) in [false, true].into_iter().zip(&self.lexicon.outside) {
            let found = sequences.longest(self.tokens(), at).map(|(end, ())| end);
            if let Some((end, name)) = found.zip(self.world.outside(chinese)) {
                self.plain(at, end, Kind::Network, json!(name));
            }
        }
        if let Some((end, prefix)) = self.lexicon.prefixes.longest(self.tokens(), at) {
            self.plain(at, end, Kind::Prefix, json!(prefix));
        }
        self.interface(at);
        if self.inside_run(at) {
            return;
        }
        for (end, named, exact) in self.world.at(&self.text.tokens, at) {
            if self.run_goes_on(end) {
                continue;
            }
            if let Some(stop) = self.one_of_many(at, end, named, exact) {
                let candidates = self.world.members(&named.name).unwrap_or_default().to_vec();
                let said = self.text.said(at, stop);
                let kind = if named.kind == Kind::Hosts {
                    Kind::Host
                } else {
                    Kind::Device
                };
                self.add(at, stop, kind, Matter::Ambiguous { said, candidates });
                continue;
            }
            self.plain(at, end, named.kind, json!(named.name));
        }
    }

    /// Whether a name beside `all devices` says of which: `tagged lab`, 北京的.
    fn narrowed(&self, at: usize, end: usize) -> bool {
        let joins = |at: usize| {
            matches!(
                self.word(at),
                "tagged"
                    | "with"
                    | "tag"
                    | "in"
                    | "at"
                    | "of"
                    | "the"
                    | "labelled"
                    | "labeled"
                    | "group"
                    | "site"
                    | "from"
                    | "as"
            )
        };
        let mut behind = end;
        while joins(behind) && behind < end + 4 {
            behind += 1;
        }
        let after = behind > end && self.is_name(behind);
        let before = (1..9).filter_map(|far| at.checked_sub(far)).any(|begin| {
            let names = self.world.at(self.tokens(), begin);
            names
                .iter()
                .any(|(stop, _, _)| *stop == at || (*stop + 1 == at && self.word(*stop) == "的"))
        });
        after || before
    }

    /// Whether the token stands inside a longer word such as `ber-r1`.
    fn inside_run(&self, at: usize) -> bool {
        let sign = at > 0 && self.tokens()[at].glued && matches!(self.word(at - 1), "-" | "." | "_" | "@" | "#");
        if !sign || self.tokens()[at].shape == Shape::Han {
            return false;
        }
        let joined = at > 1 && self.tokens()[at - 1].glued && self.tokens()[at - 2].shape == Shape::Word;
        let linking = at > 1 && matches!(self.word(at - 2), "to" | "and" | "from");
        joined && !linking
    }

    /// Whether a word goes on behind a name: `r1-old`, but not `paris-to-london`.
    fn run_goes_on(&self, end: usize) -> bool {
        let tokens = self.tokens();
        let sign = matches!(self.word(end), "-" | "." | "_" | "@") && tokens.get(end).is_some_and(|it| it.glued);
        let word = tokens
            .get(end + 1)
            .is_some_and(|it| it.glued && it.shape == Shape::Word);
        sign && word && !matches!(self.word(end + 1), "to" | "and") && !(self.word(end) == "-" && self.is_name(end + 1))
    }

    fn is_name(&self, at: usize) -> bool {
        !self.world.at(self.tokens(), at).is_empty()
    }

    /// The token behind `the edge router`, 出口那台: one of a group, and nobody says which.
    fn one_of_many(&self, at: usize, end: usize, named: &Named, exact: bool) -> Option<usize> {
        let (name, kind) = (named.name.as_str(), named.kind);
        let many = self.world.members(name).is_some_and(|it| it.len() > 1);
        if !many || !matches!(kind, Kind::Devices | Kind::Hosts | Kind::Tag | Kind::Site) {
            return None;
        }
        let tokens = self.tokens();
        let one_of = at > 1
            && (self.word(at - 1) == "of" && matches!(self.word(at - 2), "one" | "either" | "any")
                || at > 2
                    && self.word(at - 1) == "the"
                    && self.word(at - 2) == "of"
                    && matches!(self.word(at - 3), "one" | "either"));
        if one_of {
            return Some(end);
        }
        if let Some((stop, ())) = self.lexicon.singular[2].longest(tokens, end) {
            return Some(stop);
        }
        let each = at > 0 && matches!(self.word(at - 1), "every" | "each" | "any" | "all" | "both");
        let noun = self.lexicon.singular[1]
            .longest(tokens, end)
            .filter(|(stop, ())| !self.word(stop - 1).ends_with('s'));
        if let Some((stop, ())) = noun.filter(|_| !each && kind != Kind::Hosts && tokens[at].shape == Shape::Word) {
            return Some(stop);
        }
        let singular = !exact && !self.word(end - 1).ends_with('s');
        let said = (1..4).filter_map(|far| at.checked_sub(far)).any(|begin| {
            self.lexicon.singular[0]
                .longest(tokens, begin)
                .is_some_and(|(stop, ())| stop == at)
        });
        let counted = said && (singular || tokens[at].shape == Shape::Han);
        (counted && matches!(kind, Kind::Hosts | Kind::Devices)).then_some(end)
    }

    fn interface(&mut self, at: usize) {
        let loopback = [
            &["loopback"][..],
            &["loopbacks"],
            &["环", "回", "口"],
            &["环", "回", "接", "口"],
            &["环", "回"],
            &["lo"],
        ];
        let said = |words: &&&[&str]| words.iter().enumerate().all(|(far, word)| self.word(at + far) == *word);
        if let Some(words) = loopback.iter().find(said) {
            let end = at + words.len();
            let end = if self.word(end) == "lo" { end + 1 } else { end };
            self.add(
                at,
                end,
                Kind::Interface,
                Matter::Interface {
                    device: None,
                    name: "lo".to_owned(),
                },
            );
            return;
        }
        let end = self.interface_end(at);
        let name = self.text.said(at, end);
        if !self.is_interface(&name) || self.inside_run(at) {
            return;
        }
        let known = self.world.interfaces(None);
        let canonical = known
            .iter()
            .find(|it| it.eq_ignore_ascii_case(&name))
            .map_or(name.clone(), |it| (*it).to_owned());
        let nowhere = self.world.interface_stem(&letters_of(&name)) && !known.contains(canonical.as_str());
        let matter = if nowhere {
            let near = known.iter().map(|it| (*it).to_owned()).collect();
            Matter::Unknown { said: name, near }
        } else {
            Matter::Interface {
                device: None,
                name: canonical.clone(),
            }
        };
        self.add(at, end, Kind::Interface, matter);
        if !nowhere && at >= 2 && self.tokens()[at].glued && matches!(self.word(at - 1), ":" | "/") {
            self.interface_at_device(at, end, &canonical);
        }
    }

    /// `core1/eth4`, `r2:eth3`: the device stands glued before it.
    fn interface_at_device(&mut self, at: usize, end: usize, name: &str) {
        let device = self
            .found
            .iter()
            .find(|it| it.kind == Kind::Device && it.end == at - 1)
            .cloned();
        if let Some(entity) = device
            && let Matter::Plain(device) = &entity.matter
        {
            let device = device.as_str().map(str::to_owned);
            self.add(
                entity.begin,
                end,
                Kind::Interface,
                Matter::Interface {
                    device,
                    name: name.to_owned(),
                },
            );
        }
    }

    /// Behind `eth1`, `ge-0/0/1`, `GigabitEthernet0/0/1`.
    fn interface_end(&self, at: usize) -> usize {
        let tokens = self.tokens();
        let digit = |at: usize| self.word(at).chars().next().is_some_and(|it| it.is_ascii_digit());
        let glued = |at: usize| tokens.get(at).is_some_and(|it| it.glued);
        let mut end = at + 1;
        while matches!(self.word(end), "/" | "-" | ".") && glued(end) && glued(end + 1) && digit(end + 1) {
            end += 2;
        }
        end
    }

    fn is_interface(&self, name: &str) -> bool {
        let letters = letters_of(name);
        let rest = &name[name
            .char_indices()
            .nth(letters.chars().count())
            .map_or(name.len(), |(at, _)| at)..];
        let numbered = rest.chars().any(|it| it.is_ascii_digit())
            && rest.chars().all(|it| it.is_ascii_digit() || "/-.".contains(it));
        numbered && (STEMS.contains(&letters.as_str()) || self.world.interface_stem(&letters))
    }

    /// Words that are no names and nearly one.
    pub(super) fn misspelt_names(&mut self) {
        let mut covered = vec![false; self.text.tokens.len()];
        for entity in self
            .found
            .iter()
            .filter(|it| !matches!(it.matter, Matter::Pronoun) && it.kind != Kind::Sink)
        {
            if !entity.faint && entity.kind != Kind::Quoted {
                covered[entity.begin..entity.end].fill(true);
            }
        }
        let mut at = 0;
        while at < covered.len() {
            let end = match self.text.tokens[at].shape {
                Shape::Word if !self.inside_run(at) => self.misspelt_word(at, &covered),
                Shape::Han => self.misspelt_han(at, &covered),
                Shape::Word | Shape::Sign => None,
            };
            at = end.unwrap_or(at + 1).max(at + 1);
        }
    }

    fn misspelt_word(&mut self, at: usize, covered: &[bool]) -> Option<usize> {
        let mut end = self.run_end(at);
        while end > at + 1 && matches!(self.word(end - 1), "-" | "." | ":" | "/" | "'" | "_") {
            end -= 1;
        }
        let stop = (at + 1..end)
            .find(|it| matches!(self.word(*it), ":" | "/" | "'"))
            .unwrap_or(end);
        let stop = (at + 1..stop)
            .find(|it| self.word(*it) == "-" && matches!(self.word(it + 1), "to" | "and"))
            .unwrap_or(stop);
        let known = stop == at + 1 && (self.known)(&self.text.tokens[at]);
        if known || covered[at..stop].iter().any(|it| *it) {
            return None;
        }
        let said = self.text.said(at, stop).to_lowercase();
        if let Some(kind) = self.misspelt_interface(&said) {
            let near = kind;
            self.add(at, stop, Kind::Interface, Matter::Unknown { said, near });
            return Some(stop);
        }
        let digits = said.chars().any(|it| it.is_ascii_digit());
        if said.chars().count() < if digits { 2 } else { 4 } || said.chars().all(|it| it.is_ascii_digit()) {
            return None;
        }
        let near = self.world.near(&said);
        let nearest = near.first()?;
        // Of plain words only a letter off is a name: a language is full of words.
        let plain = !digits && !said.contains('-') && distance(&said, &nearest.name.to_lowercase()) > 1;
        if plain {
            return None;
        }
        let kind = nearest.kind;
        let near = near.iter().map(|it| it.name.clone()).collect();
        self.add(at, stop, kind, Matter::Unknown { said, near });
        Some(stop)
    }

    fn misspelt_interface(&self, said: &str) -> Option<Vec<String>> {
        let letters = letters_of(said);
        let rest = said.strip_prefix(letters.as_str())?;
        let numbered = !rest.is_empty() && rest.chars().all(|it| it.is_ascii_digit());
        let known = self.world.interfaces(None);
        let like = |name: &&&str| letters.chars().count() > 2 && distance(&letters_of(name), &letters) == 1;
        let near: Vec<String> = known.iter().filter(like).map(|it| (*it).to_owned()).collect();
        (numbered && !near.is_empty()).then_some(near)
    }

    /// Three characters or more of which one is another than in a name.
    fn misspelt_han(&mut self, at: usize, covered: &[bool]) -> Option<usize> {
        let tokens = &self.text.tokens;
        let long = |name: &str| name.chars().count() >= 3 && !name.is_ascii();
        let near = self
            .world
            .names()
            .map(|it| (it.name.as_str(), it.kind))
            .filter(|(name, _)| long(name))
            .find_map(|(name, kind)| {
                let length = name.chars().count();
                let here = tokens.get(at..at + length)?;
                let free =
                    covered[at..at + length].iter().all(|it| !it) && here.iter().all(|it| it.shape == Shape::Han);
                let off = here
                    .iter()
                    .zip(name.chars())
                    .filter(|(token, letter)| !token.text.starts_with(*letter))
                    .count();
                (free && off == 1).then(|| (name.to_owned(), kind, length))
            });
        let (name, kind, length) = near?;
        let said = self.text.said(at, at + length);
        self.add(at, at + length, kind, Matter::Unknown { said, near: vec![name] });
        Some(at + length)
    }
}
