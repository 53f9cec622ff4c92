//! The space: what can happen next, and what must hold everywhere.

use crate::device::Device;
use crate::local::{Cuts, Does, Input, Message};
use crate::state::{Slot, State, Way, cut_places, members};
use crate::tables::{AgentFacts, Tables, Word};
use stateright::{Model, Path, Property};
use std::sync::{Mutex, MutexGuard};
use transaction::coordinator::Phase;
use transaction::{CoordinatorRecord, Decision, Ending, Guarantee, Standing};

/// How often what may go wrong. Messages are lost, repeated and reordered without bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Deaths in all, wherever they make a difference; of each process at most one.
    pub deaths: u8,
    /// Another coordinator takes over while the first believes it leads.
    pub take_overs: u8,
    /// An operation whose outcome is unknown, done or not; or a device that takes its change back.
    pub mishaps: u8,
    /// Timers that fire, of any kind, at any moment.
    pub timers: u8,
    /// Of those who take part the last so many only look on.
    pub onlookers: u8,
    /// Answers that come too late for everybody are dropped, and steps are cut short only where that tells.
    pub reduced: bool,
}

impl Bounds {
    /// Who comes back and loses an answer, or lost a renewal to timers that fired early, goes on by further timers, which
    /// these bounds do not have.
    pub fn leave_stuck(self) -> bool {
        self.deaths > 0 && self.mishaps > 0 || self.timers > 1
    }

    /// Whether it matters which timers are armed.
    pub fn timed(self) -> bool {
        self.timers > 0 || self.leave_stuck()
    }

    /// Whether of so many participants this one only looks on.
    pub fn looks_on(self, at: usize, participants: usize) -> bool {
        at + usize::from(self.onlookers) >= participants
    }
}

/// What is exhausted.
#[derive(Debug)]
pub struct Space {
    pub classes: Vec<Guarantee>,
    pub bounds: Bounds,
    #[cfg(mutants)]
    pub mutant: Option<transaction::mutant::Mutant>,
    tables: Mutex<Tables>,
}

/// What can happen. Of several ways in which it may go, `way` is one: the first to its end, the others cut short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Agent { at: usize, input: Input, way: usize },
    Leader { at: usize, word: Word, way: usize },
    Presume { at: usize, by: usize, message: u8 },
    TakeOver { way: usize },
}

impl Space {
    pub fn new(classes: &[Guarantee], bounds: Bounds) -> Self {
        Self {
            classes: classes.to_vec(),
            bounds,
            #[cfg(mutants)]
            mutant: None,
            tables: Mutex::new(Tables::new(classes.len(), bounds)),
        }
    }

    /// A way through the space, for people.
    pub fn tell(&self, path: Path<State, Action>) -> Vec<String> {
        let tables = self.tables();
        let named = |it: u8| format!("{:?}", tables.message(it));
        let tell = |(state, action): (State, Option<Action>)| match action {
            None => (0..state.participants)
                .map(|at| format!("{at}: {:?}", tables.agent(state.agents[at]).agent))
                .collect(),
            Some(Action::Agent {
                at,
                input: Input::Hears(it),
                way,
            }) => format!("{at} hears {} (way {way})", named(it)),
            Some(Action::Agent { at, input, way }) => format!("{at} {input:?} (way {way})"),
            Some(Action::Leader {
                at,
                word: Word::From(from, it),
                way,
            }) => {
                format!("c{at} hears from {from} {} (way {way})", named(it))
            }
            Some(Action::Leader {
                at,
                word: Word::Fired(it),
                way,
            }) => format!("c{at} {it:?} fires (way {way})"),
            Some(Action::Presume { at, .. }) => format!("{at} is told what is presumed"),
            Some(Action::TakeOver { way }) => format!("another takes over (way {way})"),
        };
        path.into_vec().into_iter().map(tell).collect()
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        #[cfg(mutants)]
        transaction::mutant::plant(self.mutant);
        self.tables.lock().unwrap()
    }

    fn cuts(&self, state: &State) -> Cuts {
        match (state.spent.deaths < self.bounds.deaths, self.bounds.reduced) {
            (false, _) => Cuts::None,
            (true, true) => Cuts::Telling,
            (true, false) => Cuts::Everywhere,
        }
    }

    fn leader_cuts(&self, state: &State) -> Cuts {
        if state.spent.leader_died {
            Cuts::None
        } else {
            self.cuts(state)
        }
    }

    fn agents_act(&self, state: &State, tables: &mut Tables, actions: &mut Vec<Action>) {
        for at in 0..state.participants {
            let number = state.agents[at];
            let messages = members(state.networks[at]);
            let hears = messages
                .filter(|it| matches!(tables.message(*it), Message::Down(_)))
                .map(Input::Hears);
            let mut inputs: Vec<Input> = hears.collect();
            let AgentFacts { agent, .. } = tables.agent(number);
            if agent.done.is_some() {
                inputs.push(Input::Finishes);
            }
            if state.spent.timers < self.bounds.timers {
                inputs.extend(agent.timers.iter().copied().map(Input::Fired));
            }
            if state.spent.mishaps < self.bounds.mishaps {
                inputs.extend(agent.done.is_some().then_some(Input::LosesOutcome));
                inputs.extend(agent.device.pending.then_some(Input::TakesBack));
            }
            for input in inputs {
                let ways = tables.follow(number, input, self.cuts(state)).len();
                actions.extend((0..ways).map(|way| Action::Agent { at, input, way }));
            }
        }
    }

