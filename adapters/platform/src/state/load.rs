//! The `state` section of a platform file.

use super::{From, Observes, Piece, Reader, Sense, State, Step, words};
use crate::form::Form;
use crate::load::{text, texts};
use crate::native::Native;
use knowledge_model::document::{Faults, Fields, Node};
use regex::Regex;
use std::collections::BTreeMap;
use std::time::Duration;

/// Reads the section. `native` lends its namespaces to the nodes of state.
pub(crate) fn read(node: &Node, native: Option<&Native>, faults: &Faults) -> Option<State> {
    let fields = node.fields(faults)?;
    let list = |name: &'static str| {
        let items = fields.optional(name).and_then(|it| it.list(faults));
        items.unwrap_or_default()
    };
    let senses = list("commands").iter().filter_map(|it| sense(it, faults)).collect();
    let nodes = list("nodes");
    let namespaces = native.map(|it| it.namespaces.clone()).unwrap_or_default();
    let rules: Vec<_> = nodes
        .iter()
        .filter_map(|it| crate::native::load::read_rule(it, &namespaces, faults))
        .collect();
    for (rule, node) in rules.iter().zip(nodes) {
        known(&super::path_name(rule), node, faults);
    }
    let state = State {
        settle: fields.optional("settle").map_or(Duration::ZERO, |it| span(it, faults)),
        senses,
        native: (!rules.is_empty()).then_some(Native { namespaces, rules }),
    };
    fields.end();
    Some(state)
}

/// A time in seconds.
pub(crate) fn span(node: &Node, faults: &Faults) -> Duration {
    let seconds = node.integer(faults).and_then(|it| u64::try_from(it).ok());
    let seconds = seconds.filter(|it| *it <= 600);
    if seconds.is_none() {
        faults.add(node.at, "no span in seconds", "0 to 600");
    }
    Duration::from_secs(seconds.unwrap_or(0))
}

fn sense(node: &Node, faults: &Faults) -> Option<Sense> {
    let fields = node.fields(faults)?;
    let command = fields.required("command").and_then(|it| command(it, faults));
    let lasts = fields.optional("seconds").map(|it| span(it, faults));
    let reader = reader(node, &fields, faults);
    let labels = labels(&fields, faults);
    let observes = fields.required("observes").and_then(|it| it.list(faults));
    let observes = observes
        .unwrap_or_default()
        .iter()
        .filter_map(|it| observe(it, faults))
        .collect();
    fields.end();
    Some(Sense {
        command: command?,
        lasts,
        reader: reader?,
        labels,
        observes,
    })
}

/// `show ip route {prefix:ipv4-prefix} json`.
fn command(node: &Node, faults: &Faults) -> Option<Vec<Piece>> {
    let text = node.text(faults)?;
    let (mut pieces, mut rest) = (Vec::new(), text.as_str());
    while let Some((before, after)) = rest.split_once('{') {
        let Some((slot, behind)) = after.split_once('}') else {
            faults.add(node.at, "a brace is not closed", "");
            return None;
        };
        let (name, form) = slot.split_once(':').unwrap_or((slot, "word"));
        let Some(form) = Form::named(form) else {
            faults.add(node.at, format!("{form} is no form"), "");
            return None;
        };
        if !words::is_label(name) {
            faults.add(node.at, format!("nothing is told apart by {name}"), "");
        }
        pieces.extend((!before.is_empty()).then(|| Piece::Text(before.to_owned())));
        pieces.push(Piece::Slot(name.to_owned(), form));
        rest = behind;
    }
    pieces.extend((!rest.is_empty()).then(|| Piece::Text(rest.to_owned())));
    Some(pieces)
}

fn reader(node: &Node, fields: &Fields<'_>, faults: &Faults) -> Option<Reader> {
    let steps = fields.optional("json").and_then(|it| it.text(faults));
    let pattern = fields.optional("pattern");
    let only = pairs(fields, "only", faults);
    let from = pairs(fields, "from", faults).into_iter().collect();
    match (steps, pattern) {
        (Some(steps), None) => Some(Reader::Json {
            steps: steps.split('/').filter(|it| !it.is_empty()).map(step).collect(),
            only,
            fields: from,
        }),
        (None, Some(pattern)) => regex(pattern, faults).map(Reader::Text),
        (Some(_), Some(_)) | (None, None) => {
            faults.add(node.at, "an output is read by `json` or by `pattern`", "one of the two");
            None
        }
    }
}

