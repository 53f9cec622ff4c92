//! A configuration as a sorted map: diff against libyang's own, parse and validate against `yanglint`, memory.
//!
//! Figures are processor time, so that others on the machine do not count.

mod device;
mod libyang;

use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use knowledge_model::{Schema, Tree, diff};
use knowledge_yang::{Format, Validator};

use crate::measure::{children_cpu, median, own_cpu, resident};
use crate::report::Row;

/// Interfaces of the device whose configuration is parsed.
const INTERFACES: u32 = 10_000;
/// Rules of four leaves each in the configuration that is compared.
const RULES: u32 = 250_000;
/// In how many leaves the two differ.
const DIFFERENCES: u32 = 100;
/// What a million leaves may take.
const MEMORY: f64 = 300e6;

pub fn run(rounds: usize) -> anyhow::Result<Vec<Row>> {
    let rounds = rounds.max(5);
    let mut rows = vec![memory()?];
    rows.push(differences(rounds)?);
    rows.extend(reading(rounds)?);
    Ok(rows)
}

/// What one leaf of a large configuration takes in memory: the first thing that is done, on a fresh heap.
fn memory() -> anyhow::Result<Row> {
    let before = resident()?;
    let tree = device::rules(RULES, 0);
    let bytes = resident()? - before;
    ensure!(tree.len() >= RULES as usize * 4, "four entries a rule");
    let leaf = bytes / tree.len() as f64;
    Ok(Row {
        bench: format!("memory, {} leaves", tree.len()),
        peer: "300 MB a million".to_owned(),
        ours: leaf,
        theirs: MEMORY / 1e6,
        unit: "B/leaf",
        ratio: MEMORY / 1e6 / leaf,
        target: Some(1.0),
        ..Row::default()
    })
}

/// Our diff against libyang's, on the same two configurations.
fn differences(rounds: usize) -> anyhow::Result<Row> {
    let (before, after) = (device::rules(RULES, 0), device::rules(RULES, DIFFERENCES));
    let schema = Schema::canonical();
    let context = libyang::context()?;
    let theirs = (
        libyang::load(&context, &before.to_json(schema)?)?,
        libyang::load(&context, &after.to_json(schema)?)?,
    );
    let mut figures = Vec::new();
    for _ in 0..rounds {
        let (found, ours) = timed(|| Ok(diff(&before, &after).len()))?;
        ensure!(found == DIFFERENCES as usize, "our diff has {found} edits");
        let (found, libyang) = timed(|| libyang::differences(&theirs.0, &theirs.1))?;
        ensure!(found == DIFFERENCES as usize, "libyang's diff has {found} edits");
        figures.push((ours * 1e3, libyang * 1e3));
    }
    Ok(Row {
        bench: format!("diff, {} leaves, {DIFFERENCES} differ", before.len()),
        peer: "libyang 5, lyd_diff".to_owned(),
        unit: "ms CPU",
        target: Some(5.0),
        ..row(&figures)
    })
}

/// Parse, validate and map of one large device against `yanglint` on the same file, without what it takes to start.
fn reading(rounds: usize) -> anyhow::Result<Vec<Row>> {
    let folder = tempfile::tempdir()?;
    let (tree, schema) = (device::interfaces(INTERFACES), Schema::canonical());
    let validator = Validator::new()?;
    let context = libyang::context()?;
    let json = tree.to_json(schema)?;
    let documents = [
        ("JSON", Format::Json, json.clone(), "device.json"),
        ("XML", Format::Xml, tree.to_xml(schema)?, "device.xml"),
    ];
    let empty = [
        ("empty.json", "{}"),
        ("empty.xml", "<system xmlns='urn:entente:system'/>"),
    ];
    for (name, text) in empty
        .into_iter()
        .chain(documents.iter().map(|it| (it.3, it.2.as_str())))
    {
        std::fs::write(folder.path().join(name), text)?;
    }
    for (name, text) in knowledge_yang::MODULES {
        std::fs::write(folder.path().join(name).with_extension("yang"), text)?;
    }
    let mut rows = Vec::new();
    for (name, format, text, file) in &documents {
        let (mut figures, mut alone) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            let (read, ours) = timed(|| Ok(validator.read(text.as_bytes(), *format)?))?;
            ensure!(read == tree, "what was read is not what was written");
            let start = yanglint(folder.path(), empty[usize::from(*format == Format::Xml)].0)?;
            let whole = yanglint(folder.path(), file)?;
            figures.push((ours * 1e3, (whole - start) * 1e3));
            if *format == Format::Json {
                let (_, theirs) = timed(|| libyang::parse(&context, text))?;
                alone.push((ours * 1e3, theirs * 1e3));
            }
        }
        let bench = format!("parse, validate and map, {name}, {INTERFACES} interfaces");
        rows.push(Row {
            bench: bench.clone(),
            peer: "yanglint, without its start".to_owned(),
            unit: "ms CPU",
            target: Some(1.0 / 1.3), // at most 1.3 times the time
            ..row(&figures)
        });
        if !alone.is_empty() {
            rows.push(Row {
                bench,
                peer: "libyang 5, no map".to_owned(),
                unit: "ms CPU",
                ..row(&alone)
            });
        }
    }
    rows.push(checking(&validator, &tree, &context, &json, rounds)?);
    Ok(rows)
}

/// A map that is there already, checked without text, against text printed and parsed by libyang.
fn checking(
    validator: &Validator,
    tree: &Tree,
    context: &yang5::context::Context,
    json: &str,
    rounds: usize,
) -> anyhow::Result<Row> {
    let mut figures = Vec::new();
    for _ in 0..rounds {
        let ((), ours) = timed(|| Ok(validator.check(tree)?))?;
        let (_, theirs) = timed(|| libyang::parse(context, json))?;
        figures.push((ours * 1e3, theirs * 1e3));
    }
    Ok(Row {
        bench: format!("check of a map, {INTERFACES} interfaces"),
        peer: "libyang 5, from JSON".to_owned(),
        unit: "ms CPU",
        ..row(&figures)
    })
}

/// The processor time of one run of `yanglint`, in seconds.
fn yanglint(folder: &std::path::Path, file: &str) -> anyhow::Result<f64> {
    let before = children_cpu()?;
    let modules = knowledge_yang::MODULES.iter().map(|(name, _)| format!("{name}.yang"));
    let status = Command::new("yanglint")
        .current_dir(folder)
        .args(["-t", "config"])
        .args(modules)
        .arg(file)
        .stdout(Stdio::null())
        .status()
        .context("cannot run yanglint: it is in the package libyang-tools")?;
    ensure!(status.success(), "yanglint refuses {file}: {status}");
    Ok(children_cpu()? - before)
}

/// What a piece of work gives, and the processor time that it takes, in seconds.
fn timed<T>(work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<(T, f64)> {
    let before = own_cpu()?;
    let answer = work()?;
    Ok((answer, own_cpu()? - before))
}

/// The middle of each figure; less is better.
fn row(figures: &[(f64, f64)]) -> Row {
    let middle = |figure: fn(&(f64, f64)) -> f64| median(&mut figures.iter().map(figure).collect::<Vec<_>>());
    Row {
        ours: middle(|it| it.0),
        theirs: middle(|it| it.1),
        ratio: middle(|it| it.1 / it.0),
        ..Row::default()
    }
}
