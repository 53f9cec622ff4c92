//! What operators teach the reader: corrections wait as candidates, hold once nothing that is read right would be read
//! otherwise, and can be taken back, by a version that brings the earlier reading back exactly.

mod corpus;

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use intents::{Answer, Changed, Conversation, Correction, Library, Reader, Rule};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use utoipa::ToSchema;

use crate::app::{App, AppError, Asker, missing, stamp};
use crate::plan::PlanError;
use crate::store::{LearnedRow, SetRow};

/// How many candidates may wait.
const CANDIDATES: usize = 100;
/// How many rules may hold at once.
const ACTIVE: usize = 200;
/// How many changed sentences are named.
const NAMED: usize = 20;

/// What the reader was taught, beside the classes.
#[derive(Debug)]
pub struct Learning {
    /// The classes as their files have them, without what was learned.
    plain: RwLock<Arc<Library>>,
    /// Rules change one at a time.
    turn: Mutex<()>,
    /// Sentences of this installation that must go on being read as they are.
    corpus: Option<PathBuf>,
}

/// What a correction says.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    /// The sentence that was read wrong, or not at all.
    pub say: String,
    /// The same in words that are understood.
    pub means: Option<String>,
    /// The same as an intent.
    pub intent: Option<(String, serde_json::Map<String, Value>)>,
    /// The phrase, where the operator writes it himself.
    pub phrase: Option<String>,
}

/// A rule that was learned.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct LearnedView {
    /// Its number.
    pub number: i64,
    /// `candidate`, `active` or `withdrawn`.
    pub state: String,
    /// The class that it speaks for.
    pub class: String,
    /// The phrase, in the notation of the library.
    pub phrase: String,
    /// What it says of slots without a value.
    #[schema(value_type = Object)]
    pub sets: Value,
    /// The sentence that it was made from.
    pub say: String,
    /// What that means.
    #[schema(value_type = Object)]
    pub slots: Value,
    /// Who proposed it.
    pub proposed_by: String,
    /// When, in milliseconds since 1970.
    pub at: i64,
}

/// What came of trying a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Trial {
    /// The rule.
    pub number: i64,
    /// Whether nothing that is read right would be read otherwise.
    pub passes: bool,
    /// How many sentences were looked at; those that the rule cannot touch are not read again.
    pub read: usize,
    /// What its sentence is read as now.
    pub was: String,
    /// What its sentence would be read as.
    pub now: String,
    /// What would be read otherwise, sentence by sentence.
    pub changes: Vec<String>,
}

/// The rules that held from some moment on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SetView {
    /// Counts from 1.
    pub version: i64,
    /// The numbers of the rules.
    pub rules: Vec<i64>,
    /// What made it.
    pub what: String,
    /// Who.
    pub who: String,
    /// When, in milliseconds since 1970.
    pub at: i64,
}

impl Learning {
    /// Nothing is learned yet.
    pub fn new(plain: Arc<Library>, corpus: Option<PathBuf>) -> Self {
        Self {
            plain: RwLock::new(plain),
            turn: Mutex::new(()),
            corpus,
        }
    }

    fn plain(&self) -> Arc<Library> {
        self.plain.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes classes that were read anew.
    pub fn replace(&self, plain: Arc<Library>) {
        *self.plain.write().unwrap_or_else(PoisonError::into_inner) = plain;
    }
}

impl App {
    /// Keeps a correction as a candidate; nothing is read otherwise yet.
    pub async fn propose(&self, proposal: Proposal, asker: &Asker) -> Result<LearnedView, AppError> {
        let _turn = self.learning.turn.lock().await;
        let rows = self.store.learned().await?;
        if rows.iter().filter(|row| row.state == "candidate").count() >= CANDIDATES {
            return Err(invalid(format!(
                "{CANDIDATES} candidates wait already: activate or withdraw some first"
            )));
        }
        let library = self.library();
        let names = self.names(&library).await?;
        let reader = self.talks.reader(&library)?;
        let (class, slots) = meaning(&proposal, &reader, &names)?;
        let correction = Correction {
            say: proposal.say,
            class,
            slots,
        };
        let work = move || {
            let rule = reader.learn(correction, proposal.phrase.as_deref(), &library, &names)?;
            let mut taught = (*library).clone();
            taught.teach(&rule)?;
            let after = Reader::new(&taught).map_err(AppError::Invalid)?;
            after.keeps(&rule, &taught, &names)?;
            Ok::<Rule, AppError>(rule)
        };
        let rule = blocking(work).await?;
        let body = rule.json().to_string();
        let alike = rows.iter().find(|row| row.body == body && row.state != "withdrawn");
        if let Some(row) = alike {
            return Err(AppError::Unlearned {
                what: format!("rule {} is the same and {}", row.number, row.state),
                changes: Vec::new(),
            });
        }
        let at = stamp();
        let number = self.store.add_rule(&body, &asker.who, at).await?;
        self.note(asker, "propose rule", &number.to_string(), rule.json())
            .await?;
        self.learned_rule(number).await
    }

    /// Every rule, the earliest first.
    pub async fn learned_rules(&self) -> Result<Vec<LearnedView>, AppError> {
        self.store.learned().await?.iter().map(view).collect()
    }

