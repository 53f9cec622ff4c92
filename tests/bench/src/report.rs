//! Rows: what was measured, as a table for people and as JSON for a comparison with another run.

use std::path::Path;

use anyhow::Context;
use serde::Serialize;

/// One figure against its peer.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Row {
    /// What was measured.
    pub bench: String,
    /// Against what.
    pub peer: String,
    /// How many devices took part; none where there are none.
    pub devices: Option<u32>,
    /// Whether sessions were open already; none where there are none.
    pub warm: Option<bool>,
    /// Our figure.
    pub ours: f64,
    /// The peer's, in the same unit.
    pub theirs: f64,
    /// In which unit.
    pub unit: &'static str,
    /// Above 1 ours is better.
    pub ratio: f64,
    /// What the ratio should reach.
    pub target: Option<f64>,
}

impl Row {
    /// Whether the row is where it should be.
    pub fn reached(&self) -> bool {
        self.target.is_none_or(|target| self.ratio >= target)
    }
}

#[derive(Serialize)]
struct Report<'a> {
    rows: &'a [Row],
}

#[expect(clippy::print_stdout, reason = "the figures are what the program is for")]
pub fn print(rows: &[Row]) {
    println!(
        "{:<44} {:<30} {:>12} {:>12} {:<8} {:>8} {:>8}",
        "bench", "peer", "ours", "theirs", "unit", "ratio", "target"
    );
    for row in rows {
        let target = row.target.map_or(String::new(), |target| format!("{target:.2}"));
        let missed = if row.reached() { "" } else { "  missed" };
        println!(
            "{:<44} {:<30} {:>12.1} {:>12.1} {:<8} {:>8.2} {target:>8}{missed}",
            row.bench, row.peer, row.ours, row.theirs, row.unit, row.ratio
        );
    }
}

/// What explains the figures.
#[expect(clippy::print_stdout, reason = "the figures are what the program is for")]
pub fn say(words: &str) {
    println!("{words}");
}

pub fn write(rows: &[Row], file: &Path) -> anyhow::Result<()> {
    let json = serde_json::to_vec_pretty(&Report { rows })?;
    std::fs::write(file, json).with_context(|| format!("cannot write the report {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_its_fields_and_no_other() {
        let rows = [Row::default()];
        let report = serde_json::to_value(Report { rows: &rows }).unwrap();
        let row = report["rows"][0].as_object().unwrap();
        let fields: Vec<&str> = row.keys().map(String::as_str).collect();
        let mut expected = [
            "bench", "peer", "devices", "warm", "ours", "theirs", "unit", "ratio", "target",
        ];
        expected.sort_unstable();
        let mut sorted = fields;
        sorted.sort_unstable();
        assert_eq!(sorted, expected);
    }

    #[test]
    fn a_ratio_below_its_target_is_missed() {
        let row = |ratio, target| Row {
            ratio,
            target,
            ..Row::default()
        };
        assert!(row(1.0, Some(1.0)).reached() && row(0.1, None).reached());
        assert!(!row(0.99, Some(1.0)).reached());
    }
}
