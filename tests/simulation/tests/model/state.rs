//! One state of the space: who leads, where each agent is, what is on its way and on record, and what went wrong so far.

use crate::local::{Cuts, Does, Message, places};
use crate::mix::Mix;
use crate::tables::{self, T, Tables};
use std::hash::{Hash, Hasher};
use transaction::coordinator::Phase;
use transaction::{CoordinatorRecord, Decision, Ending, Epoch, Order};

/// The most who take part, and the most who ever lead.
pub const MOST: usize = 3;

/// One who leads, or led.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Slot {
    Absent,
    /// It died, was fenced, or found nothing to do.
    Dead,
    Lives(u32),
}

/// Of the ways in which a step may go this one: the first to its end, each other cut short by a death.
#[derive(Debug, Clone, Copy)]
pub struct Way {
    pub nth: usize,
    pub cuts: Cuts,
}

/// What has gone wrong so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Spent {
    pub deaths: u8,
    pub leader_died: bool,
    pub take_overs: u8,
    pub mishaps: u8,
    pub timers: u8,
}

/// One state. Agents, leaders, sets of messages, journals and endings are numbers of the tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    pub participants: usize,
    /// Whoever leads first has epoch 1, the next 2: a place is never used twice.
    pub slots: [Slot; MOST],
    pub agents: [u32; MOST],
    /// What is on its way between each agent and whoever leads.
    pub networks: [u128; MOST],
    pub journal: u32,
    /// Records at its end that a power cut would take.
    unsynced: usize,
    pub spent: Spent,
    /// The ending that was told, by number.
    pub told: Option<u32>,
    pub heard_confirm: bool,
    /// A Confirm was on record, whether or not it has been forgotten since.
    pub was_confirmed: bool,
    pub is_contradicted: bool,
    canonical: u64,
}

/// Equal for states that differ only in which of several participants of one kind is where: only one of them is explored.
impl Hash for State {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        hasher.write_u64(self.canonical);
    }
}

/// The numbers in a set.
pub fn members(mut set: u128) -> impl Iterator<Item = u8> {
    std::iter::from_fn(move || {
        let lowest = (set != 0).then(|| set.trailing_zeros() as u8)?;
        set &= set - 1;
        Some(lowest)
    })
}

impl State {
    pub fn new(agents: &[u32], tables: &mut Tables) -> Self {
        let mut numbers = [0; MOST];
        numbers[..agents.len()].copy_from_slice(agents);
        let mut state = Self {
            participants: agents.len(),
            slots: [Slot::Absent; MOST],
            agents: numbers,
            networks: [0; MOST],
            journal: 0,
            unsynced: 0,
            spent: Spent::default(),
            told: None,
            heard_confirm: false,
            was_confirmed: false,
            is_contradicted: false,
            canonical: 0,
        };
        let (leader, does) = tables.begin();
        state.slots[0] = Slot::Lives(leader);
        state.perform(0, &does, None, tables);
        state
    }

    /// The newest epoch.
    pub fn lease(&self) -> Epoch {
        Epoch(self.slots.iter().filter(|it| **it != Slot::Absent).count() as u64)
    }

    pub fn is_settled(&self, tables: &Tables) -> bool {
        self.told
            .is_some_and(|it| !matches!(tables.ending(it).ending, Ending::Torn { .. }))
    }

    pub fn is_leaderless(&self, tables: &Tables) -> bool {
        !self.slots.iter().any(|it| matches!(it, Slot::Lives(_))) && !self.is_settled(tables)
    }

    pub fn can_be_taken_over(&self, tables: &Tables) -> bool {
        self.slots.contains(&Slot::Absent) && !self.is_settled(tables)
    }