    /// One rule.
    pub async fn learned_rule(&self, number: i64) -> Result<LearnedView, AppError> {
        view(&self.row(number).await?)
    }

    async fn row(&self, number: i64) -> Result<LearnedRow, AppError> {
        let rows = self.store.learned().await?;
        let found = rows.into_iter().find(|row| row.number == number);
        found.ok_or_else(|| missing("rule", &number.to_string()))
    }

    /// Reads every sentence that must stay as it is, with a rule and without it.
    pub async fn try_rule(&self, number: i64) -> Result<Trial, AppError> {
        let row = self.row(number).await?;
        let rule = rule_of(&row)?;
        let library = self.library();
        let mut taught = (*library).clone();
        if row.state != "active" {
            taught.teach(&rule)?;
        }
        let (names, corpus) = (self.names(&library).await?, self.learning.corpus.clone());
        let mut held = Vec::new();
        for row in self.store.learned().await?.iter().filter(|row| row.state == "active") {
            held.push(rule_of(row)?.lesson(format!("rule {}", row.number)));
        }
        let before = self.talks.reader(&library)?;
        blocking(move || {
            let after = Reader::new(&taught).map_err(AppError::Invalid)?;
            let shelves = corpus::shelves(&library, held, names.clone(), corpus.as_deref())?;
            let read = shelves.iter().map(|(lessons, _)| lessons.len()).sum();
            let changes: Vec<Changed> = shelves
                .iter()
                .flat_map(|(lessons, names)| intents::regress((&before, &after), &rule, lessons, names, &taught))
                .collect();
            let say = |reader: &Reader| {
                let quiet = Conversation::default();
                reader.read(&rule.correction.say, &names, &quiet).short()
            };
            let kept = after.keeps(&rule, &taught, &names).is_ok();
            Ok(Trial {
                number,
                passes: changes.is_empty() && kept,
                read,
                was: say(&before),
                now: say(&after),
                changes: told(&changes),
            })
        })
        .await
    }

    /// Lets a candidate hold from now on, where nothing that is read right would be read otherwise.
    pub async fn activate_rule(&self, number: i64, asker: &Asker) -> Result<SetView, AppError> {
        let _turn = self.learning.turn.lock().await;
        let row = self.row(number).await?;
        if row.state != "candidate" {
            return Err(refused(format!("rule {number} is {}, no candidate", row.state)));
        }
        let mut rules = self.holding_rules().await?;
        if rules.len() >= ACTIVE {
            return Err(refused(format!("{ACTIVE} rules hold already: withdraw one first")));
        }
        let trial = self.try_rule(number).await?;
        if !trial.passes {
            let detail = json!({ "changes": trial.changes, "now": trial.now });
            self.note(asker, "refuse rule", &number.to_string(), detail).await?;
            let what = match trial.changes.len() {
                0 => format!(
                    "rule {number} no longer reads its own sentence as meant, but {}",
                    trial.now
                ),
                _ => format!("rule {number} stays a candidate: sentences that are read right would be read otherwise"),
            };
            return Err(AppError::Unlearned {
                what,
                changes: trial.changes,
            });
        }
        rules.push(number);
        let what = ("activate rule", format!("activate {number}"));
        self.keep_set(rules, &[(number, "active")], what, asker).await
    }

    /// Takes a rule back, or a candidate out of the way.
    pub async fn withdraw_rule(&self, number: i64, asker: &Asker) -> Result<LearnedView, AppError> {
        let _turn = self.learning.turn.lock().await;
        let row = self.row(number).await?;
        match row.state.as_str() {
            "active" => {
                let mut rules = self.holding_rules().await?;
                rules.retain(|it| *it != number);
                let what = ("withdraw rule", format!("withdraw {number}"));
                self.keep_set(rules, &[(number, "withdrawn")], what, asker).await?;
            }
            "candidate" => {
                self.store.drop_candidate(number).await?;
                self.note(
                    asker,
                    "withdraw rule",
                    &number.to_string(),
                    json!({ "was": "candidate" }),
                )
                .await?;
            }
            other => return Err(refused(format!("rule {number} is {other} already"))),
        }
        self.learned_rule(number).await
    }

    /// Brings the rules of an earlier version back, as a new version; version 0 is that nothing was learned.
    pub async fn revert_rules(&self, version: i64, asker: &Asker) -> Result<SetView, AppError> {
        let _turn = self.learning.turn.lock().await;
        let sets = self.rule_history().await?;
        let wanted = match version {
            0 => Vec::new(),
            _ => {
                let found = sets.iter().find(|set| set.version == version);
                let found = found.ok_or_else(|| missing("version of the rules", &version.to_string()))?;
                found.rules.clone()
            }
        };
        let held = self.holding_rules().await?;
        let gone = held
            .iter()
            .filter(|it| !wanted.contains(it))
            .map(|it| (*it, "withdrawn"));
        let back = wanted.iter().filter(|it| !held.contains(it)).map(|it| (*it, "active"));
        let moved: Vec<(i64, &str)> = gone.chain(back).collect();
        if moved.is_empty() && held == wanted {
            return Err(refused(format!("the rules of version {version} hold already")));
        }
        let what = ("revert rules", format!("revert to {version}"));
        self.keep_set(wanted, &moved, what, asker).await
    }

