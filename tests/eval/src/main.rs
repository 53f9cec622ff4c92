//! Measures how well sentences are understood: on the corpus of this project, on a foreign one. Of the half that is only scored nothing but totals is ever printed.

mod corpus;
mod evidence;
mod renamed;
mod score;
mod speed;
mod syllables;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::{Args, Parser, Subcommand};
use intents::{Answer, Library, Reader};
use serde_json::{Map, Value, json};

use corpus::{Corpus, Grounds, Half, folder};
use renamed::Renamed;
use score::{Tally, Totals, score};

#[derive(Parser)]
#[command(name = "eval", about = "How well sentences are understood, measured on corpora")]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// From words to intents.
    Intents(Options),
    /// How long a sentence takes, and how that grows with the number of classes.
    Speed {
        /// Writes the figures as JSON.
        #[arg(long, value_name = "FILE")]
        report: Option<PathBuf>,
    },
}

#[derive(Args)]
struct Options {
    /// A corpus of your own, as tests/corpus/intents/README.md describes; ids divide it into halves as well.
    #[arg(long, value_name = "FILE", requires = "inventory")]
    file: Option<PathBuf>,
    /// The inventory that it speaks of, with holding.jsonl beside it where it needs one.
    #[arg(long, value_name = "FILE")]
    inventory: Option<PathBuf>,
    /// Writes the figures as JSON.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Writes what speaks for and against each reading of the develop half, as JSON Lines.
    #[arg(long, value_name = "FILE")]
    evidence: Option<PathBuf>,
    /// Leaves out the run with other names.
    #[arg(long, conflicts_with = "report")]
    as_it_is: bool,
    /// Shows the lines of the develop half that are not right.
    #[arg(long)]
    misses: bool,
}

#[expect(clippy::print_stdout, reason = "the figures are what the program is for")]
fn main() -> anyhow::Result<()> {
    let options = match Arguments::parse().what {
        What::Intents(options) => options,
        What::Speed { report } => return speed::run(report.as_deref()),
    };
    let reader = reader()?;
    let files = match &options.file {
        Some(file) => vec![file.clone()],
        None => ["en.jsonl", "zh.jsonl"].map(|name| folder().join(name)).to_vec(),
    };
    let inventory = options
        .inventory
        .clone()
        .unwrap_or_else(|| folder().join("inventory.yaml"));
    println!(
        "{:<34} {:>6} {:>7} {:>7} {:>7} {:>8} {:>16}",
        "percent", "lines", "exact", "class", "asked", "refused", "wrong, confident"
    );
    let (mut all, mut languages) = (Tally::default(), Map::new());
    let mut weighed = Vec::new();
    for file in &files {
        let corpus = Corpus::read(file)?;
        let (counts, figures) = measure(&corpus, &inventory, &reader, &options, &mut weighed)?;
        all.join(counts);
        languages.insert(corpus.name, figures);
    }
    if let Some(file) = &options.evidence {
        let lines: Vec<String> = weighed.iter().map(|it| format!("{it}\n")).collect();
        std::fs::write(file, lines.concat()).with_context(|| format!("cannot write {}", file.display()))?;
    }
    if let Some(file) = &options.report {
        // What counts is the half that nobody developed on; the figures at the top are its.
        let mut report = all.json();
        report["languages"] = Value::Object(languages);
        write(&report, file)?;
    }
    Ok(())
}

fn write(report: &Value, file: &Path) -> anyhow::Result<()> {
    std::fs::write(file, serde_json::to_vec_pretty(report)?).with_context(|| format!("cannot write {}", file.display()))
}

fn reader() -> anyhow::Result<Reader> {
    let library = match Library::load(&[]) {
        Ok(library) => library,
        Err(faults) => bail!(
            "the library: {}",
            faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
        ),
    };
    match Reader::new(&library) {
        Ok(reader) => Ok(reader),
        Err(faults) => bail!(
            "the lexicon: {}",
            faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
        ),
    }
}

/// Measures a corpus as it is, and with other names; the counts are those of the scored half.
#[expect(clippy::print_stdout, reason = "the figures are what the program is for")]
fn measure(
    corpus: &Corpus,
    inventory: &Path,
    reader: &Reader,
    options: &Options,
    weighed: &mut Vec<Value>,
) -> anyhow::Result<(Tally, Value)> {
    let grounds = Grounds::read(inventory)?;
    let others = Renamed::new(&grounds);
    let other_grounds = Grounds::read_with(inventory, |text| others.text(text))?;
    let other = others.corpus(corpus);
    let (mut counts, mut figures) = (Tally::default(), Map::new());
    for half in [Half::Develop, Half::Scored] {
        if corpus.lines.iter().all(|line| line.half != half) {
            continue;
        }
        let totals = score(
            corpus,
            half,
            &grounds,
            reader,
            &mut |line, answer, outcome, evidence| {
                if half == Half::Develop {
                    weighed.push(evidence::row(line, answer, outcome, evidence));
                }
                if options.misses && half == Half::Develop && !outcome.exact {
                    show(line, answer);
                }
            },
        );
        print(&corpus.name, half, &totals);
        if options.as_it_is {
            continue;
        }
        let again = score(&other, half, &other_grounds, reader, &mut |line, answer, outcome, _| {
            if options.misses && half == Half::Develop && !outcome.exact {
                show(line, answer);
            }
        });
        println!(
            "{}",
            again.all.row(&format!("{} {}, other names", corpus.name, half.word()))
        );
        if half == Half::Scored {
            counts.join(totals.all);
        }
        let classes: Map<String, Value> = totals
            .shown(half)
            .map(|(name, tally)| (name.clone(), tally.json()))
            .collect();
        let mut told = totals.all.json();
        told["classes"] = Value::Object(classes);
        told["other_names"] = again.all.json();
        figures.insert(half.word().to_owned(), told);
    }
    Ok((counts, Value::Object(figures)))
}

#[expect(clippy::print_stdout, reason = "the figures are what the program is for")]
fn print(name: &str, half: Half, totals: &Totals) {
    println!("{}", totals.all.row(&format!("{name} {}", half.word())));
    for (class, tally) in totals.shown(half) {
        println!("{}", tally.row(&format!("  {class}")));
    }
}

/// A line of the develop half that is not right.
#[expect(clippy::print_stdout, reason = "asked for with --misses")]
fn show(line: &corpus::Line, answer: &Answer) {
    println!("{} {}", line.id, line.text);
    let meant = json!({ "expect": line.label["expect"], "intents": line.label["intents"], "ask": line.label["ask"] });
    println!("   meant {meant}");
    match answer {
        Answer::Intents(readings) => {
            let readings: Vec<Value> = readings
                .iter()
                .map(|it| json!({ "class": it.class, "slots": it.slots }))
                .collect();
            println!("   READ  {}", Value::Array(readings));
        }
        Answer::Ask(question) => {
            let so_far: Vec<Value> = question
                .so_far
                .iter()
                .map(|it| json!({ "class": it.class, "slots": it.slots }))
                .collect();
            println!(
                "   ask   {:?} {:?} {} {}",
                question.reason,
                question.slots,
                question.text,
                Value::Array(so_far)
            );
        }
        Answer::Refuse(refusal) => println!("   refuse {:?} {}", refusal.nearest, refusal.text),
    }
}
