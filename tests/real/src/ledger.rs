//! What a run leaves on record: which real parts were spoken to, how often, and what was skipped.
//!
//! One JSON line an entry, appended to the file that `ENTENTE_LEDGER` names; without it nothing is written.

use std::env;
use std::fs::OpenOptions;
use std::io::Write;

use serde::{Deserialize, Serialize};

use crate::Part;

/// One line of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Entry {
    /// A real part did work in a test.
    Operations {
        /// The part.
        part: Part,
        /// How many operations it performed.
        operations: u64,
        /// The program of the test.
        #[serde(default)]
        by: String,
    },
    /// A test did not run.
    Skipped {
        /// The test.
        test: String,
        /// Why it did not run.
        why: String,
    },
}

/// Puts on record that `part` performed `operations` in this test.
pub fn operations(part: Part, operations: u64) {
    let by = env::current_exe().unwrap_or_default();
    write(&Entry::Operations {
        part,
        operations,
        by: by.file_name().unwrap_or_default().to_string_lossy().into_owned(),
    });
}

/// Puts on record that `test` did not run, and says so.
#[expect(clippy::print_stderr, reason = "whoever runs the tests is told what was left out")]
pub fn skipped(test: &str, why: &str) {
    eprintln!("skipped: {test}: {why}");
    write(&Entry::Skipped {
        test: test.to_owned(),
        why: why.to_owned(),
    });
}

#[expect(
    clippy::expect_used,
    reason = "a record that cannot be written must fail the run that promised it"
)]
fn write(entry: &Entry) {
    let Some(path) = env::var_os("ENTENTE_LEDGER") else {
        return;
    };
    let mut line = serde_json::to_string(entry).expect("an entry is plain data");
    line.push('\n');
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .expect("the ledger can be opened");
    // One write a line: lines of tests that run side by side do not mix.
    file.write_all(line.as_bytes()).expect("the ledger can be written");
}