    /// Every set of rules that held, the earliest first.
    pub async fn rule_history(&self) -> Result<Vec<SetView>, AppError> {
        self.store.learned_sets().await?.iter().map(set_view).collect()
    }

    /// The numbers of the rules that hold, in their order.
    async fn holding_rules(&self) -> Result<Vec<i64>, AppError> {
        let last = self.rule_history().await?.pop();
        Ok(last.map(|set| set.rules).unwrap_or_default())
    }

    /// Keeps a new set, teaches the reader, and writes down who did it.
    async fn keep_set(
        &self,
        rules: Vec<i64>,
        moved: &[(i64, &str)],
        (act, what): (&'static str, String),
        asker: &Asker,
    ) -> Result<SetView, AppError> {
        let version = self.rule_history().await?.len() as i64 + 1;
        let row = SetRow {
            version,
            rules: json!(rules).to_string(),
            what,
            who: asker.who.clone(),
            at: stamp(),
        };
        self.store.add_learned_set(&row, moved).await?;
        self.teach().await?;
        let object = moved.first().map(|(number, _)| number.to_string()).unwrap_or_default();
        let detail =
            json!({ "version": version, "rules": rules, "what": row.what, "revision": self.library().revision() });
        self.note(asker, act, &object, detail).await?;
        set_view(&row)
    }

    /// Teaches the classes as they are what holds: the same classes and rules make the same reader.
    pub async fn teach(&self) -> Result<(), AppError> {
        let mut library = (*self.learning.plain()).clone();
        let rows = self.store.learned().await?;
        for number in self.holding_rules().await? {
            let Some(row) = rows.iter().find(|row| row.number == number) else {
                continue;
            };
            // A class may have changed under its rule: the rule rests until the class fits again.
            let taught = rule_of(row).and_then(|rule| library.teach(&rule).map_err(AppError::from));
            if let Err(error) = taught {
                tracing::warn!(rule = number, %error, "a learned rule rests");
            }
        }
        *self.library.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(library);
        Ok(())
    }
}

/// What the operator means: an intent, or what his other words are read as.
fn meaning(
    proposal: &Proposal,
    reader: &Reader,
    names: &intents::Names,
) -> Result<(String, serde_json::Map<String, Value>), AppError> {
    match (&proposal.means, &proposal.intent) {
        (None, Some(intent)) => Ok(intent.clone()),
        (Some(means), None) => match reader.read(means, names, &Conversation::default()) {
            Answer::Intents(readings) if readings.len() == 1 => {
                let reading = readings.into_iter().next().unwrap_or_default();
                Ok((reading.class, reading.slots))
            }
            other @ (Answer::Intents(_) | Answer::Ask(_) | Answer::Refuse(_)) => Err(invalid(format!(
                "`means` is not read as one intent, but {}: say it otherwise, or give the class and its slots",
                other.short()
            ))),
        },
        (Some(_), Some(_)) | (None, None) => Err(invalid(
            "say what is meant once: by `means` in other words, or by `intent` with class and slots".to_owned(),
        )),
    }
}

fn rule_of(row: &LearnedRow) -> Result<Rule, AppError> {
    let kept: Value = serde_json::from_str(&row.body).unwrap_or_default();
    Ok(Rule::read(&kept)?)
}

fn view(row: &LearnedRow) -> Result<LearnedView, AppError> {
    let rule = rule_of(row)?;
    Ok(LearnedView {
        number: row.number,
        state: row.state.clone(),
        class: rule.correction.class,
        phrase: rule.phrase,
        sets: rule.sets.into(),
        say: rule.correction.say,
        slots: rule.correction.slots.into(),
        proposed_by: row.proposed_by.clone(),
        at: row.at,
    })
}

fn set_view(row: &SetRow) -> Result<SetView, AppError> {
    let rules = serde_json::from_str(&row.rules);
    Ok(SetView {
        version: row.version,
        rules: rules.map_err(|error| AppError::Inside(format!("version {} of the rules: {error}", row.version)))?,
        what: row.what.clone(),
        who: row.who.clone(),
        at: row.at,
    })
}

/// What would change, a few of many.
fn told(changes: &[Changed]) -> Vec<String> {
    let line = |it: &Changed| format!("{} ({}): {} would become {}", it.say, it.source, it.was, it.now);
    let mut lines: Vec<String> = changes.iter().take(NAMED).map(line).collect();
    if changes.len() > NAMED {
        lines.push(format!("and {} more", changes.len() - NAMED));
    }
    lines
}

fn invalid(what: String) -> AppError {
    PlanError::Invalid(vec![what]).into()
}

fn refused(what: String) -> AppError {
    AppError::Unlearned {
        what,
        changes: Vec::new(),
    }
}

/// Reading hundreds of sentences keeps a core busy for a while: not one that serves.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, AppError> + Send + 'static,
) -> Result<T, AppError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| AppError::Inside(error.to_string()))?
}
