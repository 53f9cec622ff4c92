//! Whether everything ends: said of the whole graph of states, ways that go round in a circle included.
//!
//! Where a state has no way on, its ending was told and nothing is held; and from every state that can be reached at all,
//! one can be reached in which that is so. A circle without a way out would be a state from which none can be. Where no
//! state is in a circle every way is finite, and ends where nothing is held: nothing has to be assumed of who comes when.
//!
//! In a space whose bounds leave out timers that somebody waits for, a way may come to where only these lead on: then it is
//! asked that they lead to an ending, and how many of them it takes.

use crate::space::Space;
use crate::state::State;
use stateright::Model;
use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

/// How many states are looked at around one that only timers lead on from.
const AROUND: usize = 200_000;

/// What the graph of a space shows.
pub struct Ends {
    pub states: usize,
    pub steps: usize,
    /// States in circles: those that can come back to themselves.
    pub in_circles: usize,
    /// The states without a way on that are no ends.
    pub stuck: Vec<State>,
    /// A state from which no end can be reached.
    pub lost: Option<State>,
}

/// Every state by number, with the ways between them.
#[derive(Default)]
struct Graph {
    states: Vec<State>,
    /// By what is equal for states that differ only in which of several participants of one kind is where.
    numbers: HashMap<u64, u32>,
    /// From, to.
    steps: Vec<(u32, u32)>,
}

impl Graph {
    fn number(&mut self, state: State) -> u32 {
        let next = u32::try_from(self.states.len()).unwrap();
        *self.numbers.entry(canonical(&state)).or_insert_with(|| {
            self.states.push(state);
            next
        })
    }

    fn of(space: &Space) -> Self {
        let mut graph = Self::default();
        for state in space.init_states() {
            graph.number(state);
        }
        let (mut at, mut actions) = (0, Vec::new());
        while at < graph.states.len() {
            let state = graph.states[at].clone();
            space.actions(&state, &mut actions);
            let from = u32::try_from(at).unwrap();
            for action in actions.drain(..) {
                if let Some(next) = space.next_state(&state, action) {
                    let to = graph.number(next);
                    graph.steps.push((from, to));
                }
            }
            at += 1;
        }
        graph
    }
}

fn canonical(state: &State) -> u64 {
    let mut hasher = DefaultHasher::new();
    state.hash(&mut hasher);
    hasher.finish()
}

/// Where each state's neighbours begin in a list that is sorted by the first of each pair.
fn neighbours(states: usize, pairs: &mut [(u32, u32)]) -> Vec<usize> {
    pairs.sort_unstable();
    let mut begins = vec![0; states + 1];
    for (from, _) in pairs.iter() {
        begins[*from as usize + 1] += 1;
    }
    for at in 0..states {
        begins[at + 1] += begins[at];
    }
    begins
}

/// Walks the whole graph of a space.
pub fn ends(space: &Space) -> Ends {
    let Graph { states, steps, .. } = Graph::of(space);
    let is_end: Vec<bool> = states.iter().map(|it| space.has_ended(it)).collect();
    let mut on = steps.clone();
    let begins = neighbours(states.len(), &mut on);
    let stuck = (0..states.len()).filter(|at| begins[*at] == begins[*at + 1] && !is_end[*at]);
    // Backwards from every end: whoever is met can come to it.
    let mut back: Vec<(u32, u32)> = steps.iter().map(|(from, to)| (*to, *from)).collect();
    let before = neighbours(states.len(), &mut back);
    let mut can = is_end.clone();
    let mut next: Vec<usize> = (0..states.len()).filter(|at| is_end[*at]).collect();
    while let Some(at) = next.pop() {
        for (_, from) in &back[before[at]..before[at + 1]] {
            if !std::mem::replace(&mut can[*from as usize], true) {
                next.push(*from as usize);
            }
        }
    }
    Ends {
        states: states.len(),
        steps: steps.len(),
        in_circles: in_circles(&on, &begins, &before, &back),
        stuck: stuck.map(|at| states[at].clone()).collect(),
        lost: can.iter().position(|it| !it).map(|at| states[at].clone()),
    }
}

/// How many timers more, beyond the bounds of the space, it takes at most to come from one of these states to an end.
///
/// # Errors
/// The state from which there is no such way.
pub fn further(space: &mut Space, stuck: &[State]) -> Result<u8, Box<State>> {
    space.bounds.timers = u8::MAX;
    let mut most = 0;
    for state in stuck {
        let more = further_from(space, state).ok_or_else(|| Box::new(state.clone()))?;
        most = most.max(more);
    }
    Ok(most)
}

/// The fewest timers that lead from a state to an end: states are looked at in the order in which timers have to fire.
fn further_from(space: &Space, from: &State) -> Option<u8> {
    let (mut seen, mut next) = (HashSet::from([canonical(from)]), VecDeque::from([from.clone()]));
    let mut actions = Vec::new();
    while let Some(state) = next.pop_front() {
        if space.has_ended(&state) {
            return Some(state.spent.timers - from.spent.timers);
        }
        space.actions(&state, &mut actions);
        for action in actions.drain(..) {
            let Some(on) = space.next_state(&state, action) else {
                continue;
            };
            if seen.len() < AROUND && seen.insert(canonical(&on)) {
                if on.spent.timers == state.spent.timers {
                    next.push_front(on);
                } else {
                    next.push_back(on);
                }
            }
        }
    }
    None
}

/// How many states can come back to themselves: what is left once everybody is taken away whom nobody left comes to, and
/// everybody who comes to nobody left, is in a circle or between two.
fn in_circles(on: &[(u32, u32)], begins: &[usize], before: &[usize], back: &[(u32, u32)]) -> usize {
    let states = begins.len() - 1;
    let mut left = vec![true; states];
    for (begins, pairs, others, reverse) in [(begins, on, before, back), (before, back, begins, on)] {
        let count = |at: usize| {
            (begins[at]..begins[at + 1])
                .filter(|it| left[pairs[*it].1 as usize])
                .count()
        };
        let mut counts: Vec<usize> = (0..states).map(count).collect();
        let mut next: Vec<usize> = (0..states).filter(|at| left[*at] && counts[*at] == 0).collect();
        while let Some(at) = next.pop() {
            left[at] = false;
            for (_, other) in &reverse[others[at]..others[at + 1]] {
                let other = *other as usize;
                counts[other] -= 1;
                if counts[other] == 0 && left[other] {
                    next.push(other);
                }
            }
        }
    }
    left.into_iter().filter(|it| *it).count()
}
