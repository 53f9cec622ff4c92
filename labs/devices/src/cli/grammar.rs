//! Command grammars: which lines a mode takes, in which canonical form, and which line each replaces.

use std::net::{Ipv4Addr, Ipv6Addr};

/// A line that a mode takes.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// The mode that takes it.
    pub mode: &'static str,
    /// Its words: literals in lower case, placeholders in upper case, ranges in parentheses.
    pub pattern: &'static str,
    /// Positions of the words that make it the same setting; empty when every word does.
    pub slot: &'static [usize],
    /// The mode that it opens.
    pub opens: Option<&'static str>,
}

/// A line that sets something.
pub const fn set(mode: &'static str, pattern: &'static str, slot: &'static [usize]) -> Rule {
    Rule {
        mode,
        pattern,
        slot,
        opens: None,
    }
}

/// A line that opens a block.
pub const fn open(mode: &'static str, pattern: &'static str, opens: &'static str) -> Rule {
    Rule {
        mode,
        pattern,
        slot: &[],
        opens: Some(opens),
    }
}

/// A line that opens a block, under a new header where another has the same slot.
pub const fn reopen(mode: &'static str, pattern: &'static str, slot: &'static [usize], opens: &'static str) -> Rule {
    Rule {
        mode,
        pattern,
        slot,
        opens: Some(opens),
    }
}

/// A line that a rule took, in canonical words.
#[derive(Debug)]
pub struct Taken {
    /// The rule.
    pub rule: Rule,
    /// The line.
    pub words: Vec<String>,
}

impl Taken {
    /// The canonical line.
    pub fn line(&self) -> String {
        self.words.join(" ")
    }

    /// Whether another line is the same setting.
    pub fn replaces(&self, line: &str) -> bool {
        let other: Vec<&str> = line.split(' ').collect();
        match self.rule.slot {
            [] => other == self.words,
            slot => slot
                .iter()
                .all(|at| other.get(*at).copied() == self.words.get(*at).map(String::as_str)),
        }
    }
}

/// The first rule of a mode that takes the line.
pub fn take(rules: &[Rule], mode: &str, line: &str) -> Option<Taken> {
    let of_mode = rules.iter().filter(|rule| rule.mode == mode);
    of_mode
        .copied()
        .find_map(|rule| fit(rule.pattern, line).map(|words| Taken { rule, words }))
}

/// Whether the line is the beginning of what some rule of the mode takes: what an undo may name.
pub fn begins(rules: &[Rule], mode: &str, line: &str) -> Option<Vec<String>> {
    let given = line.split_whitespace().count();
    rules.iter().filter(|rule| rule.mode == mode).find_map(|rule| {
        let shorter: Vec<&str> = rule.pattern.split(' ').take(given).collect();
        let least = rule.slot.iter().filter(|at| **at < 2).count().min(2);
        if given < least || shorter.len() < given {
            return None;
        }
        fit(&shorter.join(" "), line)
    })
}

/// Whether more words would make the line one that the mode takes.
pub fn is_incomplete(rules: &[Rule], mode: &str, line: &str) -> bool {
    let given = line.split_whitespace().count();
    rules.iter().filter(|rule| rule.mode == mode).any(|rule| {
        let tokens: Vec<&str> = rule.pattern.split(' ').collect();
        let short = given < tokens.len() && fit(&tokens[..given].join(" "), line).is_some();
        let half = tokens[..given.min(tokens.len())]
            .join(" ")
            .replace("HOST4", "A4")
            .replace("NET4", "A4");
        short || given <= tokens.len() && half != tokens[..given].join(" ") && fit(&half, line).is_some()
    })
}

/// The canonical words of a line that fits a pattern.
pub fn fit(pattern: &str, line: &str) -> Option<Vec<String>> {
    let mut words = line.split_whitespace();
    let mut canonical = Vec::new();
    for token in pattern.split(' ') {
        if token == "LINE" {
            let rest: Vec<&str> = words.by_ref().collect();
            (!rest.is_empty()).then_some(())?;
            canonical.push(rest.join(" "));
        } else {
            canonical.push(word(token, words.next()?)?);
        }
    }
    words.next().is_none().then_some(canonical)
}

fn word(token: &str, word: &str) -> Option<String> {
    match token {
        "WORD" => Some(word.to_owned()),
        "A4" => word.parse::<Ipv4Addr>().ok().map(|it| it.to_string()),
        "A6" => word.parse::<Ipv6Addr>().ok().map(|it| it.to_string()),
        "ADDRESS" => word.parse::<std::net::IpAddr>().ok().map(|it| it.to_string()),
        "MASK" => word
            .parse::<Ipv4Addr>()
            .ok()
            .filter(|it| is_mask(*it))
            .map(|it| it.to_string()),
        "HOST4" => prefix4(word).map(|(host, length)| format!("{host}/{length}")),
        "HOST6" => prefix6(word).map(|(host, length)| format!("{host}/{length}")),
        "NET4" => prefix4(word).map(|(host, length)| format!("{}/{length}", net4(host, length))),
        "NET6" => prefix6(word).map(|(host, length)| format!("{}/{length}", net6(host, length))),
        range if range.starts_with('(') => {
            let (low, high) = range.trim_matches(['(', ')']).split_once('-')?;
            let number: u64 = word.parse().ok()?;
            (low.parse::<u64>().ok()? <= number && number <= high.parse::<u64>().ok()?).then(|| number.to_string())
        }
        choice if choice.contains('|') => choice.split('|').find(|it| *it == word).map(str::to_owned),
        literal => (word == literal || word.len() > 2 && literal.starts_with(word)).then(|| literal.to_owned()),
    }
}

/// Address and length of an IPv4 prefix.
pub fn prefix4(word: &str) -> Option<(Ipv4Addr, u32)> {
    let (host, length) = word.split_once('/')?;
    Some((host.parse().ok()?, length.parse().ok().filter(|it| *it <= 32)?))
}

/// Address and length of an IPv6 prefix.
pub fn prefix6(word: &str) -> Option<(Ipv6Addr, u32)> {
    let (host, length) = word.split_once('/')?;
    Some((host.parse().ok()?, length.parse().ok().filter(|it| *it <= 128)?))
}

/// The network of an address.
pub fn net4(host: Ipv4Addr, length: u32) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(host) & u32::MAX.checked_shl(32 - length).unwrap_or(0))
}

fn net6(host: Ipv6Addr, length: u32) -> Ipv6Addr {
    Ipv6Addr::from(u128::from(host) & u128::MAX.checked_shl(128 - length).unwrap_or(0))
}

/// The mask of a length.
pub fn mask(length: u32) -> Ipv4Addr {
    Ipv4Addr::from(u32::MAX.checked_shl(32 - length).unwrap_or(0))
}

fn is_mask(mask: Ipv4Addr) -> bool {
    let bits = u32::from(mask);
    bits.leading_ones() + bits.trailing_zeros() >= 32
}
