//! Values of one kind that stand side by side: `r1, r2 and r3`.

use super::Scan;
use crate::understanding::entity::{Entity, Matter};
use crate::words::Kind;

/// The most values of a list.
const LONGEST: usize = 64;

impl Scan<'_> {
    /// Adds a list for each run of values that are joined; the single ones stay.
    pub(super) fn lists(&mut self) {
        let mut starts: Vec<Vec<usize>> = vec![Vec::new(); self.text.tokens.len()];
        for (index, entity) in self.found.iter().enumerate() {
            starts[entity.begin].push(index);
        }
        let mut lists = Vec::new();
        for first in 0..self.found.len() {
            if self.continues_list(first, &starts) {
                continue;
            }
            let members = self.run_from(first, &starts);
            for length in 2..=members.len() {
                lists.push(self.list_of(&members[..length]));
            }
        }
        self.found.extend(lists);
    }

    fn list_of(&self, members: &[usize]) -> Entity {
        let all: Vec<&Entity> = members.iter().map(|index| &self.found[*index]).collect();
        let broadest = all.iter().map(|it| it.kind).find(|kind| *kind != Kind::Device);
        let mut items: Vec<Matter> = Vec::new();
        for item in all.iter().flat_map(|it| it.matter.items()) {
            if !items.contains(item) {
                items.push(item.clone());
            }
        }
        Entity {
            begin: all.first().map_or(0, |it| it.begin),
            end: all.last().map_or(0, |it| it.end),
            kind: broadest.unwrap_or(Kind::Device),
            matter: Matter::List(items),
            faint: false,
        }
    }

    /// Whether a value of the same kind stands joined before it, so that the list began earlier.
    fn continues_list(&self, index: usize, starts: &[Vec<usize>]) -> bool {
        let entity = &self.found[index];
        let earlier = entity.begin.saturating_sub(12)..entity.begin;
        earlier.into_iter().any(|at| {
            starts[at]
                .iter()
                .any(|before| self.follows(&self.found[*before], entity))
        })
    }

    fn run_from(&self, first: usize, starts: &[Vec<usize>]) -> Vec<usize> {
        let mut members = vec![first];
        let mut last = first;
        while members.len() < LONGEST {
            let end = self.found[last].end;
            let next = (end..(end + 4).min(starts.len())).find_map(|at| {
                let mut here = starts[at]
                    .iter()
                    .filter(|it| self.follows(&self.found[last], &self.found[**it]));
                here.next().copied()
            });
            match next {
                Some(next) => {
                    members.push(next);
                    last = next;
                }
                None => break,
            }
        }
        members
    }

    /// Whether `next` is joined to `before` and of its kind.
    fn follows(&self, before: &Entity, next: &Entity) -> bool {
        if next.begin < before.end || next.begin > before.end + 3 || !alike(before, next) {
            return false;
        }
        let mut at = before.end;
        let mut joined = false;
        while at < next.begin {
            match self.lexicon.joins.longest(self.tokens(), at) {
                Some((end, ())) if end <= next.begin && !self.tokens()[at].clause => {
                    at = end;
                    joined = true;
                }
                _ if matches!(self.word(at), "the" | "both" | "first" | "finally") => at += 1,
                _ => return false,
            }
        }
        let bare = matches!(before.kind, Kind::Interface | Kind::Device) && at == before.end;
        let spaced = !self.text.tokens.get(next.begin).is_some_and(|it| it.glued);
        joined || (bare && spaced)
    }
}

fn alike(before: &Entity, next: &Entity) -> bool {
    use Kind::{Address, As, Device, Devices, Host, Hosts, Intent, Interface, Network, Prefix, Site};
    let whole = |it: &Entity| match &it.matter {
        Matter::Plain(_) | Matter::Unknown { .. } => true,
        Matter::Interface { device, .. } => device.is_none(),
        Matter::Service { protocol, .. } => protocol.is_some(),
        Matter::Ambiguous { .. } | Matter::Invalid { .. } | Matter::Pronoun | Matter::List(_) => false,
    };
    let place = |kind| matches!(kind, Device | Host | Site | Devices | Hosts | Network);
    let same = match (before.kind, next.kind) {
        (Address, Address) | (Prefix, Prefix) | (Interface, Interface) | (Intent, Intent) | (As, As) => true,
        (Kind::Service, Kind::Service) => true,
        (a, b) => place(a) && place(b),
    };
    same && whole(before) && whole(next)
}
