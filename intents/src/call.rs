//! What an intent asks of the controller where it configures nothing: a question, a watch, a search for a cause, or
//! something about configurations or about intents.

use std::collections::BTreeMap;

use knowledge_model::document::{Faults, Node};

use crate::class::Class;
use crate::envelope::Envelope;
use crate::slot::SlotValue;

/// Which kind of call a class makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CallKind {
    /// How things are or were.
    Query,
    /// Tell when a measure passes a threshold.
    Watch,
    /// Find out why something is wrong.
    Diagnosis,
    /// Keep, compare, bring back configurations.
    Configuration,
    /// About intents that exist.
    Intent,
}

impl CallKind {
    /// All kinds.
    pub const ALL: [Self; 5] = [
        Self::Query,
        Self::Watch,
        Self::Diagnosis,
        Self::Configuration,
        Self::Intent,
    ];

    /// The word in class files.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Watch => "watch",
            Self::Diagnosis => "diagnosis",
            Self::Configuration => "configuration",
            Self::Intent => "intent",
        }
    }

    /// Reads `calls`.
    pub(crate) fn read(node: &Node, faults: &Faults) -> Option<Self> {
        let word = node.text(faults)?;
        let found = Self::ALL.into_iter().find(|it| it.word() == word);
        if found.is_none() {
            let known: Vec<&str> = Self::ALL.iter().map(|it| it.word()).collect();
            faults.add(
                node.at,
                format!("nobody answers {word:?}"),
                format!("known: {}", known.join(", ")),
            );
        }
        found
    }
}

/// A call with what it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// How things are or were.
    Query(Query),
    /// Tell when a measure passes a threshold.
    Watch(Watch),
    /// Find out why something is wrong.
    Diagnosis(Diagnosis),
    /// Keep, compare, bring back configurations.
    Configuration(ConfigurationCall),
    /// About intents that exist.
    Intent(IntentCall),
}

/// A question about the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// What is asked: `routes`, `neighbours`, `cpu`, ….
    pub metric: String,
    /// Of whom; everybody where it is empty.
    pub scope: Vec<String>,
    /// Of which protocol.
    pub protocol: Option<String>,
    /// About which traffic or routes.
    pub matched: Option<SlotValue>,
    /// How many answers at most.
    pub n: Option<usize>,
    /// Over which time: seconds, or `today`.
    pub period: Option<String>,
}

/// A threshold that somebody wants to know about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watch {
    /// What is measured.
    pub metric: String,
    /// Of whom.
    pub target: Vec<String>,
    /// Every other slot by its name.
    pub conditions: BTreeMap<String, SlotValue>,
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis {
    /// What is seen.
    pub symptom: String,
    /// From where.
    pub src: Vec<String>,
    /// To where.
    pub dst: Vec<String>,
    /// When.
    pub time: Option<String>,
}

/// Something to do with configurations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigurationCall {
    /// `backup`, `compare`, `restore`, `rollback`, `drain`.
    pub operation: String,
    /// Of whom.
    pub target: Vec<String>,
    /// Under which label.
    pub label: Option<String>,
    /// As of when.
    pub time: Option<String>,
}

/// Something to do with intents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntentCall {
    /// `list`, `get`, `status`, `report`, `explain`, `modify`, `suspend`, `resume`, `withdraw`, `probe`.
    pub operation: String,
    /// Which ones.
    pub intents: Vec<String>,
    /// Only those of this class.
    pub filter: Option<String>,
    /// The slots that get another value.
    pub changes: Option<SlotValue>,
    /// What is only asked about.
    pub proposal: Option<SlotValue>,
    /// Over which time, in seconds.
    pub period: Option<String>,
}

impl Call {
    /// The call of an intent.
    ///
    /// # Errors
    /// What is missing for this kind.
    pub(crate) fn new(kind: CallKind, class: &Class, envelope: &Envelope) -> Result<Self, Vec<String>> {
        let slots = &envelope.slots;
        let word = |name: &str| slots.get(name).and_then(SlotValue::first).map(str::to_owned);
        let names = |name: &str| slots.get(name).map(|it| it.values().to_vec()).unwrap_or_default();
        let needed = |name: &str| word(name).ok_or_else(|| vec![format!("{}: slot `{name}` is missing", class.name)]);
        Ok(match kind {
            CallKind::Query => Self::Query(Query {
                metric: needed("metric")?,
                scope: [names("scope"), names("target")].concat(),
                protocol: word("protocol"),
                matched: slots.get("match").cloned(),
                n: word("n").and_then(|it| it.parse().ok()),
                period: word("period"),
            }),
            CallKind::Watch => Self::Watch(Watch {
                metric: needed("metric")?,
                target: names("target"),
                conditions: slots
                    .iter()
                    .filter(|(name, _)| !matches!(name.as_str(), "metric" | "target"))
                    .map(|(name, value)| (name.clone(), value.clone()))
                    .collect(),
            }),
            CallKind::Diagnosis => Self::Diagnosis(Diagnosis {
                symptom: needed("symptom")?,
                src: names("src"),
                dst: names("dst"),
                time: word("time"),
            }),
            CallKind::Configuration => Self::Configuration(ConfigurationCall {
                operation: needed("operation")?,
                target: names("target"),
                label: word("label"),
                time: word("time"),
            }),
            CallKind::Intent => Self::Intent(IntentCall {
                operation: needed("operation")?,
                intents: names("intent"),
                filter: word("filter"),
                changes: slots.get("changes").cloned(),
                proposal: slots.get("proposal").cloned(),
                period: word("period"),
            }),
        })
    }
}
