//! What is wanted in a world: a few transactions over a few devices.

use crate::chance::Chance;
use crate::change::Path;
use std::collections::BTreeSet;
use std::time::Duration;
use transaction::{Demand, Gate, Guarantee, Terms, TransactionId};

/// One device's part in a wanted transaction.
#[derive(Debug, Clone)]
pub struct Part {
    /// Which device, by number.
    pub device: usize,
    /// Its wave.
    pub wave: u16,
    /// What is touched.
    pub paths: BTreeSet<Path>,
    /// What the caller insists on.
    pub demand: Demand,
    /// Nothing is written there: it has to stand as it did.
    pub looks_on: bool,
}

/// One wanted transaction.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Its name.
    pub transaction: TransactionId,
    /// When somebody asks for it.
    pub at: u64,
    /// Who takes part.
    pub parts: Vec<Part>,
    /// When the network's health is asked.
    pub gate: Gate,
    /// Whether it is well.
    pub healthy: bool,
    /// When the caller withdraws, if he does.
    pub cancelled: Option<u64>,
    /// Whether it may ride one transaction with others that wait for the same device.
    pub mergeable: bool,
}

/// Everything that is wanted.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// How many devices there are.
    pub devices: usize,
    /// In the order of asking.
    pub wishes: Vec<Wish>,
    /// The deadlines of all.
    pub terms: Terms,
}

/// Paths that changes touch; the operator edits these and some more.
pub const TOUCHED: u64 = 4;

impl Scenario {
    /// The scenario of a seed. After an outage, at `late`, somebody wants all devices.
    pub fn draw(chance: &mut Chance, late: Option<u64>) -> Self {
        let devices = usize::try_from(chance.between(1, 4)).unwrap_or(1);
        let mut wishes: Vec<Wish> = (1..=chance.between(1, 3))
            .map(|number| wish(number, devices, chance))
            .collect();
        if let Some(at) = late {
            let parts = (0..devices)
                .map(|device| Part {
                    device,
                    wave: 0,
                    paths: BTreeSet::from([0]),
                    demand: Demand::Any,
                    looks_on: false,
                })
                .collect();
            let transaction = TransactionId(9);
            wishes.push(Wish {
                transaction,
                at,
                parts,
                gate: Gate::None,
                healthy: true,
                cancelled: None,
                mergeable: false,
            });
        }
        if chance.permille(300) {
            wishes.extend(small(devices, chance));
        }
        Self {
            devices,
            wishes,
            terms: terms(),
        }
    }

    /// In some worlds callers insist on something: where all must commit on what their devices give, elsewhere on
    /// anything.
    pub fn demand(&mut self, met: bool, luck: &mut Chance, class: impl Fn(usize) -> Guarantee) {
        if !luck.permille(120) {
            return;
        }
        for part in self
            .wishes
            .iter_mut()
            .filter(|it| !it.mergeable)
            .flat_map(|it| &mut it.parts)
        {
            let demand = luck.pick(&[
                Demand::Any,
                Demand::Class(luck.clone().pick(&Guarantee::ALL)),
                Demand::Whole,
                Demand::TakenBackByDevice,
            ]);
            if !met || demand.is_met_by(class(part.device)) {
                part.demand = demand;
            }
        }
    }

    /// In some worlds devices take part on which nothing changes.
    pub fn look_on(&mut self, eyes: &mut Chance) {
        if !eyes.permille(250) {
            return;
        }
        // What may ride together is drawn last, so that the others are what they were before it was.
        for mergeable in [false, true] {
            let wishes = self.wishes.iter_mut().filter(|it| it.mergeable == mergeable);
            for part in wishes.flat_map(|it| &mut it.parts) {
                part.looks_on = eyes.permille(400);
                if part.looks_on {
                    part.demand = Demand::Any;
                }
            }
        }
    }

    /// The transactions wanted.
    pub fn transactions(&self) -> impl Iterator<Item = TransactionId> {
        self.wishes.iter().map(|it| it.transaction)
    }

    /// One of them.
    pub fn wish(&self, transaction: TransactionId) -> Option<&Wish> {
        self.wishes.iter().find(|it| it.transaction == transaction)
    }

    /// Who takes part in it.
    pub fn parts(&self, transaction: TransactionId) -> impl Iterator<Item = &Part> {
        self.wish(transaction).into_iter().flat_map(|it| &it.parts)
    }
}

/// A few small changes to one device, asked for while it is likely to be held: these may be merged.
fn small(devices: usize, chance: &mut Chance) -> Vec<Wish> {
    let device = usize::try_from(chance.below(devices as u64)).unwrap_or(0);
    let begin = chance.below(2_000);
    let one = |number: u64| Wish {
        transaction: TransactionId(u128::from(20 + number)),
        at: begin + number * 10,
        parts: vec![Part {
            device,
            wave: 0,
            paths: paths(chance),
            demand: Demand::Any,
            looks_on: false,
        }],
        gate: Gate::None,
        healthy: true,
        cancelled: None,
        mergeable: true,
    };
    (0..3).map(one).collect()
}

fn paths(chance: &mut Chance) -> BTreeSet<Path> {
    (0..chance.between(1, 3))
        .map(|_| Path::try_from(chance.below(TOUCHED)).unwrap_or(0))
        .collect()
}

fn wish(number: u64, devices: usize, chance: &mut Chance) -> Wish {
    let at = chance.below(15_000) * (number - 1).min(1);
    let mut parts = Vec::new();
    for device in 0..devices {
        if chance.permille(750) || parts.is_empty() && device + 1 == devices {
            let paths = paths(chance);
            let wave = u16::try_from(chance.below(3) / 2).unwrap_or(0);
            let demand = Demand::Any;
            parts.push(Part {
                device,
                wave,
                paths,
                demand,
                looks_on: false,
            });
        }
    }
    Wish {
        transaction: TransactionId(u128::from(number)),
        at,
        parts,
        gate: chance.pick(&[Gate::None, Gate::None, Gate::Last, Gate::EachWave]),
        healthy: !chance.permille(60),
        cancelled: chance.permille(60).then(|| at + chance.below(4_000)),
        mergeable: false,
    }
}

fn terms() -> Terms {
    let seconds = Duration::from_secs;
    Terms {
        prepare_within: seconds(40),
        apply_within: seconds(40),
        gate_within: seconds(30),
        decide_within: seconds(25),
        lease: seconds(60),
        in_doubt: seconds(40),
        resend: seconds(2),
        revert_within: seconds(15),
        repair_within: seconds(1800),
    }
}
