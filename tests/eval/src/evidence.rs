//! What speaks for and against readings, one row a line, so that the bar for believing them can be set from data.

use intents::{Answer, Evidence};
use serde_json::{Map, Value, json};

use crate::corpus::Line;
use crate::score::{Outcome, same_intents};

/// The row of a line: how it was answered, whether what was read is meant, and the numbers.
pub fn row(line: &Line, answer: &Answer, outcome: Outcome, evidence: &Evidence) -> Value {
    let (answered, readings) = match answer {
        Answer::Intents(readings) => ("intents".to_owned(), readings.as_slice()),
        Answer::Ask(question) => (format!("ask {:?}", question.reason), question.so_far.as_slice()),
        Answer::Refuse(_) => ("refuse".to_owned(), &[][..]),
    };
    let meant = line.label["expect"] == "intent" && same_intents(line, readings);
    let classes: Vec<&str> = readings.iter().map(|it| it.class.as_str()).collect();
    let values: Map<String, Value> = evidence
        .values()
        .iter()
        .map(|(name, value)| ((*name).to_owned(), json!(value)))
        .collect();
    json!({
        "id": line.id,
        "expect": line.label["expect"],
        "answered": answered,
        "exact": outcome.exact,
        "wrong": outcome.wrong,
        "meant": meant,
        "classes": classes,
        "evidence": values,
    })
}