    fn leaders_act(&self, state: &State, tables: &mut Tables, actions: &mut Vec<Action>) {
        for (at, slot) in state.slots.iter().enumerate() {
            let mut words = Vec::new();
            for from in 0..state.participants {
                for message in members(state.networks[from]) {
                    match (slot, tables.message(message)) {
                        (Slot::Lives(_), Message::Up(_) | Message::Ask(_)) => words.push(Word::From(from, message)),
                        // Who leads and knows nothing of it presumes an abort.
                        (Slot::Dead, Message::Ask(_)) if at as u64 + 1 == state.lease().0 && !state.knows(tables) => {
                            actions.push(Action::Presume {
                                at: from,
                                by: at,
                                message,
                            });
                        }
                        (Slot::Absent | Slot::Dead, _) | (_, Message::Down(_)) => {}
                    }
                }
            }
            let Slot::Lives(leader) = slot else { continue };
            if state.spent.timers < self.bounds.timers {
                words.extend(tables.leader_timers(*leader).iter().copied().map(Word::Fired));
            }
            for word in words {
                let led = tables.lead(*leader, word);
                let ways = 1 + cut_places(&led.1, self.leader_cuts(state)).len();
                actions.extend((0..ways).map(|way| Action::Leader { at, word, way }));
            }
        }
    }

    fn happen(&self, mut state: State, action: Action, tables: &mut Tables) -> Option<State> {
        match action {
            Action::Agent { at, input, way } => {
                let followed = tables.follow(state.agents[at], input, self.cuts(&state));
                let (agent, sent) = *followed.get(way)?;
                state.agents[at] = agent;
                match input {
                    Input::Hears(message) => state.take(at, message, tables),
                    Input::Fired(_) => state.spent.timers += 1,
                    Input::LosesOutcome | Input::TakesBack => state.spent.mishaps += 1,
                    Input::Finishes => {}
                }
                state.networks[at] |= sent;
                state.spent.deaths += u8::from(way > 0);
                Some(state)
            }
            Action::Leader { at, word, way } => {
                let Slot::Lives(leader) = state.slots[at] else {
                    return None;
                };
                let cuts = self.leader_cuts(&state);
                let led = tables.lead(leader, word);
                state.slots[at] = Slot::Lives(led.0);
                match word {
                    Word::From(from, message) => state.take(from, message, tables),
                    Word::Fired(_) => state.spent.timers += 1,
                }
                state.goes(at, &led.1, Way { nth: way, cuts }, tables)
            }
            Action::Presume { at, by, message } => {
                let Message::Ask(inquiry) = tables.message(message).clone() else {
                    return None;
                };
                state.take(at, message, tables);
                let told = Message::Down(inquiry.presumed(transaction::Epoch(by as u64 + 1)));
                state.networks[at] |= 1 << tables.message_number(&told);
                Some(state)
            }
            Action::TakeOver { way } => {
                let cuts = self.leader_cuts(&state);
                state.take_over(Way { nth: way, cuts }, tables)
            }
        }
    }

    fn all(&self, state: &State, holds: impl Fn(&AgentFacts) -> bool) -> bool {
        let tables = self.tables();
        state.agents[..state.participants]
            .iter()
            .all(|it| holds(tables.agent(*it)))
    }

    /// Whether its ending was told, and no participant, lock or unconfirmed change is left.
    pub fn has_ended(&self, state: &State) -> bool {
        state.told.is_some() && self.all(state, |it| it.is_free)
    }

    /// The same of those on whose devices something changes: of the others both ends are the same.
    fn all_changing(&self, state: &State, holds: impl Fn(&AgentFacts) -> bool) -> bool {
        self.all(state, |it| it.agent.device.looks_on || holds(it))
    }

    /// Whether whoever has decided waits for somebody on whose device something changes.
    fn waits_for_who_matters(&self, state: &State) -> bool {
        let tables = self.tables();
        state.slots.iter().all(|slot| match slot {
            Slot::Lives(leader) => !tables.leader(*leader).waits_for_onlookers,
            Slot::Absent | Slot::Dead => true,
        })
    }

    fn is_told(&self, state: &State, is: impl Fn(&Ending) -> bool) -> bool {
        state.told.is_some_and(|it| is(&self.tables().ending(it).ending))
    }

