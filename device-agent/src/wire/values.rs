//! Values, changes and guarantees: the wire's form and ours.

use std::collections::BTreeMap;

use fabric_wire::v1;
use knowledge_model::{Delta, Edit, Path, Tree, Value};
use sha2::{Digest, Sha256};
use transaction::{Demand, Guarantee, Standing};

use crate::part::Part;

/// The most entries of one change.
const ENTRIES: usize = 65_536;

/// How many bytes of a native configuration one message carries.
const PIECE: usize = 1 << 20;

/// Whether a change is what its sender made: the values before are those that its baseline was computed from.
pub(super) fn whole(change: &v1::Change) -> Result<(), String> {
    if change.baseline.is_empty() {
        return Ok(());
    }
    let mut digest = Sha256::new();
    for entry in &change.entries {
        digest.update(entry.path.as_bytes());
        digest.update([0]);
        match entry.before.as_ref().and_then(|it| it.kind.as_ref()) {
            None => {}
            Some(v1::value::Kind::Present(_)) => digest.update(b"p"),
            Some(v1::value::Kind::Scalar(text)) => digest.update(format!("s{text}")),
            Some(v1::value::Kind::Credential(name)) => digest.update(format!("c{name}")),
        }
        digest.update([0, b'\n']);
    }
    if *digest.finalize() == *change.baseline {
        Ok(())
    } else {
        Err("the baseline is not that of the entries".to_owned())
    }
}

/// Reads a change; the fault says what is wrong with it.
pub(super) fn part(change: v1::Change) -> Result<Part, String> {
    if change.entries.len() > ENTRIES {
        return Err(format!(
            "a change of {} entries, at most {ENTRIES} are taken",
            change.entries.len()
        ));
    }
    let (mut delta, mut stands) = (Delta::new(), BTreeMap::new());
    for v1::Entry {
        path: text,
        before,
        after,
    } in change.entries
    {
        let at = path(&text)?;
        if delta.edit(&at).is_some() || stands.contains_key(&at) {
            return Err(format!("{at} stands in the change twice"));
        }
        let (before, after) = (before.map(value).transpose()?, after.map(value).transpose()?);
        if before == after {
            stands.insert(at, before);
        } else {
            delta.insert(at, Edit { before, after });
        }
    }
    Ok(Part {
        revision: change.model_revision,
        delta,
        stands,
    })
}

pub(super) fn path(text: &str) -> Result<Path, String> {
    text.parse().map_err(|error| format!("{text:?} is no path: {error}"))
}

fn value(value: v1::Value) -> Result<Value, String> {
    match value.kind {
        Some(v1::value::Kind::Present(true)) => Ok(Value::Present),
        Some(v1::value::Kind::Scalar(text)) => Ok(Value::scalar(text)),
        Some(v1::value::Kind::Credential(name)) => Ok(Value::scalar(format!("secret:{name}"))),
        Some(v1::value::Kind::Present(false)) | None => Err("a value without a kind".to_owned()),
    }
}

/// What was read, in ascending order of path.
pub(super) fn observed(tree: &Tree) -> Vec<v1::Observed> {
    let entry = |(path, value): (&Path, &Value)| {
        let kind = match value {
            Value::Present => v1::value::Kind::Present(true),
            Value::Scalar(text) => match text.strip_prefix("secret:") {
                Some(name) => v1::value::Kind::Credential(name.to_owned()),
                None => v1::value::Kind::Scalar(text.to_string()),
            },
        };
        v1::Observed {
            path: path.to_string(),
            value: Some(v1::Value { kind: Some(kind) }),
        }
    };
    tree.iter().map(entry).collect()
}

/// A long text in pieces that a message carries, cut between characters.
pub(super) fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let mut end = rest.len().min(PIECE);
        while !rest.is_char_boundary(end) {
            end -= 1;
        }
        let (piece, left) = rest.split_at_checked(end)?;
        rest = left;
        (!piece.is_empty()).then_some(piece)
    })
}

/// What the caller insists on. Two facts together are a class.
pub(super) fn demand(demand: Option<v1::Demand>) -> Demand {
    let Some(demand) = demand else { return Demand::Any };
    let class = class(demand.guarantee());
    match (class, demand.whole, demand.unaided) {
        (Some(class), false, false) => Demand::Class(class),
        (Some(class), true, false) => Demand::Class(stronger(class, Guarantee::Whole)),
        (Some(class), false, true) => Demand::Class(stronger(class, Guarantee::Timed)),
        (Some(class), true, true) => Demand::Class(stronger(class, Guarantee::Session)),
        (None, true, true) => Demand::Class(Guarantee::Session),
        (None, true, false) => Demand::Whole,
        (None, false, true) => Demand::TakenBackByDevice,
        (None, false, false) => Demand::Any,
    }
}

/// The weakest class that meets both.
fn stronger(one: Guarantee, other: Guarantee) -> Guarantee {
    let meets = |it: &Guarantee| it.with(one) == one && it.with(other) == other;
    Guarantee::ALL
        .into_iter()
        .rev()
        .find(meets)
        .unwrap_or(Guarantee::Confirmed)
}

