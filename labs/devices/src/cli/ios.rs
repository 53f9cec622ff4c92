//! The terminal of an IOS-like router: user and privileged modes, the pager, the revert timer.

use std::time::Duration;

use crate::personality::Dialect;
use crate::store::Datastores;

use super::console::{Console, Question, Said};
use super::doc::Doc;
use super::print::{Style, print};

const STYLE: Style = Style {
    end: "!\n",
    between: "!\n",
    inner: " !\n",
    inner_end: " exit-address-family\n",
};
const INVALID: &str = "% Invalid input detected at '^' marker.\n\n";

/// `r1>`, `r1#`, `r1(config-if)#`.
pub fn prompt(console: &Console, stores: &Datastores) -> String {
    let name = console.name(stores);
    match (console.enabled, console.configuring, console.levels.last()) {
        (false, _, _) => format!("{name}>"),
        (true, false, _) => format!("{name}#"),
        (true, true, None) => format!("{name}(config)#"),
        (true, true, Some(level)) => {
            let mode = if level.mode == "router-ospf" {
                "router"
            } else {
                level.mode
            };
            format!("{name}(config-{mode})#")
        }
    }
}

/// Carries a line out.
pub fn line(console: &mut Console, stores: &mut Datastores, line: &str) -> Said {
    if console.question.take().is_some() {
        stores.save();
        return Said::text("Building configuration...\n[OK]\n");
    }
    let words: Vec<&str> = line.split_whitespace().collect();
    let words = match words.as_slice() {
        ["do", rest @ ..] if console.configuring => rest,
        other => other,
    };
    if let Some(text) = show(console, stores, words) {
        return Said::text(text);
    }
    match words {
        ["terminal" | "term", "length" | "len", lines] => match lines.parse() {
            Ok(lines) => console.page = lines,
            Err(_) => return invalid(line),
        },
        ["terminal" | "term", "width" | "no", ..] => {}
        ["enable" | "en"] => console.enabled = true,
        ["disable"] => console.enabled = false,
        ["end"] if console.configuring => leave(console),
        ["exit" | "quit"] => return exit(console),
        _ if console.configuring => {
            return match console.configure(stores, line) {
                Some(text) => Said::text(text),
                None => invalid(line),
            };
        }
        _ if console.enabled => return privileged(console, stores, words, line),
        _ => return invalid(line),
    }
    Said::default()
}

fn privileged(console: &mut Console, stores: &mut Datastores, words: &[&str], line: &str) -> Said {
    match words {
        ["configure" | "conf", "terminal" | "t" | "term"] => {
            console.configuring = true;
            Said::text("Enter configuration commands, one per line.  End with CNTL/Z.\n")
        }
        ["configure", "terminal", "revert", "timer", minutes] => match minutes.parse::<u32>() {
            Ok(minutes @ 1..=120) => {
                console.configuring = true;
                let after = Duration::from_secs(u64::from(minutes) * 60) / console.pace;
                let timer = stores.guard(console.session, after);
                let text = format!(
                    "Rollback Confirmed Change: Backing up current running config\nEnter configuration commands, one per line.  End with CNTL/Z.\nRollback Confirmed Change: rollback will begin in {minutes} minutes.\n"
                );
                Said {
                    text,
                    timer: Some(timer),
                    close: false,
                }
            }
            Ok(_) | Err(_) => invalid(line),
        },
        ["configure", "confirm"] => match stores.accept() {
            true => Said::default(),
            false => Said::text("%No Rollback Confirmed Change pending\n"),
        },
        ["configure", "revert", "now"] => match stores.pending.is_some() {
            true => {
                stores.take_back();
                Said::text(
                    "Rollback Confirmed Change: Rolling to the backed up config\nTotal number of passes: 1\nRollback Done\n",
                )
            }
            false => Said::text("%No Rollback Confirmed Change pending\n"),
        },
        ["write" | "wr", "memory" | "mem"] | ["write" | "wr"] => {
            stores.save();
            Said::text("Building configuration...\n[OK]\n")
        }
        ["copy", "running-config", "startup-config"] => {
            console.question = Some(Question::Destination);
            Said::text("Destination filename [startup-config]? ")
        }
        _ => invalid(line),
    }
}

fn invalid(line: &str) -> Said {
    let at = line.split_whitespace().next().map_or(0, str::len);
    Said::text(format!("{}^\n{INVALID}", " ".repeat(at + 3)))
}

fn leave(console: &mut Console) {
    console.levels.clear();
    console.configuring = false;
}

fn exit(console: &mut Console) -> Said {
    if console.levels.pop().is_none() {
        if !console.configuring {
            return Said {
                close: true,
                ..Said::default()
            };
        }
        console.configuring = false;
    }
    Said::default()
}

fn show(console: &Console, stores: &Datastores, words: &[&str]) -> Option<String> {
    let whole = |tree, title: &str| {
        let body = print(&Doc::read(tree, Dialect::Ios), STYLE);
        format!("{title}\n!\nversion 15.9\n{body}end\n\n")
    };
    match words {
        ["show" | "sh", "running-config" | "run"] if console.enabled => Some(whole(
            &stores.running,
            "Building configuration...\n\nCurrent configuration : 1024 bytes",
        )),
        ["show" | "sh", "startup-config" | "start"] if console.enabled => {
            Some(whole(&stores.startup, "Using 1024 out of 262144 bytes"))
        }
        ["show" | "sh", "version"] => Some("Simulated IOS-like Software, Version 15.9\n".to_owned()),
        ["show" | "sh", "ip", "interface", "brief"] => Some(super::print::brief(stores)),
        ["show" | "sh", "privilege"] => Some(format!(
            "Current privilege level is {}\n",
            if console.enabled { 15 } else { 1 }
        )),
        _ => None,
    }
}
