//! How the program ends: an exit code of its own for each thing that a script may want to tell apart.

use std::fmt;
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::arguments::Output;

/// Why a command did not do what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Something went wrong that has no code of its own. (2 is the command line's: it makes no sense.)
    Failure = 1,
    /// A file, an intent or a setting has faults; nothing was done.
    Invalid = 3,
    /// The transaction was rolled back: every device is as before.
    RolledBack = 4,
    /// The transaction is torn: a person must look at the devices named.
    Torn = 5,
    /// The controller does not answer.
    Unreachable = 6,
    /// The controller does not let us.
    Denied = 7,
    /// What was asked for is not there.
    Missing = 8,
    /// Somebody else's work stands in the way: a conflict, or a plan that is no longer true.
    Conflict = 9,
    /// The address is in use.
    Busy = 10,
    /// The state directory cannot be used.
    State = 11,
    /// Another controller runs on the state directory.
    Locked = 12,
    /// The disk is full.
    Full = 13,
    /// The clock is wrong.
    Clock = 14,
    /// Something is asked back: say it again with the answer.
    Asks = 15,
}

/// An error that knows how the program ends.
#[derive(Debug)]
pub struct Ended {
    /// The code.
    pub exit: Exit,
    /// What is said, with what to do next.
    pub said: String,
    /// What is wrong in a file, one by one, for programs.
    pub faults: Vec<Value>,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.said)
    }
}

impl std::error::Error for Ended {}

impl Exit {
    /// An error that ends the program this way.
    pub fn because(self, said: impl Into<String>) -> anyhow::Error {
        self.because_of(said, Vec::new())
    }

    /// An error that ends the program this way, with the faults that are in what is said.
    pub fn because_of(self, said: impl Into<String>, faults: Vec<Value>) -> anyhow::Error {
        anyhow::Error::new(Ended {
            exit: self,
            said: said.into(),
            faults,
        })
    }
}

/// Prints the chain of an error once, as text or as JSON, and gives the exit code.
#[expect(clippy::print_stderr, reason = "this is the edge where errors are printed")]
pub fn report(error: &anyhow::Error, output: Output) -> ExitCode {
    let chain: Vec<String> = error.chain().map(ToString::to_string).collect();
    let said = chain.join(": ");
    let ended = error.chain().find_map(|cause| cause.downcast_ref::<Ended>());
    let exit = ended.map_or(Exit::Failure, |ended| ended.exit) as u8;
    match output {
        Output::Json => {
            let mut told = json!({ "error": said, "exit": exit });
            if let Some(ended) = ended.filter(|it| !it.faults.is_empty()) {
                told["faults"] = ended.faults.clone().into();
            }
            eprintln!("{told}");
        }
        Output::Table => eprintln!("entente: {said}"),
    }
    ExitCode::from(exit)
}

/// Says of a command line that makes no sense why, or shows the help that it asks for, and gives the exit code.
#[expect(clippy::print_stderr, reason = "this is the edge where errors are printed")]
pub fn usage(error: &clap::Error) -> ExitCode {
    let words = std::env::args_os().map(|it| it.to_string_lossy().into_owned());
    let words: Vec<String> = words.collect();
    let for_programs =
        words.iter().any(|it| it == "--output=json") || words.windows(2).any(|it| it == ["--output", "json"]);
    let code = u8::try_from(error.exit_code()).unwrap_or(2);
    if for_programs && error.use_stderr() {
        let said = error.to_string();
        let said = said.trim_start_matches("error: ").trim_end();
        eprintln!("{}", json!({ "error": said, "exit": code }));
    } else {
        // where nobody reads there is nobody to tell
        let _ = error.print();
    }
    ExitCode::from(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_documented() {
        let page = std::path::Path::new(&std::env::var("CARGO_MANIFEST_DIR").unwrap()).join("../docs/operating.md");
        let page = std::fs::read_to_string(page).unwrap();
        let told: Vec<&str> = page.split(|it: char| !it.is_ascii_digit()).collect();
        let help = <crate::arguments::Arguments as clap::CommandFactory>::command()
            .render_long_help()
            .to_string();
        for exit in [
            Exit::Failure,
            Exit::Invalid,
            Exit::RolledBack,
            Exit::Torn,
            Exit::Unreachable,
            Exit::Denied,
            Exit::Missing,
            Exit::Conflict,
            Exit::Busy,
            Exit::State,
            Exit::Locked,
            Exit::Full,
            Exit::Clock,
            Exit::Asks,
        ] {
            let code = (exit as u8).to_string();
            assert!(told.contains(&code.as_str()), "{exit:?} is not in docs/operating.md");
            assert!(help.contains(&format!("{code} ")), "{exit:?} is not in the help");
        }
    }
}