    fn decided_confirm(&self, state: &State) -> bool {
        let confirm = |it: &CoordinatorRecord<u8>| {
            matches!(
                it,
                CoordinatorRecord::Decided {
                    decision: Decision::Confirm,
                    ..
                }
            )
        };
        self.tables().journal(state.journal).records.iter().any(confirm)
    }

    /// On this the reduction stands: every answer that is taken to come too late changes nothing, whoever hears it; and a
    /// refusal of an old epoch ends whoever speaks in it, whatever was asked.
    fn late_changes_nothing(&self, state: &State) -> bool {
        let mut tables = self.tables();
        let lives = state.slots.iter().filter_map(|it| match it {
            Slot::Lives(leader) => Some(*leader),
            Slot::Absent | Slot::Dead => None,
        });
        let lives: Vec<u32> = lives.collect();
        (0..state.participants).all(|from| {
            members(state.networks[from]).all(|message| {
                let late = state.is_late(message, &tables);
                let refused = tables.refusal(message);
                lives.iter().all(|leader| {
                    let led = match (late, refused) {
                        (false, None) => return true,
                        (true, _) | (_, Some(_)) => tables.lead(*leader, Word::From(from, message)),
                    };
                    let silent = led.1.iter().all(|it| *it == Does::Else);
                    let ends = tables.leader(led.0).phase == Phase::Fenced && silent;
                    let old = refused.is_some_and(|by| tables.leader(*leader).epoch < by);
                    ends == old && (!late || led.0 == *leader && silent)
                })
            })
        })
    }
}

impl State {
    /// A message arrives: some are on their way no longer then.
    fn take(&mut self, at: usize, message: u8, tables: &Tables) {
        if tables.message(message).is_consumed() {
            self.networks[at] &= !(1 << message);
        }
    }
}

impl Model for Space {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let mut tables = self.tables();
        let agents: Vec<u32> = self
            .classes
            .iter()
            .enumerate()
            .map(|(at, it)| tables.new_agent(Device::new(*it, self.bounds.looks_on(at, self.classes.len()))))
            .collect();
        let mut state = State::new(&agents, &mut tables);
        state.settle(self.bounds.reduced, self.bounds.deaths, &mut tables);
        vec![state]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        let mut tables = self.tables();
        self.agents_act(state, &mut tables, actions);
        self.leaders_act(state, &mut tables, actions);
        let may = state.spent.take_overs < self.bounds.take_overs || state.is_leaderless(&tables);
        if may && state.can_be_taken_over(&tables) {
            let cuts = self.leader_cuts(state);
            let ways = (0..).take_while(|way| state.clone().take_over(Way { nth: *way, cuts }, &mut tables).is_some());
            actions.extend(ways.map(|way| Action::TakeOver { way }));
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut tables = self.tables();
        let mut next = self.happen(last.clone(), action, &mut tables)?;
        next.settle(self.bounds.reduced, self.bounds.deaths, &mut tables);
        (next != *last).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("agreement", |model: &Space, state: &State| {
                model.all_changing(state, |it| it.end != Some(Standing::Confirmed))
                    || model.all_changing(state, |it| it.end != Some(Standing::Untouched))
            }),
            Property::always("validity", |model: &Space, state: &State| {
                model.all(state, |it| !it.agent.device.confirmed) || model.all(state, |it| it.agent.device.was_applied)
            }),
            Property::always("confirmed is there", |model: &Space, state: &State| {
                let there = |it: &AgentFacts| it.agent.device.confirmed && it.agent.device.after;
                model.all_changing(state, |it| it.end != Some(Standing::Confirmed) || there(it))
            }),
            Property::always("no early effect", |model: &Space, state: &State| {
                model.all(state, |it| !it.agent.device.was_applied) || model.all(state, |it| it.agent.device.was_staged)
            }),
            Property::always("applied once", |model: &Space, state: &State| {
                state.was_confirmed || model.all(state, |it| it.agent.device.applies < 2)
            }),
            Property::always("durability", |model: &Space, state: &State| {
                let heard = state.heard_confirm && !model.all_changing(state, |it| it.end.is_some());
                !state.is_contradicted && (!heard || model.decided_confirm(state))
            }),
            Property::always("fencing", |model: &Space, state: &State| {
                model.all(state, |it| !it.agent.obeyed_old)
            }),
            Property::always("nobody waits for who only looks on", |model: &Space, state: &State| {
                model.waits_for_who_matters(state)
            }),
            Property::always("what is late changes nothing", |model: &Space, state: &State| {
                model.bounds.reduced || model.late_changes_nothing(state)
            }),
            Property::sometimes("some commit", |model: &Space, state: &State| {
                model.is_told(state, |it| *it == Ending::Committed)
            }),
            Property::sometimes("some roll back", |model: &Space, state: &State| {
                let Bounds {
                    deaths,
                    take_overs,
                    mishaps,
                    timers,
                    ..
                } = model.bounds;
                deaths + take_overs + mishaps + timers == 0
                    || model.is_told(state, |it| matches!(it, Ending::RolledBack { .. }))
            }),
        ]
    }
}