    /// Another leads, under a higher epoch, and finishes what it finds: the first way is to the end, each other is cut
    /// short by its death. None: there are not so many ways.
    pub fn take_over(mut self, way: Way, tables: &mut Tables) -> Option<Self> {
        self.spent.take_overs += u8::from(!self.is_leaderless(tables));
        let at = usize::try_from(self.lease().0).unwrap();
        self.slots[at] = Slot::Dead;
        self.tells_what_is_on_record(tables);
        let Some((leader, does)) = tables.recover(self.journal, self.lease()) else {
            return (way.nth == 0).then_some(self);
        };
        self.slots[at] = Slot::Lives(leader);
        self.goes(at, &does, way, tables)
    }

    /// One of the ways in which this may go.
    pub fn goes(mut self, at: usize, does: &[Does], way: Way, tables: &mut Tables) -> Option<Self> {
        let cut = match way.nth.checked_sub(1) {
            None => None,
            Some(nth) => Some(*cut_places(does, way.cuts).get(nth)?),
        };
        self.perform(at, does, cut, tables);
        Some(self)
    }

    /// An ending that is on record is told, whether or not it was told before the death.
    fn tells_what_is_on_record(&mut self, tables: &mut Tables) {
        let journal = tables.journal(self.journal).records.clone();
        for record in journal {
            if let CoordinatorRecord::Settled { ending, .. } = record {
                self.tells(&ending, tables);
            }
        }
    }

    fn tells(&mut self, ending: &Ending, tables: &mut Tables) {
        let told = tables.ending_number(ending);
        self.is_contradicted |= self.told.is_some_and(|it| it != told);
        self.told = Some(told);
    }

    fn perform(&mut self, at: usize, does: &[Does], cut: Option<usize>, tables: &mut Tables) {
        for act in does.iter().take(cut.unwrap_or(usize::MAX)) {
            if !self.act(at, act, tables) {
                self.slots[at] = Slot::Dead;
                return;
            }
        }
        if simulation::planted::planted("send-before-sync") && cut.is_none() {
            self.unsynced = 0;
        }
        if cut.is_some() {
            self.spent.deaths += 1;
            self.spent.leader_died = true;
            self.slots[at] = Slot::Dead;
            let mut journal = tables.journal(self.journal).records.clone();
            journal.truncate(journal.len() - self.unsynced);
            self.journal = tables.journal_number(journal);
            self.unsynced = 0;
        }
    }

    /// One effect. False: this leader is fenced.
    fn act(&mut self, at: usize, act: &Does, tables: &mut Tables) -> bool {
        use simulation::planted::planted;
        match act {
            Does::Records(_) if (at as u64) + 1 < self.lease().0 => return false,
            Does::Records(record) => {
                let mut journal = tables.journal(self.journal).records.clone();
                self.note(record, &journal);
                journal.push(record.clone());
                self.journal = tables.journal_number(journal);
                self.unsynced += usize::from(planted("no-sync") || planted("send-before-sync"));
            }
            Does::Says { to, message } => {
                let confirms =
                    |it: &Message| matches!(it, Message::Down(it) if matches!(it.order, Order::Confirm { .. }));
                self.heard_confirm |= confirms(message);
                self.networks[*to] |= 1 << tables.message_number(message);
            }
            Does::Settles(ending) => self.tells(ending, tables),
            Does::Forgets => {
                self.journal = 0;
                self.unsynced = 0;
            }
            Does::Else => {}
        }
        true
    }

    fn note(&mut self, record: &CoordinatorRecord<u8>, journal: &[CoordinatorRecord<u8>]) {
        if let CoordinatorRecord::Decided { decision, .. } = record {
            let other = |it: &CoordinatorRecord<u8>| matches!(it, CoordinatorRecord::Decided { decision: was, .. } if was != decision);
            self.is_contradicted |= journal.iter().any(other);
            self.was_confirmed |= *decision == Decision::Confirm;
        }
    }

    /// Whether whoever holds the lease knows the transaction as one that is not over.
    pub fn knows(&self, tables: &Tables) -> bool {
        tables
            .journal(self.journal)
            .records
            .iter()
            .any(|it| it.transaction() == T)
            && !self.is_settled(tables)
    }

