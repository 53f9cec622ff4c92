//! How long a sentence takes to read, and how that grows with the number of classes.

use std::path::Path;
use std::time::Instant;

use anyhow::bail;
use intents::{Conversation, Library, Names, Reader};
use serde_json::{Value, json};

use crate::corpus::{Corpus, Grounds, Half, folder};

/// How many classes of a user's stand beside the program's own.
const USERS: [usize; 4] = [0, 82, 282, 982];
/// Rounds over all sentences.
const ROUNDS: usize = 3;

/// Prints the median of a sentence for each number of classes; an error where it is slow or grows with the number.
#[expect(clippy::print_stdout, reason = "the figures are what the program is for")]
pub fn run(report: Option<&Path>) -> anyhow::Result<()> {
    println!("{:>8} {:>14} {:>14}", "classes", "median, µs", "slowest 1 %, µs");
    let mut medians = Vec::new();
    for users in USERS {
        let files: Vec<(String, String)> = (0..users).map(class).collect();
        let library = match Library::load(&files) {
            Ok(library) => library,
            Err(faults) => bail!(
                "{}",
                faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
            ),
        };
        let classes = library.iter().count();
        let mut times = measure(&library)?;
        times.sort_by(f64::total_cmp);
        let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or_default();
        println!("{classes:>8} {:>14.0} {:>14.0}", at(50), at(99));
        medians.push((classes as f64, at(50)));
    }
    let (Some((few, fast)), Some((many, slow))) = (medians.first().copied(), medians.last().copied()) else {
        bail!("nothing was measured");
    };
    if let Some(file) = report {
        crate::write(&json!({ "rows": rows(&medians) }), file)?;
    }
    println!(
        "{:.0} times the classes take {:.2} times as long",
        many / few,
        slow / fast
    );
    if slow / fast > many / few / 10.0 || slow > 1_000.0 {
        bail!("a sentence must take less than a millisecond, and not grow with the number of classes");
    }
    Ok(())
}

/// Each number of classes against the fewest, as benchmarks report.
fn rows(medians: &[(f64, f64)]) -> Vec<Value> {
    let Some((few, fast)) = medians.first() else {
        return Vec::new();
    };
    let row = |(classes, median): &(f64, f64)| {
        json!({
            "bench": format!("a sentence among {classes} classes"),
            "peer": format!("among {few}"),
            "devices": null,
            "warm": true,
            "ours": median,
            "theirs": fast,
            "unit": "µs",
            "ratio": fast / median,
        })
    };
    medians.iter().map(row).collect()
}

/// The time of each sentence of the develop half, in microseconds.
fn measure(library: &Library) -> anyhow::Result<Vec<f64>> {
    let reader = match Reader::new(library) {
        Ok(reader) => reader,
        Err(faults) => bail!(
            "{}",
            faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
        ),
    };
    let grounds = Grounds::read(&folder().join("inventory.yaml"))?;
    let holding = grounds
        .holding
        .iter()
        .map(|(name, class)| (name.as_str(), class.as_str()));
    let names = Names::new(&grounds.inventory, holding);
    let mut times = Vec::new();
    for language in ["en", "zh"] {
        let corpus = Corpus::read(&folder().join(format!("{language}.jsonl")))?;
        for line in corpus.lines.iter().filter(|line| line.half == Half::Develop) {
            for _ in 0..ROUNDS {
                times.push(time(|| drop(reader.read(&line.text, &names, &Conversation::default()))));
            }
        }
    }
    Ok(times)
}

#[expect(clippy::disallowed_methods, reason = "a benchmark is about the time that passes")]
fn time(work: impl FnOnce()) -> f64 {
    let begin = Instant::now();
    work();
    begin.elapsed().as_secs_f64() * 1e6
}

/// A class with words of its own that speaks as others do: `from … to …`, `on …`.
fn class(number: usize) -> (String, String) {
    let letter = |shift: usize| char::from(b'a' + u8::try_from(number / 26_usize.pow(shift as u32) % 26).unwrap_or(0));
    let word: String = ['q', letter(2), letter(1), letter(0), 'x'].iter().collect();
    let text = format!(
        "class: user.{word}\nversion: 1\ntitle: {{ en: {word}, zh: {word} }}\ndescription: {{ en: d, zh: d }}\nscenario: {{ en: s, zh: s }}\n\
         risk: low\nslots:\n  device: {{ type: device, description: Where. }}\n  level: {{ type: text, description: How much. }}\n\
         configures:\n  - {{ at: system/banner, value: '{{level}}' }}\nwords:\n  slots:\n    device: {{ takes: [device] }}\n    \
         level: {{ takes: [number], cued: true }}\n  needs: [device, level]\n  phrases:\n    \
         - {{ en: ['(set|change|limit) [the] {word} .. to {{level}}', '{word} level'], zh: ['设置{word}为{{level}}'], weight: 3 }}\n    \
         - {{ en: ['on {{device}}', 'level {{level}}'], zh: ['在{{device}}上'] }}\n"
    );
    (format!("{word}.yaml"), text)
}
