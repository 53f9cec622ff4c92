//! What speaks for and against a reading, in numbers, and how far it is believed.

use super::chain::Chain;
use super::entity::Matter;
use super::reading::{Draft, Grounds};
use super::text::Shape;
use crate::words::Kind;

/// What speaks for and against a reading.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Evidence(Vec<(&'static str, f64)>);

impl Evidence {
    /// The numbers by name.
    #[must_use]
    pub fn values(&self) -> &[(&'static str, f64)] {
        &self.0
    }

    /// A number by name.
    #[must_use]
    pub fn value(&self, name: &str) -> f64 {
        self.0
            .iter()
            .find(|(it, _)| *it == name)
            .map_or(0.0, |(_, value)| *value)
    }
}

/// What speaks against a reading, and how much.
const AGAINST: &[(&str, f64)] = &[
    ("unknown", 1.0),
    ("aside", 0.06),
    ("outside", 0.3),
    ("parts", 0.35),
    ("free text", 0.4),
    ("orphans", 0.5),
    ("taken over", 0.3),
    ("again", 0.5),
    ("narrow", 0.3),
];

impl Evidence {
    /// How much speaks against the reading.
    #[must_use]
    pub fn doubt(&self) -> f64 {
        AGAINST.iter().map(|(name, weight)| weight * self.value(name)).sum()
    }
}

/// What a chain and its sentence say.
#[must_use]
pub fn weigh(chain: &Chain, grounds: Grounds<'_>) -> Evidence {
    let drafts = &chain.drafts;
    let sum = |of: &dyn Fn(&Draft) -> f64| drafts.iter().map(of).sum::<f64>();
    let least = |of: &dyn Fn(&Draft) -> f64| drafts.iter().map(of).fold(f64::INFINITY, f64::min);
    let margins = drafts.iter().zip(&chain.rivals).map(|(draft, rival)| {
        let margin = rival.map_or(4.0, |(_, score)| draft.score() - score);
        margin.clamp(-1.0, 4.0)
    });
    let margin = margins.fold(4.0, f64::min);
    let unknown = sum(&|it| it.unknown);
    let covered = sum(&|it| it.covered);
    let own = |it: &Draft| it.slots.values().filter(|slot| slot.tokens.is_some()).count() as f64;
    let taken = |it: &Draft| {
        let taken = |slot: &super::reading::Filled| slot.tokens.is_none() && slot.kind != Kind::Word;
        it.slots.values().filter(|slot| taken(slot)).count() as f64
    };
    let text = |it: &Draft| {
        let free =
            |slot: &super::reading::Filled| matches!(slot.kind, Kind::Rest | Kind::Word) && slot.tokens.is_some();
        it.slots.values().filter(|slot| free(slot)).count() as f64
    };
    let pronouns = |it: &Draft| it.slots.values().filter(|slot| slot.matter == Matter::Pronoun).count() as f64;
    let (mine, other, strange) = opinion(chain, grounds);
    Evidence(vec![
        ("unknown", unknown),
        ("outside", chain.unknown),
        ("share unknown", unknown / (unknown + covered).max(1.0)),
        ("covered", covered.min(12.0)),
        ("passed", sum(&|it| it.passed)),
        ("aside", sum(&|it| it.aside)),
        ("hanging", sum(&|it| it.hanging)),
        ("orphans", sum(&|it| it.orphans as f64)),
        ("guessed", sum(&|it| it.guessed as f64)),
        ("slots", least(&own).min(6.0)),
        ("taken over", sum(&taken)),
        ("free text", sum(&text)),
        ("pronouns", sum(&pronouns)),
        ("weight", least(&|it| it.weight.min(6.0))),
        ("margin", margin),
        ("narrow", (1.5 - margin).max(0.0)),
        ("supposed", sum(&|it| it.supposed as f64)),
        ("parts", drafts.len() as f64 - 1.0),
        ("again", sum(&|it| f64::from(u8::from(it.again)))),
        ("mended", grounds.sentence.text.mended as f64),
        ("loose", sum(&|it| it.loose.len() as f64) + chain.loose.len() as f64),
        ("ignored", sum(&|it| it.ignored as f64)),
        ("clashes", sum(&|it| it.clashes as f64)),
        ("opinion", mine),
        ("other opinion", other),
        ("strange", strange),
        ("chinese", f64::from(u8::from(grounds.sentence.text.is_chinese()))),
    ])
}

/// What words alone say: of the classes that were read, of the best other one, and how many say nothing.
fn opinion(chain: &Chain, grounds: Grounds<'_>) -> (f64, f64, f64) {
    let tokens = &grounds.sentence.text.tokens;
    let mut plain: Vec<bool> = tokens.iter().map(|it| it.shape != Shape::Sign).collect();
    let values = grounds.sentence.lattice.entities.iter();
    for value in values.filter(|it| !it.faint && it.kind != Kind::Service) {
        plain[value.begin..value.end].fill(false);
    }
    for filled in chain.drafts.iter().flat_map(|it| it.slots.values()) {
        if let Some((begin, end)) = filled.tokens {
            plain[begin..end].fill(false);
        }
    }
    let opinion = grounds.index.profile.opinion(tokens, &|at| plain[at]);
    let classes: Vec<usize> = chain.drafts.iter().map(|it| it.class).collect();
    let mine = classes.iter().map(|it| opinion.share(*it)).fold(0.0, f64::max);
    (mine, opinion.best_but(&classes), opinion.strange)
}
