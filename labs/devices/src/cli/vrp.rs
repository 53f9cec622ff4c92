//! The terminal of a VRP-like router: views, a candidate, `commit` and `commit trial`.

use std::time::Duration;

use crate::personality::Dialect;
use crate::store::{Commit, Datastores, Store};

use super::console::{Console, Question, Said};
use super::doc::Doc;
use super::print::{Style, print};

const STYLE: Style = Style {
    end: "#\n",
    between: "#\n",
    inner: " #\n",
    inner_end: "",
};
/// The id under which this dialect holds a trial without a persist id.
const TRIAL: &str = "vrp trial";

/// `<HUAWEI>`, `[~HUAWEI]`, `[*HUAWEI-GE0/0/1]` with uncommitted lines.
pub fn prompt(console: &Console, stores: &Datastores) -> String {
    let name = console.name(stores);
    if !console.configuring {
        return format!("<{name}>");
    }
    let mark = if stores.dirty { '*' } else { '~' };
    let view = console
        .levels
        .last()
        .map_or_else(String::new, |level| match level.mode {
            "interface" => format!("-{}", level.header.trim_start_matches("interface ")),
            "bgp-af-ipv4" | "bgp-af-ipv6" | "bgp" | "ospf" => format!("-{}", level.mode),
            _ => format!("-{}", level.header.replace(' ', "-")),
        });
    format!("[{mark}{name}{view}]")
}

/// Carries a line out.
pub fn line(console: &mut Console, stores: &mut Datastores, line: &str) -> Said {
    if let Some(question) = console.question.take() {
        return answer(console, stores, question, line);
    }
    let words: Vec<&str> = line.split_whitespace().collect();
    if let Some(text) = display(stores, &words) {
        return Said::text(text);
    }
    match words.as_slice() {
        ["screen-length", lines, "temporary"] => console.page = lines.parse().unwrap_or(24),
        ["system-view" | "sys"] if !console.configuring => {
            console.configuring = true;
            return Said::text("Enter system view, return user view with return command.\n");
        }
        ["quit"] => return quit(console, stores),
        ["return"] if console.configuring => return leave(console, stores),
        ["save", ..] => {
            console.question = Some(Question::Save);
            return Said::text(
                "Warning: The current configuration will be written to the device.\nAre you sure to continue? [Y/N]:",
            );
        }
        ["commit", rest @ ..] if console.configuring => return commit(console, stores, rest),
        ["abort", "trial", ..] if console.configuring => match stores.pending.is_some() {
            true => stores.take_back(),
            false => return Said::text("Error: There is no trial configuration.\n"),
        },
        ["clear", "configuration", "candidate"] => stores.discard(),
        _ if console.configuring => {
            return match console.configure(stores, line) {
                Some(text) => Said::text(text),
                None => unrecognized(),
            };
        }
        _ => return unrecognized(),
    }
    Said::default()
}

fn unrecognized() -> Said {
    Said::text("              ^\nError: Unrecognized command found at '^' position.\n")
}

fn commit(console: &Console, stores: &mut Datastores, words: &[&str]) -> Said {
    let (seconds, persist) = match words {
        [] => (None, None),
        ["trial"] => (Some(600), None),
        ["trial", seconds] => (seconds.parse::<u32>().ok(), None),
        ["trial", seconds, "persist", id] => (seconds.parse().ok(), Some((*id).to_owned())),
        ["trial", "persist", id] => (Some(600), Some((*id).to_owned())),
        _ => return unrecognized(),
    };
    if !words.is_empty() && !seconds.is_some_and(|it| (60..=65_535).contains(&it)) {
        return Said::text("Error: Wrong parameter found at '^' position.\n");
    }
    let held = stores.pending.as_ref().and_then(|it| it.persist().map(str::to_owned));
    let commit = Commit {
        session: console.session,
        confirmed: seconds.map(|it| Duration::from_secs(u64::from(it)) / console.pace),
        persist: seconds.map(|_| persist.unwrap_or_else(|| TRIAL.to_owned())),
        persist_id: held.filter(|it| it == TRIAL || words.is_empty()),
    };
    match stores.commit(&commit) {
        Ok(timer) => Said {
            timer,
            ..Said::default()
        },
        Err(error) => Said::text(format!("Error: {}.\n", error.message)),
    }
}

fn answer(console: &mut Console, stores: &mut Datastores, question: Question, line: &str) -> Said {
    let yes = line.to_ascii_lowercase().starts_with('y');
    match question {
        Question::Save if yes => {
            stores.save();
            Said::text(
                "Now saving the current configuration to the slot 0.\nInfo: Save the configuration successfully.\n",
            )
        }
        Question::Leave if line.to_ascii_lowercase().starts_with('c') => Said::default(),
        Question::Leave => {
            let said = if yes {
                commit(console, stores, &[])
            } else {
                Said::default()
            };
            if !yes {
                stores.discard();
            }
            console.levels.clear();
            console.configuring = false;
            said
        }
        Question::Save | Question::Destination => Said::default(),
    }
}

fn quit(console: &mut Console, stores: &Datastores) -> Said {
    if console.levels.pop().is_some() {
        return Said::default();
    }
    match console.configuring {
        true => leave(console, stores),
        false => Said {
            close: true,
            ..Said::default()
        },
    }
}

fn leave(console: &mut Console, stores: &Datastores) -> Said {
    if stores.dirty && stores.content(Store::Candidate) != stores.content(Store::Running) {
        console.question = Some(Question::Leave);
        return Said::text(
            "Warning: Uncommitted configurations found. Are you sure to commit them before exiting? [Y(yes)/N(no)/C(cancel)]:",
        );
    }
    console.levels.clear();
    console.configuring = false;
    Said::default()
}

fn display(stores: &Datastores, words: &[&str]) -> Option<String> {
    let whole = |tree| {
        format!(
            "!Software Version V800R022 (simulated)\n#\n{}return\n",
            print(&Doc::read(tree, Dialect::Vrp), STYLE)
        )
    };
    match words {
        ["display" | "dis", "current-configuration" | "cu"] => Some(whole(&stores.running)),
        ["display" | "dis", "configuration", "candidate"] => Some(whole(&stores.candidate)),
        ["display" | "dis", "saved-configuration"] => Some(whole(&stores.startup)),
        ["display" | "dis", "version"] => {
            Some("Huawei-like Versatile Routing Platform (simulated)\nVRP (R) software, Version 8.220\n".to_owned())
        }
        ["display" | "dis", "interface", "brief"] => Some(super::print::brief(stores)),
        ["display" | "dis", "commit", "trial", "status"] => Some(match stores.pending.is_some() {
            true => "Trial status: active\n".to_owned(),
            false => "Trial status: inactive\n".to_owned(),
        }),
        _ => None,
    }
}
