//! One intent across a whole network, from its submission to Committed.
//!
//! The product runs as it is installed: controller, agents and devices are processes of their own. It is held against
//! the fastest parallel path of our own adapters, which sends the same RPCs and agrees on nothing, and against a script
//! with Nornir and ncclient, on the same devices in the same run.

mod crowd;
mod fast;
mod fleet;
mod product;
mod script;

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, ensure};

use crate::measure::{Watch, median};
use crate::report::Row;
use fast::Fast;
use fleet::Fleet;
use product::{Phases, Product};

pub use fleet::serve;

/// How many devices one intent is for.
const SIZES: [usize; 3] = [20, 100, 500];
/// The round trip that is tried beside none, in milliseconds.
const ROUND_TRIP: u64 = 20;
/// What agreement may cost: without delay, and where the round trip counts.
const PRICES: [(u64, f64); 2] = [(0, 1.5), (ROUND_TRIP, 1.15)];
/// How many clients at once submit intents for devices of their own.
const CLIENTS: usize = 50;
/// How many intents each of them submits.
const EACH: usize = 4;
/// How many devices the fast path may be at, at a time.
const WIDTHS: [usize; 3] = [32, 100, 500];

pub fn run(sizes: &[usize], rounds: usize) -> anyhow::Result<Vec<Row>> {
    fabric_identity::install_cryptography();
    let sizes = if sizes.is_empty() { &SIZES } else { sizes };
    let mut rows = Vec::new();
    for size in sizes {
        rows.extend(across(*size, rounds).with_context(|| format!("across {size} devices"))?);
    }
    rows.push(many_at_once()?);
    rows.push(crowd::run()?);
    Ok(rows)
}

/// One network with everybody who changes it; each change says something new.
struct Ground {
    fleet: Fleet,
    product: Product,
    fast: Fast,
    all: Vec<usize>,
    said: u32,
    before: Option<String>,
    phases: Vec<Phases>,
}

impl Ground {
    fn start(size: usize) -> anyhow::Result<Self> {
        let fleet = Fleet::start(size)?;
        let (product, fast) = (
            Product::start(fleet.addresses(), true)?,
            Fast::start(fleet.addresses())?,
        );
        Ok(Self {
            fleet,
            product,
            fast,
            all: (0..size).collect(),
            said: 0,
            before: None,
            phases: Vec::new(),
        })
    }

    fn next(&mut self) -> String {
        self.said += 1;
        format!("uplink number {}", self.said)
    }

    fn done(&mut self, text: String) -> anyhow::Result<()> {
        let marked = self.fleet.marked(&text)?;
        ensure!(marked == self.all.len(), "{text} stands on {marked} devices");
        self.before = Some(text);
        Ok(())
    }

    fn ours(&mut self) -> anyhow::Result<Duration> {
        let text = self.next();
        let phases = self.product.commit(&self.all, &text)?;
        self.done(text)?;
        self.phases.push(phases);
        Ok(phases.told)
    }

    /// Where the time of ours went since the last time that this was asked, as medians in milliseconds.
    fn tell_phases(&mut self, of: &str) {
        let phases = std::mem::take(&mut self.phases);
        let middle = |name: &str, span: &dyn Fn(&Phases) -> Duration| {
            let mut spans: Vec<f64> = phases.iter().map(|it| span(it).as_secs_f64() * 1e3).collect();
            format!("{name} {:.0}", median(&mut spans))
        };
        let words = [
            middle("plan", &|it| it.planned),
            middle("commit taken in", &|it| it.begun - it.planned),
            middle("stage", &|it| it.steps[0].saturating_sub(it.begun)),
            middle("apply", &|it| it.steps[1].saturating_sub(it.steps[0])),
            middle("confirm", &|it| it.steps[2].saturating_sub(it.steps[1])),
            middle("ending", &|it| it.told.saturating_sub(it.steps[2])),
        ];
        crate::report::say(&format!("{} devices, {of}, ms: {}", self.all.len(), words.join(", ")));
    }

    fn fast(&mut self, width: usize) -> anyhow::Result<Duration> {
        let text = self.next();
        let took = self.fast.change(self.before.as_deref(), &text, width)?;
        self.done(text)?;
        Ok(took)
    }

