//! The space: what can happen next, and what must hold everywhere.

use crate::device::Device;
use crate::process::{Message, State};
use stateright::{Model, Property};
use transaction::{Ending, Guarantee, Standing, coordinator, participant};

/// How often what may go wrong. Messages are lost, repeated and reordered without bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Deaths, of any process, between any two effects.
    pub crashes: u8,
    /// Another coordinator takes over while the first believes it leads.
    pub take_overs: u8,
    /// An operation whose outcome is unknown, done or not; or a device that takes its change back.
    pub mishaps: u8,
    /// Timers that fire, of any kind, at any moment.
    pub timers: u8,
}

/// What is exhausted.
#[derive(Debug, Clone)]
pub struct Space {
    pub classes: Vec<Guarantee>,
    pub bounds: Bounds,
    #[cfg(mutants)]
    pub mutant: Option<transaction::mutant::Mutant>,
}

/// What can happen. A step of a process may be cut short by its death after so many effects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    Deliver {
        message: Message,
        to: usize,
        cut: Option<usize>,
    },
    Finish {
        participant: usize,
        cut: Option<usize>,
    },
    CoordinatorTimer {
        at: usize,
        timer: coordinator::Timer,
    },
    ParticipantTimer {
        at: usize,
        timer: participant::Timer,
    },
    TakeOver,
    Unknown {
        participant: usize,
    },
    TakesBack {
        participant: usize,
    },
}

/// More effects than any step has; a step is cut at each of them.
const LONGEST: usize = 12;

impl Space {
    pub fn new(classes: &[Guarantee], bounds: Bounds) -> Self {
        Self {
            classes: classes.to_vec(),
            bounds,
            #[cfg(mutants)]
            mutant: None,
        }
    }

    #[cfg(mutants)]
    fn plant(&self) {
        transaction::mutant::plant(self.mutant);
    }

    #[cfg(not(mutants))]
    fn plant(&self) {}

    fn cuts(&self, state: &State) -> Vec<Option<usize>> {
        let cuts = if state.spent.crashes < self.bounds.crashes {
            LONGEST
        } else {
            0
        };
        std::iter::once(None).chain((0..cuts).map(Some)).collect()
    }

    fn deliveries(&self, state: &State, actions: &mut Vec<Action>) {
        for message in state.network.iter() {
            for to in state.receivers(message) {
                for cut in self.cuts(state) {
                    actions.push(Action::Deliver {
                        message: message.clone(),
                        to,
                        cut,
                    });
                }
            }
        }
    }

    fn faults(&self, state: &State, actions: &mut Vec<Action>) {
        if state.spent.take_overs < self.bounds.take_overs || state.is_leaderless() {
            actions.push(Action::TakeOver);
        }
        if state.spent.timers < self.bounds.timers {
            let armed = state.coordinators.iter().enumerate();
            actions.extend(armed.flat_map(|(at, it)| {
                it.timers
                    .iter()
                    .map(move |timer| Action::CoordinatorTimer { at, timer: *timer })
            }));
            let armed = state.agents.iter().enumerate();
            actions.extend(armed.flat_map(|(at, it)| {
                it.timers
                    .iter()
                    .map(move |timer| Action::ParticipantTimer { at, timer: *timer })
            }));
        }
        for (participant, agent) in state.agents.iter().enumerate() {
            if state.spent.mishaps < self.bounds.mishaps {
                if agent.done.is_some() {
                    actions.push(Action::Unknown { participant });
                }
                if agent.device.pending {
                    actions.push(Action::TakesBack { participant });
                }
            }
        }
    }
}

impl Model for Space {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        self.plant();
        vec![State::new(
            self.classes.iter().map(|it| Device::new(*it)).collect(),
            self.bounds.timers > 0,
        )]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        self.deliveries(state, actions);
        for (participant, _) in state.agents.iter().enumerate().filter(|(_, it)| it.done.is_some()) {
            actions.extend(
                self.cuts(state)
                    .into_iter()
                    .map(|cut| Action::Finish { participant, cut }),
            );
        }
        self.faults(state, actions);
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        self.plant();
        let mut state = last.clone();
        let happened = match action {
            Action::Deliver { message, to, cut } => state.deliver(&message, to, cut),
            Action::Finish { participant, cut } => state.finish(participant, cut),
            Action::CoordinatorTimer { at, timer } => state.coordinator_fires(at, timer),
            Action::ParticipantTimer { at, timer } => state.participant_fires(at, timer),
            Action::TakeOver => state.take_over(),
            Action::Unknown { participant } => state.loses_outcome(participant),
            Action::TakesBack { participant } => {
                state.spent.mishaps += 1;
                state.agents[participant].device.takes_back();
                true
            }
        };
        (happened && state != *last).then_some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("agreement", |_, state: &State| {
                !(state.has(Standing::Confirmed) && state.has(Standing::Untouched))
            }),
            Property::always("validity", |_, state: &State| {
                let confirmed = state.agents.iter().any(|it| it.device.confirmed);
                !confirmed || state.agents.iter().all(|it| it.device.was_applied)
            }),
            Property::always("confirmed is there", |_, state: &State| {
                state
                    .agents
                    .iter()
                    .all(|it| it.end() != Some(Standing::Confirmed) || it.device.confirmed && it.device.after)
            }),
            Property::always("no early effect", |_, state: &State| {
                let applied = state.agents.iter().any(|it| it.device.was_applied);
                !applied || state.agents.iter().all(|it| it.device.was_staged)
            }),
            Property::always("applied once", |_, state: &State| {
                state.was_confirmed || state.agents.iter().all(|it| it.device.applies < 2)
            }),
            Property::always("durability", |_, state: &State| {
                let heard = state.heard_confirm && !state.everybody_ended();
                !state.is_contradicted && (!heard || state.decided_confirm())
            }),
            Property::always("fencing", |_, state: &State| !state.obeyed_old),
            Property::sometimes("some commit", |_, state: &State| {
                state.told.contains(&Ending::Committed)
            }),
            Property::sometimes("some roll back", |model: &Space, state: &State| {
                let calm =
                    model.bounds.crashes + model.bounds.take_overs + model.bounds.timers + model.bounds.mishaps == 0;
                calm || state.told.iter().any(|it| matches!(it, Ending::RolledBack { .. }))
            }),
        ]
    }
}
