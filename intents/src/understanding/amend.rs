//! What a speaker takes back in the same breath: `eth2, no, eth3`, 算了还是80M吧, `200, not 20`.

use super::entity::Entity;
use super::lexicon::Lexicon;
use super::scan::Lattice;
use super::text::{Shape, Text};
use crate::words::Kind;

/// How many words may stand between a mark of correction and the value that counts.
const NEAR: usize = 4;

/// The sentence as it is meant in the end; none where nothing is taken back.
#[must_use]
pub fn amended(text: &Text, lattice: &Lattice, lexicon: &Lexicon, quoted: &[bool]) -> Option<String> {
    let open = |at: &usize| !quoted.get(*at).copied().unwrap_or(false);
    (1..text.tokens.len())
        .filter(open)
        .find_map(|at| corrected(text, lattice, lexicon, at).or_else(|| contrasted(text, lattice, at)))
}

/// `… eth2, sorry, eth3`: the value behind the mark stands where the one before it stood.
fn corrected(text: &Text, lattice: &Lattice, lexicon: &Lexicon, at: usize) -> Option<String> {
    let (end, ()) = lexicon.corrects.longest(&text.tokens, at)?;
    let next = (end..(end + NEAR).min(text.tokens.len())).find_map(|it| value(lattice, it))?;
    let before = lattice
        .entities
        .iter()
        .filter(|it| is_value(it) && it.end <= at && alike(it, next))
        .max_by_key(|it| (it.end, it.end - it.begin))?;
    let mut stop = next.end;
    while text
        .tokens
        .get(stop)
        .is_some_and(|it| matches!(it.text.as_str(), "的" | "吧" | "了" | "instead" | "please"))
    {
        stop += 1;
    }
    let mut begin = at;
    while begin > before.end && text.tokens[begin - 1].shape == Shape::Sign {
        begin -= 1;
    }
    let parts = [
        text.said(0, before.begin),
        text.said(next.begin, next.end),
        text.said(before.end, begin),
        text.said(stop, text.tokens.len()),
    ];
    let parts: Vec<String> = parts.into_iter().filter(|it| !it.is_empty()).collect();
    Some(parts.join(" "))
}

/// `200, not 20`: what is only named to be denied, beside a value of its kind.
fn contrasted(text: &Text, lattice: &Lattice, at: usize) -> Option<String> {
    let tokens = &text.tokens;
    let word = |at: usize| tokens.get(at).map_or("", |it| it.text.as_str());
    let mut next = match (word(at), word(at + 1), word(at + 2)) {
        ("not", ..) => at + 1,
        ("而", "不", "是") => at + 3,
        ("不", "是", _) | ("不", "要", _) => at + 2,
        _ => return None,
    };
    while matches!(word(next), "a" | "the" | "to" | "on" | "/" | "at") {
        next += 1;
    }
    let denied = value(lattice, next).filter(|it| !is_place(it.kind))?;
    let mut begin = at;
    while begin > 0 && matches!(word(begin - 1), "," | "-" | "and" | "no" | "(" | "but") {
        begin -= 1;
    }
    let parted = (begin..at).any(|it| word(it) == ",");
    let closes = |at: usize| matches!(word(at), "" | "," | ";" | "." | ")" | "!" | "了");
    let before = lattice
        .entities
        .iter()
        .any(|it| is_value(it) && it.end <= begin && begin <= it.end + 1 && alike(it, denied));
    let exempt = word(at.wrapping_sub(1)) == "but";
    if exempt || !before || !(parted || word(at) == "not" || word(at) == "而") || !closes(denied.end) {
        return None;
    }
    let mut stop = denied.end;
    while matches!(word(stop), "了" | ")") {
        stop += 1;
    }
    let rest = text.said(stop, tokens.len());
    Some(format!("{} {rest}", text.said(0, begin)).trim().to_owned())
}

fn value(lattice: &Lattice, at: usize) -> Option<&Entity> {
    lattice.at(at).map(|(_, it)| it).find(|it| is_value(it))
}

fn is_value(entity: &Entity) -> bool {
    !entity.faint && !matches!(entity.kind, Kind::Quoted | Kind::Sink | Kind::Rest | Kind::Word)
}

/// Whether one value can stand in the place of the other.
fn alike(one: &Entity, other: &Entity) -> bool {
    one.kind == other.kind || is_place(one.kind) && is_place(other.kind)
}

/// Of places one may be wanted and the other not: `take r6, not core2` takes nothing back.
fn is_place(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Device | Kind::Host | Kind::Site | Kind::Devices | Kind::Hosts | Kind::Network | Kind::Tag
    )
}