    fn script(&mut self, workers: usize) -> anyhow::Result<Duration> {
        let text = self.next();
        let took = script::run(self.fleet.addresses(), &text, workers)?;
        self.done(text)?;
        Ok(took)
    }

    /// The width with which the fast path is done first.
    fn width(&mut self) -> anyhow::Result<usize> {
        let mut found: Option<(Duration, usize)> = None;
        for width in WIDTHS {
            let took = self.fast(width)?;
            if found.is_none_or(|(least, _)| took < least) {
                found = Some((took, width));
            }
        }
        Ok(found.map_or(1, |(_, width)| width))
    }
}

fn across(size: usize, rounds: usize) -> anyhow::Result<Vec<Row>> {
    let mut ground = Ground::start(size)?;
    let mut rows = Vec::new();
    // Both have seen every device once: host keys and modules are known.
    ground.ours()?;
    ground.tell_phases("the first time");
    for (late, most) in PRICES {
        ground.fleet.late(late)?;
        rows.push(price(&mut ground, rounds, (late, most))?);
    }
    ground.fleet.late(0)?;
    let workers = script::best(ground.fleet.addresses())?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..rounds.min(3) {
        ours.push(ground.ours()?.as_secs_f64());
        theirs.push(ground.script(workers)?.as_secs_f64());
    }
    let peer = format!("Nornir and ncclient, {workers} workers");
    rows.push(row(
        size,
        "one intent, submission to committed".to_owned(),
        peer,
        (ours, theirs),
        20.0,
    ));
    Ok(rows)
}

/// What agreement costs against the same work without it.
fn price(ground: &mut Ground, rounds: usize, (late, most): (u64, f64)) -> anyhow::Result<Row> {
    let width = ground.width()?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let mut counts = [BTreeMap::new(), BTreeMap::new()];
    for _ in 0..rounds {
        ground.fleet.counts()?;
        ours.push(ground.ours()?.as_secs_f64());
        counts[0] = ground.fleet.counts()?;
        theirs.push(ground.fast(width)?.as_secs_f64());
        counts[1] = ground.fleet.counts()?;
    }
    let [ours_asked, theirs_asked] = counts;
    ground.tell_phases(&format!("{late} ms round trip"));
    ensure!(
        ours_asked == theirs_asked,
        "not the same work: ours {ours_asked:?}, the fast path {theirs_asked:?}"
    );
    let bench = format!("price of agreement, {late} ms round trip");
    let peer = format!("our adapters alone, {width} at once");
    Ok(row(ground.all.len(), bench, peer, (ours, theirs), 1.0 / most))
}

fn row(size: usize, bench: String, peer: String, (mut ours, mut theirs): (Vec<f64>, Vec<f64>), target: f64) -> Row {
    let (ours, theirs) = (median(&mut ours) * 1e3, median(&mut theirs) * 1e3);
    Row {
        bench,
        peer,
        devices: u32::try_from(size).ok(),
        warm: Some(false),
        ours,
        theirs,
        unit: "ms",
        ratio: theirs / ours,
        target: Some(target),
    }
}

/// Clients at once, each with a device of its own, against one client alone.
fn many_at_once() -> anyhow::Result<Row> {
    let fleet = Fleet::start(CLIENTS)?;
    let product = Product::start(fleet.addresses(), true)?;
    let rate = |clients: usize| -> anyhow::Result<f64> {
        let watch = Watch::start();
        std::thread::scope(|scope| {
            let client = |at: usize| {
                let product = &product;
                move || (0..EACH).try_for_each(|round| product.commit(&[at], &format!("{clients} {round}")).map(drop))
            };
            let clients: Vec<_> = (0..clients).map(|at| scope.spawn(client(at))).collect();
            clients
                .into_iter()
                .try_for_each(|it| it.join().map_err(|_| anyhow::anyhow!("a client panicked"))?)
        })?;
        Ok((clients * EACH) as f64 / watch.elapsed().as_secs_f64())
    };
    rate(1)?;
    let (alone, together) = (rate(1)?, rate(CLIENTS)?);
    Ok(Row {
        bench: "intents a second, 50 disjoint clients".to_owned(),
        peer: "one client alone".to_owned(),
        devices: u32::try_from(CLIENTS).ok(),
        warm: Some(false),
        ours: together,
        theirs: alone,
        unit: "1/s",
        ratio: together / alone,
        target: None,
    })
}