fn class(guarantee: v1::Guarantee) -> Option<Guarantee> {
    match guarantee {
        v1::Guarantee::Unspecified => None,
        v1::Guarantee::Plain => Some(Guarantee::Plain),
        v1::Guarantee::Whole => Some(Guarantee::Whole),
        v1::Guarantee::Timed => Some(Guarantee::Timed),
        v1::Guarantee::Session => Some(Guarantee::Session),
        v1::Guarantee::Confirmed => Some(Guarantee::Confirmed),
    }
}

pub(super) fn guarantee(guarantee: Guarantee) -> v1::Guarantee {
    match guarantee {
        Guarantee::Plain => v1::Guarantee::Plain,
        Guarantee::Whole => v1::Guarantee::Whole,
        Guarantee::Timed => v1::Guarantee::Timed,
        Guarantee::Session => v1::Guarantee::Session,
        Guarantee::Confirmed => v1::Guarantee::Confirmed,
    }
}

pub(super) fn standing(standing: Standing) -> v1::Standing {
    match standing {
        Standing::Untouched => v1::Standing::Untouched,
        Standing::Staged => v1::Standing::Staged,
        Standing::Applied => v1::Standing::Applied,
        Standing::Confirmed => v1::Standing::Confirmed,
        Standing::Unknown => v1::Standing::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_the_same_after_a_journey_up_and_down() {
        let mut tree = Tree::default();
        let at = path("bgp/neighbor[192.0.2.1]/password").unwrap();
        tree.insert(at, Value::scalar("secret:bgp-core@3"));
        let sent = observed(&tree).remove(0).value.unwrap();
        assert_eq!(sent.kind, Some(v1::value::Kind::Credential("bgp-core@3".to_owned())));
        assert_eq!(value(sent), Ok(Value::scalar("secret:bgp-core@3")));
    }

    #[test]
    fn two_demands_together_are_met_by_what_meets_both() {
        let ask = |guarantee: v1::Guarantee, whole, unaided| {
            demand(Some(v1::Demand {
                guarantee: guarantee.into(),
                whole,
                unaided,
            }))
        };
        assert_eq!(ask(v1::Guarantee::Unspecified, false, false), Demand::Any);
        assert_eq!(ask(v1::Guarantee::Plain, true, false), Demand::Class(Guarantee::Whole));
        assert_eq!(
            ask(v1::Guarantee::Timed, true, false),
            Demand::Class(Guarantee::Confirmed)
        );
        assert_eq!(
            ask(v1::Guarantee::Confirmed, true, true),
            Demand::Class(Guarantee::Confirmed)
        );
    }

    #[test]
    fn a_long_text_comes_in_pieces_that_are_the_whole() {
        let text = "配置".repeat(400_000);
        let found: Vec<&str> = pieces(&text).collect();
        assert!(found.len() == 3 && found.iter().all(|it| it.len() <= PIECE));
        assert_eq!(found.concat(), text);
        assert_eq!(pieces("").count(), 0);
    }

    #[test]
    fn a_change_that_was_damaged_on_its_way_is_refused() {
        let text = |text: &str| {
            Some(v1::Value {
                kind: Some(v1::value::Kind::Scalar(text.to_owned())),
            })
        };
        let mut change = v1::Change {
            model_revision: "1".to_owned(),
            entries: vec![v1::Entry {
                path: "system/hostname".to_owned(),
                before: text("old"),
                after: text("new"),
            }],
            baseline: Sha256::digest(b"system/hostname\0sold\0\n").to_vec(),
        };
        assert_eq!(whole(&change), Ok(()));
        change.entries[0].before = text("older");
        assert!(whole(&change).is_err());
        change.baseline.clear();
        assert_eq!(whole(&change), Ok(()), "nothing is compared where nothing was sent");
    }

    #[test]
    fn a_change_that_is_none_is_refused() {
        let entry = |path: &str| v1::Entry {
            path: path.to_owned(),
            before: None,
            after: Some(v1::Value {
                kind: Some(v1::value::Kind::Scalar("1".to_owned())),
            }),
        };
        let change = |entries| v1::Change {
            model_revision: "1".to_owned(),
            entries,
            baseline: Vec::new(),
        };
        assert_eq!(part(change(vec![entry("system/hostname")])).unwrap().delta.len(), 1);
        let mut stands = entry("system/hostname");
        stands.before = stands.after.clone();
        let unchanged = part(change(vec![stands.clone()])).unwrap();
        assert!(unchanged.delta.is_empty() && unchanged.stands.len() == 1);
        assert!(part(change(vec![stands.clone(), stands])).is_err());
        assert!(part(change(vec![entry("interface[")])).is_err());
        assert!(part(change(vec![entry("a"), entry("a")])).is_err());
        let empty = v1::Entry {
            path: "a".to_owned(),
            before: None,
            after: Some(v1::Value { kind: None }),
        };
        assert!(part(change(vec![empty])).is_err());
    }
}