fn step(text: &str) -> Step {
    let inner = text.strip_prefix('{').and_then(|it| it.strip_suffix('}'));
    match (inner, text) {
        (Some(label), _) => Step::Label(label.to_owned()),
        (None, "*") => Step::Each,
        (None, name) => Step::Name(name.to_owned()),
    }
}

fn regex(node: &Node, faults: &Faults) -> Option<Regex> {
    let text = node.text(faults)?;
    match Regex::new(&text) {
        Ok(regex) => Some(regex),
        Err(error) => {
            faults.add(node.at, format!("{text} is no pattern: {error}"), "");
            None
        }
    }
}

fn pairs(fields: &Fields<'_>, name: &'static str, faults: &Faults) -> Vec<(String, String)> {
    let entries = fields.optional(name).and_then(|it| it.entries(faults));
    let pair = |(name, node): &(String, Node)| Some((name.clone(), node.text(faults)?));
    entries.unwrap_or_default().iter().filter_map(pair).collect()
}

/// Forms of labels: the name of one, or our word for each of the vendor's.
fn labels(fields: &Fields<'_>, faults: &Faults) -> BTreeMap<String, Form> {
    let entries = fields.optional("labels").and_then(|it| it.entries(faults));
    let mut labels = BTreeMap::new();
    for (name, node) in entries.unwrap_or_default() {
        if !words::is_label(name) {
            faults.add(node.at, format!("nothing is told apart by {name}"), "");
        }
        let form = if let knowledge_model::document::Content::Map(words) = &node.value {
            let pair = |(theirs, ours): &(String, Node)| Some((ours.text(faults)?, theirs.clone()));
            Some(Form::Choice(words.iter().filter_map(pair).collect()))
        } else {
            node.text(faults).and_then(|it| Form::named(&it))
        };
        match form {
            Some(form) => labels.extend([(name.clone(), form)]),
            None => faults.add(node.at, "no form", "the name of a form, or word for word"),
        }
    }
    labels
}

fn observe(node: &Node, faults: &Faults) -> Option<Observes> {
    let fields = node.fields(faults)?;
    let name = fields.required("name").and_then(|it| it.text(faults))?;
    known(&name, node, faults);
    let field = text(&fields, "field", faults);
    let always = fields.optional("value").and_then(|it| it.text(faults));
    let per = fields.optional("per").and_then(|it| it.integer(faults)).unwrap_or(1);
    let given = fields.optional("words").and_then(|it| it.entries(faults));
    let word = |(pattern, node): &(String, Node)| match Regex::new(pattern) {
        Ok(regex) => Some((regex, node.text(faults)?)),
        Err(error) => {
            faults.add(node.at, format!("{pattern} is no pattern: {error}"), "");
            None
        }
    };
    let words: Option<Vec<_>> = given.map(|entries| entries.iter().filter_map(word).collect());
    let other = texts(fields.optional("else"), faults).pop().unwrap_or_default();
    fields.end();
    let value = match (always, words) {
        (Some(word), _) => From::Always(word),
        (None, Some(words)) => From::Word { field, words, other },
        (None, None) => From::Number {
            field,
            per: f64::from(i32::try_from(per.max(1)).unwrap_or(1)),
        },
    };
    Some(Observes { name, value })
}

fn known(name: &str, node: &Node, faults: &Faults) {
    if words::split(name).is_none() {
        let all = words::ENTITIES
            .iter()
            .flat_map(|it| it.leaves.iter().map(move |leaf| format!("{}/{leaf}", it.name)));
        let all = all.collect::<Vec<_>>().join(", ");
        faults.add(node.at, format!("nothing is observed under the name {name}"), all);
    }
}
