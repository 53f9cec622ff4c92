//! `entente platform`: vendors as data, shown, checked and tried without a device.

use std::fmt::Display;
use std::path::Path;

use adapters_platform::{Findings, Platform, Summary, builtin};
use anyhow::Result;
use knowledge_model::{Delta, Tree, diff};
use serde_json::{Value, json};

use super::config::tree;
use super::{faulty, read, say, show};
use crate::arguments::{Output, PlatformCommand};
use crate::exit::Exit;

/// Does what was asked.
pub fn run(command: &PlatformCommand, output: Output) -> Result<()> {
    match command {
        PlatformCommand::List => list(output),
        PlatformCommand::Check { file, pairs } => check(output, file, *pairs),
        PlatformCommand::Try {
            platform,
            before,
            after,
        } => attempt(output, platform, before, after),
    }
}

fn list(output: Output) -> Result<()> {
    let rows: Value = builtin::all().map(|platform| row(&platform.summary())).collect();
    show::rows(
        output,
        &rows,
        &["name", "title", "versions", "verified", "rules", "native"],
        "no platforms",
    )
}

fn row(summary: &Summary) -> Value {
    json!({
        "name": summary.name, "title": summary.title, "versions": summary.versions, "verified": summary.verified.to_string(),
        "rules": summary.rules, "native": summary.native_rules, "untried": summary.untried,
    })
}

/// Names every fault of a platform file, or the law that it breaks.
fn check(output: Output, file: &Path, pairs: u64) -> Result<()> {
    match adapters_platform::check(&read(file)?, pairs) {
        Findings::Faults(faults) => Err(faulty(file, &faults)),
        Findings::Broken(broken) => Err(Exit::Invalid.because(format!(
            "{} is a platform that does not read back what it says: {broken}",
            file.display()
        ))),
        Findings::Sound(summary) if output == Output::Json => show::json(&row(&summary)),
        Findings::Sound(summary) => {
            let (rules, native) = (summary.rules, summary.native_rules);
            say(format!(
                "{} is good: {} rules of its command line, {native} of its YANG, tried on {pairs} pairs of configurations",
                file.display(),
                rules
            ));
            for rule in &summary.untried {
                say(format!("never tried: {rule}"));
            }
            Ok(())
        }
    }
}

/// What a device of this platform would be sent to come from one configuration to another, and back.
fn attempt(output: Output, platform: &str, before: &Path, after: &Path) -> Result<()> {
    let file;
    let platform = match builtin::named(platform) {
        Some(platform) => platform,
        None => {
            let path = Path::new(platform);
            if !path.is_file() {
                let names: Vec<&str> = builtin::all().map(Platform::name).collect();
                return Err(Exit::Missing.because(format!(
                    "no platform {platform}: name a file, or one of {}",
                    names.join(", ")
                )));
            }
            file = Platform::load(&read(path)?).map_err(|faults| faulty(path, &faults))?;
            &file
        }
    };
    let (before, after) = (tree(before)?, tree(after)?);
    let delta = diff(&before, &after);
    let forth = written(platform, &delta, &before)?;
    let back = written(platform, &delta.inverse(), &after)?;
    if output == Output::Json {
        return show::json(&json!({ "platform": platform.name(), "forth": forth, "back": back }));
    }
    say(format!("there:\n{forth}\nand back:\n{back}"));
    Ok(())
}

fn written(platform: &Platform, delta: &Delta, from: &Tree) -> Result<String> {
    let refused = |error: &dyn Display| Exit::Invalid.because(format!("{} cannot say it: {error}", platform.name()));
    match platform.native() {
        Some(native) => native.edit(delta).map_err(|error| refused(&error)),
        None => platform
            .render(delta, from)
            .map(|script| script.to_string())
            .map_err(|error| refused(&error)),
    }
}
