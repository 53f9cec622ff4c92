//! What can be counted from outside, in the text form that Prometheus reads. Every name stands in one table.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How a number behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
    /// How values are distributed.
    Histogram,
}

/// One metric.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// How it behaves.
    pub kind: Kind,
    /// What it is split by; empty where by nothing.
    pub labels: &'static [&'static str],
    /// What it says.
    pub help: &'static str,
}

macro_rules! metrics {
    ($($(#[$doc:meta])* $id:ident = $kind:ident $name:literal [$($label:literal),*] $help:literal;)*) => {
        $($(#[$doc])* pub const $id: Metric = Metric { name: $name, kind: Kind::$kind, labels: &[$($label),*], help: $help };)*
        /// All of them; `docs/metrics.md` holds the same table, and a test compares the two.
        pub const ALL: &[Metric] = &[$($id),*];
    };
}

metrics! {
    /// Which program runs.
    BUILD = Gauge "entente_build_info" ["version"] "always 1, labelled with the program's version";
    /// Joined agents.
    AGENTS = Gauge "entente_agents_joined" [] "agents that have joined";
    /// Known devices.
    DEVICES = Gauge "entente_devices" [] "devices of the inventory";
    /// Devices that somebody speaks for.
    SPOKEN = Gauge "entente_devices_spoken_for" [] "devices that a joined agent speaks for";
    /// What runs.
    RUNNING = Gauge "entente_transactions_running" [] "transactions that run";
    /// What waits.
    WAITING = Gauge "entente_transactions_waiting" [] "transactions that wait for their devices";
    /// What ended.
    ENDED = Counter "entente_transactions_total" ["ending"] "transactions that ended, by committed, rolled-back or torn";
    /// Requests.
    REQUESTS = Counter "entente_http_requests_total" ["method", "status"] "REST requests that were answered";
    /// How long they took.
    SECONDS = Histogram "entente_http_request_seconds" [] "how long REST requests took to be answered";
    /// Rewritten journals.
    REWRITTEN = Counter "entente_journal_rewritten_total" [] "how often the journal was made shorter";
}

/// Upper ends of what is counted together, in seconds.
const ENDS: [f64; 9] = [0.001, 0.005, 0.025, 0.1, 0.25, 1.0, 5.0, 30.0, 120.0];
/// How many different labels one metric may have; more are counted as `other`.
const SERIES: usize = 200;

/// What was counted since the program started.
#[derive(Debug, Default)]
pub struct Metrics {
    counted: Mutex<BTreeMap<(&'static str, Vec<String>), u64>>,
    seconds: Mutex<([u64; ENDS.len()], u64, f64)>,
}

impl Metrics {
    /// Counts one more.
    pub fn count(&self, metric: Metric, labels: &[&str]) {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let full = counted.len() >= SERIES;
        let key = (
            metric.name,
            labels.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>(),
        );
        let key = if full && !counted.contains_key(&key) {
            (metric.name, labels.iter().map(|_| "other".to_owned()).collect())
        } else {
            key
        };
        *counted.entry(key).or_default() += 1;
    }

    /// Takes in how long a request took.
    pub fn took(&self, time: Duration) {
        let seconds = time.as_secs_f64();
        let mut all = self.seconds.lock().unwrap_or_else(PoisonError::into_inner);
        for (count, _) in all.0.iter_mut().zip(ENDS).filter(|(_, end)| seconds <= *end) {
            *count += 1;
        }
        all.1 += 1;
        all.2 += seconds;
    }

    /// Everything, with what stands now.
    pub fn text(&self, now: &[(Metric, u64)]) -> String {
        let counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut out = String::new();
        for metric in ALL {
            let kind = match metric.kind {
                Kind::Counter => "counter",
                Kind::Gauge => "gauge",
                Kind::Histogram => "histogram",
            };
            let _ = writeln!(
                out,
                "# HELP {} {}\n# TYPE {} {kind}",
                metric.name, metric.help, metric.name
            );
            for ((_, labels), count) in counted.iter().filter(|((name, _), _)| *name == metric.name) {
                let _ = writeln!(out, "{}{} {count}", metric.name, labelled(metric.labels, labels));
            }
            if metric.name == BUILD.name {
                let version = env!("CARGO_PKG_VERSION").to_owned();
                let _ = writeln!(out, "{}{} 1", metric.name, labelled(metric.labels, &[version]));
            }
            for (_, value) in now.iter().filter(|(it, _)| it.name == metric.name) {
                let _ = writeln!(out, "{} {value}", metric.name);
            }
            if metric.kind == Kind::Histogram {
                self.histogram(metric, &mut out);
            }
        }
        out
    }

    fn histogram(&self, metric: &Metric, out: &mut String) {
        let (counts, all, sum) = *self.seconds.lock().unwrap_or_else(PoisonError::into_inner);
        for (end, count) in ENDS.iter().zip(counts) {
            let _ = writeln!(out, "{}_bucket{{le=\"{end}\"}} {count}", metric.name);
        }
        let name = metric.name;
        let _ = writeln!(
            out,
            "{name}_bucket{{le=\"+Inf\"}} {all}\n{name}_sum {sum}\n{name}_count {all}"
        );
    }
}

fn labelled(names: &[&str], values: &[String]) -> String {
    if names.is_empty() {
        return String::new();
    }
    let clean = |value: &String| value.replace(['\\', '"', '\n'], "_");
    let each = names
        .iter()
        .zip(values)
        .map(|(name, value)| format!("{name}=\"{}\"", clean(value)));
    format!("{{{}}}", each.collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_of_the_docs_names_the_same() {
        let page = std::path::Path::new(&std::env::var("CARGO_MANIFEST_DIR").unwrap()).join("../docs/metrics.md");
        let page = std::fs::read_to_string(page).unwrap();
        let told: Vec<&str> = page.lines().filter(|line| line.starts_with("| `entente_")).collect();
        let row = |it: &Metric| {
            let labels = it
                .labels
                .iter()
                .map(|label| format!("`{label}`"))
                .collect::<Vec<_>>()
                .join(", ");
            format!(
                "| `{}` | {} | {labels} | {} |",
                it.name,
                format!("{:?}", it.kind).to_lowercase(),
                it.help
            )
        };
        let known: Vec<String> = ALL.iter().map(row).collect();
        assert_eq!(told, known);
    }

    #[test]
    fn the_number_of_series_is_bounded() {
        let metrics = Metrics::default();
        for number in 0..SERIES * 2 {
            metrics.count(REQUESTS, &["GET", &number.to_string()]);
        }
        assert_eq!(metrics.counted.lock().unwrap().len(), SERIES + 1);
        assert!(
            metrics.text(&[]).contains("status=\"other\"} 200"),
            "{}",
            metrics.text(&[])
        );
    }
}