    fn phase<'a>(&self, epoch: Epoch, tables: &'a Tables) -> Option<&'a Phase> {
        match self.slots[usize::try_from(epoch.0).unwrap() - 1] {
            Slot::Absent | Slot::Dead => None,
            Slot::Lives(leader) => Some(&tables.leader(leader).phase),
        }
    }

    /// Whether this message comes too late for everybody.
    pub fn is_late(&self, message: u8, tables: &Tables) -> bool {
        let lives = |it: &Slot| matches!(it, Slot::Lives(_));
        let lowest = self.slots.iter().position(lives).map(|it| Epoch(it as u64 + 1));
        tables::is_late(tables.message(message), |epoch| self.phase(epoch, tables), lowest)
    }

    /// Makes equal what can never be told apart again: a fenced leader is as good as dead; and, if asked to, answers that
    /// come too late are as good as lost.
    pub fn settle(&mut self, prunes: bool, deaths: u8, tables: &mut Tables) {
        if self.spent.deaths >= deaths {
            // Nobody dies any more: who did makes no difference.
            self.spent.leader_died = false;
            self.agents[..self.participants]
                .iter_mut()
                .for_each(|it| *it = tables.without_death(*it));
        }
        for slot in &mut self.slots {
            if matches!(slot, Slot::Lives(it) if tables.leader(*it).phase == Phase::Fenced) {
                *slot = Slot::Dead;
            }
        }
        for at in (0..self.participants).filter(|_| prunes) {
            let late = members(self.networks[at] & tables.answers).filter(|it| self.is_late(*it, tables));
            self.networks[at] &= !late.fold(0, |set, it| set | 1 << it);
        }
        self.canonical = self.name(tables);
    }

    /// The same number for every permutation of the participants.
    fn name(&self, tables: &Tables) -> u64 {
        let (mut reasons, mut known) = ([0; 8], 1);
        // Which reason it is decides nothing; only whether two are the same.
        let mut label = |number: u32| {
            let at = reasons[..known].iter().position(|it| *it == number);
            at.unwrap_or_else(|| {
                reasons[known] = number;
                known += 1;
                known - 1
            })
        };
        let mut name = Mix::default();
        let journal = tables.journal(self.journal);
        for (kind, reason) in &journal.kinds {
            (*kind, label(*reason)).hash(&mut name);
        }
        let told = self.told.map(|it| tables.ending(it));
        told.map(|it| (it.kind.0, label(it.kind.1))).hash(&mut name);
        let lease = self.lease().0;
        for (epoch, slot) in (1..).zip(&self.slots) {
            let leader = match slot {
                Slot::Absent => (0, 0),
                Slot::Dead => (1 + u64::from(epoch == lease), 0),
                Slot::Lives(it) => (tables.leader(*it).core, label(tables.leader(*it).reason)),
            };
            leader.hash(&mut name);
        }
        let torn = [journal.torn, told.map_or(0, |it| it.torn)];
        let mut parts = [0, 1, 2].map(|at| (at < self.participants).then(|| self.part(at, torn, tables)));
        parts.sort_unstable();
        let flags = (self.heard_confirm, self.was_confirmed, self.is_contradicted);
        (self.unsynced, self.spent, flags, parts).hash(&mut name);
        name.finish()
    }

    fn part(&self, at: usize, torn: [u8; 2], tables: &Tables) -> Part {
        let seats = self.slots.map(|it| match it {
            Slot::Lives(leader) => tables.leader(leader).seats[at],
            Slot::Absent | Slot::Dead => 0,
        });
        (
            self.agents[at],
            self.networks[at],
            seats,
            torn.map(|it| it >> at & 1 == 1),
        )
    }
}

/// What moves with one participant: it, its network, its seat with each leader, and whether an ending names it.
type Part = (u32, u128, [u64; MOST], [bool; 2]);

/// After how many effects a death may cut them short.
pub fn cut_places(does: &[Does], cuts: Cuts) -> Vec<usize> {
    places(does, cuts, |it| {
        matches!(it, Does::Records(_) | Does::Settles(_) | Does::Forgets)
    })
}
