//! What goes wrong in a world: drawn from its seed before it begins.

use crate::chance::Chance;
use crate::points;

/// What can happen to one operation at a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mishap {
    /// It is refused; by lines, after some of them.
    Refuse,
    /// It never ends.
    Hang,
    /// The session drops before it takes effect.
    DropBefore,
    /// The session drops after it took effect.
    DropAfter,
    /// It takes effect after its deadline.
    Late,
    /// The device reboots instead.
    RebootBefore,
    /// The device reboots right after.
    RebootAfter,
    /// It cannot save.
    CannotSave,
}

/// All of them.
pub const MISHAPS: [Mishap; 8] = [
    Mishap::Refuse,
    Mishap::Hang,
    Mishap::DropBefore,
    Mishap::DropAfter,
    Mishap::Late,
    Mishap::RebootBefore,
    Mishap::RebootAfter,
    Mishap::CannotSave,
];

/// A process is killed at a point, when it comes by for the n-th time.
#[derive(Debug, Clone, Copy)]
pub struct Kill {
    /// Where.
    pub point: &'static str,
    /// At which visit, from 1.
    pub visit: u32,
}

/// The faults of one world.
#[derive(Debug, Clone)]
pub struct Weather {
    /// Times in a thousand that a message is lost, and repeated.
    pub loss: u64,
    /// See above.
    pub repeat: u64,
    /// The longest delay of a message, in milliseconds.
    pub delay: u64,
    /// When the network is well again.
    pub noise_ends: u64,
    /// Who is killed where.
    pub kills: Vec<Kill>,
    /// Times in a thousand that a device's operation meets a mishap.
    pub mishaps: u64,
    /// How many things the operator does.
    pub operator: u64,
    /// Whether two controllers share one journal, and the second takes over at some time.
    pub take_over: Option<u64>,
    /// Whether timers fire early or late.
    pub skewed: bool,
    /// A device, or its agent, that is away from when until when.
    pub outage: Option<(u64, u64)>,
    /// When all faults are over.
    pub end: u64,
    /// Whether most devices go through a candidate and take a change back by a timer of their own: there the lock dies with
    /// its session, and the change does not.
    pub candidates: bool,
    /// Whether every transaction has to commit: nothing goes wrong, or only the network, and that for a short time.
    pub must_commit: bool,
}

impl Weather {
    /// Nothing goes wrong.
    pub fn calm() -> Self {
        Self {
            loss: 0,
            repeat: 0,
            delay: 20,
            noise_ends: 0,
            kills: Vec::new(),
            mishaps: 0,
            operator: 0,
            take_over: None,
            skewed: false,
            outage: None,
            end: 0,
            candidates: false,
            must_commit: true,
        }
    }

    /// The weather of a seed.
    pub fn of(seed: u64, chance: &mut Chance) -> Self {
        let mut weather = Self::calm();
        let kind = seed % 10;
        if kind == 0 {
            return weather;
        }
        weather.noise_ends = chance.between(0, 8_000);
        weather.loss = chance.below(300);
        weather.repeat = chance.below(300);
        weather.delay = chance.between(20, 2_000);
        if kind == 1 {
            return weather;
        }
        weather.must_commit = false;
        weather.end = chance.between(30_000, 300_000);
        weather.noise_ends = chance.between(0, weather.end);
        weather.skewed = chance.permille(500);
        let all = kind == 9;
        if kind == 7 {
            // An agent dies in the open window while the operator is busy: its locks die, the change does not.
            weather.candidates = true;
            weather.operator = chance.between(10, 40);
            weather.mishaps = chance.pick(&[0, 60, 120]);
            weather.kills = (0..2)
                .map(|_| Kill {
                    point: chance.pick(&IN_THE_WINDOW),
                    visit: u32::try_from(chance.between(1, 3)).unwrap_or(1),
                })
                .collect();
        } else if kind == 8 {
            weather.kills = vec![Kill {
                point: chance.pick(&AFTER_DEBTS),
                visit: 1,
            }];
        }
        if kind <= 5 || all {
            weather.kills = kills(seed, chance);
        }
        if kind == 4 || kind == 6 || all {
            weather.mishaps = chance.between(20, 250);
        }
        if kind == 5 || kind == 6 || all {
            weather.operator = chance.between(1, 24);
        }
        if kind == 3 || (all && chance.permille(600)) {
            // Mostly while something runs, and with old words still on their way.
            let latest = if chance.permille(800) { 15_000 } else { weather.end };
            weather.take_over = Some(chance.between(50, latest));
            weather.noise_ends = weather.end;
            weather.repeat = chance.between(200, 500);
            weather.delay = chance.between(200, 2_000);
        }
        if kind == 8 || (all && chance.permille(200)) {
            let from = chance.between(10, 20_000);
            let long = chance.permille(700);
            let lasts = if long {
                chance.between(1_900_000, 2_500_000)
            } else {
                chance.between(1_000, 200_000)
            };
            weather.outage = Some((from, from + lasts));
        }
        weather
    }
}

/// Points that are seen only where a device was owed something.
const AFTER_DEBTS: [&str; 3] = [
    "coordinator: write cleared",
    "coordinator: sync cleared",
    "coordinator: repaired",
];

/// Points between an apply and its confirmation.
const IN_THE_WINDOW: [&str; 5] = [
    "participant: confirm",
    "participant: confirm",
    "participant: renew",
    "participant: inquire",
    "coordinator: send confirm",
];

/// Points that few worlds come by.
const RARE: [&str; 9] = [
    "coordinator: send renew",
    "coordinator: ask the gate",
    "participant: write raised",
    "participant: sync raised",
    "participant: renew",
    "participant: read",
    "participant: restage",
    "participant: restage",
    "participant: inquire",
];

/// Every point has its turn, and some more are drawn.
fn kills(seed: u64, chance: &mut Chance) -> Vec<Kill> {
    let turn = usize::try_from(seed / 10 * 7 + seed % 10).unwrap_or(0) % points::ALL.len();
    let mut kills = vec![Kill {
        point: points::ALL[turn],
        visit: u32::try_from(chance.between(1, 3)).unwrap_or(1),
    }];
    if chance.permille(300) {
        kills.push(Kill {
            point: chance.pick(&RARE),
            visit: 1,
        });
    }
    for _ in 0..chance.below(3) {
        kills.push(Kill {
            point: chance.pick(points::ALL),
            visit: u32::try_from(chance.between(1, 4)).unwrap_or(1),
        });
    }
    kills
}
