//! `simulate`: runs worlds, replays one, plants bugs.

use anyhow::Context;
use clap::Parser;
use simulation::report::Tally;
use simulation::world::World;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// An invariant broke.
const BROKEN: u8 = 3;

#[derive(Debug, Parser)]
#[command(name = "simulate", about = "Seeded worlds in which agents must agree whatever fails")]
struct Arguments {
    /// How many worlds to run.
    #[arg(long, default_value_t = 2_000)]
    worlds: u64,
    /// Replay this one and print who said what; with --worlds: begin there.
    #[arg(long)]
    seed: Option<u64>,
    /// Write a report to this file, as JSON.
    #[arg(long)]
    report: Option<PathBuf>,
    /// Name the bugs that can be planted.
    #[arg(long)]
    list_mutants: bool,
    /// Stop when so many worlds have broken an invariant.
    #[arg(long, default_value_t = 1)]
    breaks: usize,
    /// Plant this bug.
    #[arg(long)]
    mutant: Option<String>,
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let mut out = std::io::stdout().lock();
    if arguments.list_mutants {
        for name in mutants() {
            writeln!(out, "{name}")?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(name) = &arguments.mutant {
        plant(name)?;
    }
    if let (Some(seed), false) = (arguments.seed, std::env::args().any(|it| it.starts_with("--worlds"))) {
        return replay(seed, &mut out);
    }
    let first = arguments.seed.unwrap_or(0);
    let tally = Tally::of(first..first + arguments.worlds, arguments.breaks);
    writeln!(out, "{}", tally.table())?;
    if let Some(path) = &arguments.report {
        let json = serde_json::to_vec_pretty(&tally.report()).context("write the report as JSON")?;
        std::fs::write(path, json).with_context(|| format!("write {}", path.display()))?;
    }
    for (seed, broken) in &tally.broken {
        writeln!(out, "seed {seed} breaks {}: {}", broken.invariant, broken.seen)?;
    }
    if !tally.broken.is_empty() {
        return Ok(ExitCode::from(BROKEN));
    }
    let unvisited = tally.unvisited();
    if !unvisited.is_empty() {
        writeln!(out, "never visited: {}", unvisited.join("; "))?;
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

fn replay(seed: u64, out: &mut impl Write) -> anyhow::Result<ExitCode> {
    let mut world = World::new(seed);
    world.transcript = Some(Vec::new());
    writeln!(out, "seed {seed}: {:?}", world.weather)?;
    let outcomes = world.run();
    for line in world.transcript.iter().flatten() {
        writeln!(out, "{line}")?;
    }
    for (guarantee, ending) in outcomes.endings {
        writeln!(out, "ended {ending:?} (weakest guarantee: {guarantee})")?;
    }
    let Some(broken) = outcomes.broken else {
        return Ok(ExitCode::SUCCESS);
    };
    writeln!(out, "broken: {}: {}", broken.invariant, broken.seen)?;
    Ok(ExitCode::from(BROKEN))
}

#[cfg(mutants)]
fn mutants() -> Vec<&'static str> {
    transaction::mutant::Mutant::ALL.iter().map(|it| it.name()).collect()
}

#[cfg(not(mutants))]
fn mutants() -> Vec<&'static str> {
    vec!["none: build with RUSTFLAGS=\"--cfg mutants\""]
}

#[cfg(mutants)]
fn plant(name: &str) -> anyhow::Result<()> {
    use transaction::mutant::{Mutant, plant};
    let mutant = Mutant::ALL
        .iter()
        .find(|it| it.name() == name)
        .with_context(|| format!("no mutant is called {name}"))?;
    plant(Some(*mutant));
    Ok(())
}

#[cfg(not(mutants))]
fn plant(name: &str) -> anyhow::Result<()> {
    anyhow::bail!("plant {name}: this build has no mutants, build with RUSTFLAGS=\"--cfg mutants\"")
}
