//! What the controller answers to intents that change nothing: questions about the network and about intents. What it
//! cannot answer yet it says by name.

use std::collections::BTreeMap;

use intents::{
    Call, CompileError, Compiled, ConfigurationCall, Diagnosis, Envelope, IntentCall, Query, SlotValue, World, compile,
    read_one,
};
use knowledge_model::owners::drift;
use knowledge_model::{Schema, Tree, document};
use serde::Serialize;
use serde_json::{Map, Value, json};
use transaction::DeviceId;
use utoipa::ToSchema;

use crate::app::{App, AppError, Asker, Wishes};
use crate::plan::{Plan, PlannedIntent};
use crate::store::Kept;

/// How many rows an answer has at most.
const ROWS: usize = 1000;
/// How many intents are looked at.
const INTENTS: i64 = 500;

/// An answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Answer {
    /// In sentences.
    pub said: Vec<String>,
    /// In rows, all with the same columns.
    #[schema(value_type = Vec<Object>)]
    pub rows: Vec<Map<String, Value>>,
    /// A plan, where what was asked for comes to one.
    pub plan: Option<Plan>,
}

impl Answer {
    fn said(text: impl Into<String>) -> Self {
        Self {
            said: vec![text.into()],
            ..Self::default()
        }
    }

    fn row(&mut self, columns: impl IntoIterator<Item = (&'static str, Value)>) {
        if self.rows.len() < ROWS {
            let columns = columns.into_iter().map(|(name, value)| (name.to_owned(), value));
            self.rows.push(columns.collect());
        }
    }
}

/// What is not answered yet, in one voice.
fn not_yet(what: impl std::fmt::Display) -> AppError {
    AppError::NotYet(format!("this controller does not do that yet: {what}"))
}

impl App {
    /// Answers an intent that changes nothing.
    pub async fn answer(&self, envelope: &Envelope, asker: &Asker) -> Result<Answer, AppError> {
        let library = self.library();
        let class = library.class(&envelope.class).ok_or_else(|| AppError::Missing {
            kind: "class",
            key: envelope.class.clone(),
        })?;
        let call = {
            let network = self.network.lock().await;
            let configurations = BTreeMap::new();
            let world = World {
                inventory: network.inventory(),
                configurations: &configurations,
            };
            compile(class, envelope, &world)
        };
        match call {
            Ok(Compiled::Call(call)) => self.answer_call(call, asker).await,
            Err(CompileError::Invalid(faults)) => Err(crate::plan::PlanError::Invalid(faults).into()),
            Ok(Compiled::Configuration(_)) | Err(CompileError::Unread(_)) => Err(AppError::NotYet(format!(
                "{} changes devices: plan it with `entente plan`",
                envelope.class
            ))),
        }
    }

    async fn answer_call(&self, call: Call, asker: &Asker) -> Result<Answer, AppError> {
        match call {
            Call::Query(query) => self.query(&query).await,
            Call::Watch(watch) => Err(not_yet(format!("nobody watches {}", watch.metric))),
            Call::Diagnosis(diagnosis) => self.diagnose(&diagnosis).await,
            Call::Configuration(call) => self.configuration(&call).await,
            Call::Intent(call) => self.about_intents(&call, asker).await,
        }
    }

    /// The devices that names stand for; all of them where none is named.
    async fn meant(&self, names: &[String]) -> Result<Vec<(String, DeviceId)>, AppError> {
        let network = self.network.lock().await;
        let all = ["all".to_owned()];
        let names = if names.is_empty() { &all[..] } else { names };
        let devices = intents::devices(names, network.inventory()).map_err(crate::plan::PlanError::Invalid)?;
        let known = devices.iter().filter_map(|name| network.named(name));
        Ok(known.map(|device| (device.name.clone(), device.id)).collect())
    }

    /// The entries that tell of a metric, as devices tell them now.
    async fn query(&self, query: &Query) -> Result<Answer, AppError> {
        let metric = query.metric.as_str();
        let tells: fn(&str) -> bool = match metric {
            "routes" => |path| path.starts_with("route[") || path.starts_with("static-route["),
            "sessions" => |path| path.starts_with("bgp/neighbor["),
            "neighbours" => |path| path.contains("/neighbor["),
            "interface-counters" => |path| path.contains("/statistics/"),
            "cpu" => |path| path.starts_with("system/cpu"),
            "memory" => |path| path.starts_with("system/memory"),
            other => return Err(not_yet(format!("nobody measures {other}"))),
        };
        if query.period.is_some() {
            return Err(not_yet(format!("{metric} over a time; it can be asked how it is now")));
        }
        let prefixes = query.matched.as_ref().map_or(&[][..], |it| it.under("prefix"));
        let mut answer = Answer::default();
        for (name, id) in self.meant(&query.scope).await? {
            let tree = self.agents.read(id, Vec::new()).await?;
            let before = answer.rows.len();
            for (path, value) in tree.iter() {
                let text = path.to_string();
                let wanted = prefixes.is_empty() || prefixes.iter().any(|it| text.contains(&format!("[{it}]")));
                let spoken = query.protocol.as_ref().is_none_or(|it| text.contains(it.as_str()));
                if tells(&text) && wanted && spoken {
                    answer.row([
                        ("device", name.as_str().into()),
                        ("path", text.into()),
                        ("value", json!(value.text())),
                    ]);
                }
            }
            if answer.rows.len() == before {
                answer.said.push(format!("{name} tells nothing of {metric}"));
            }
        }
        answer.rows.truncate(query.n.unwrap_or(ROWS));
        Ok(answer)
    }

    /// The routes and permits that the way between two ends lacks.
    async fn diagnose(&self, diagnosis: &Diagnosis) -> Result<Answer, AppError> {
        if !matches!(diagnosis.symptom.as_str(), "unreachable" | "no-route") || diagnosis.time.is_some() {
            return Err(not_yet(format!(
                "nobody finds the cause of {}; that of unreachable now can be asked for",
                diagnosis.symptom
            )));
        }
        let ([src], [dst]) = (&diagnosis.src[..], &diagnosis.dst[..]) else {
            return Err(
                crate::plan::PlanError::Invalid(vec!["diagnose: name one `src` and one `dst`".to_owned()]).into(),
            );
        };
        let asked = json!({ "class": "connectivity.ensure", "slots": { "src": src, "dst": dst }, "dry_run": true });
        // Nothing of it is ever committed: only what is lacking is wanted.
        let wishes = Wishes {
            ungated: true,
            forced: true,
            first: Vec::new(),
        };
        let plan = self
            .considered(vec![self.read_back(&asked)?], Vec::new(), wishes)
            .await?;
        let mut answer = Answer::default();
        for device in &plan.devices {
            for entry in device.entries.iter().filter(|it| it.before.is_none()) {
                answer.row([
                    ("device", device.name.as_str().into()),
                    ("lacks", entry.path.as_str().into()),
                ]);
            }
        }
        answer.said.push(if answer.rows.is_empty() {
            format!("the devices on the way between {src} and {dst} have the routes that it takes")
        } else {
            format!("the way between {src} and {dst} lacks {} entries", answer.rows.len())
        });
        Ok(answer)
    }

    fn read_back(&self, asked: &Value) -> Result<Envelope, AppError> {
        let node = document::read(&asked.to_string()).map_err(AppError::Invalid)?;
        read_one(&node, &self.library()).map_err(AppError::Invalid)
    }

    /// Where devices are not what intents want of them.
    async fn configuration(&self, call: &ConfigurationCall) -> Result<Answer, AppError> {
        if call.operation != "compare" || call.label.is_some() || call.time.is_some() {
            let than = if call.operation == "compare" {
                " with what was kept"
            } else {
                ""
            };
            return Err(not_yet(format!(
                "{}{than} of configurations; compare with what intents want can be asked for",
                call.operation
            )));
        }
        let mut answer = Answer::default();
        for (name, id) in self.meant(&call.target).await? {
            let there = self.agents.read(id, Vec::new()).await?;
            let network = self.network.lock().await;
            let Some(device) = network.named(&name) else { continue };
            let differs = drift(network.owners(id), &there, Schema::canonical(), &|tree: &Tree| {
                device.normal(tree)
            });
            for (path, edit) in differs.iter() {
                let shown = |value: &Option<knowledge_model::Value>| {
                    value.as_ref().map_or_else(|| "absent".to_owned(), ToString::to_string)
                };
                answer.row([
                    ("device", name.as_str().into()),
                    ("path", path.to_string().into()),
                    ("is", shown(&edit.before).into()),
                    ("wanted", shown(&edit.after).into()),
                ]);
            }
        }
        if answer.rows.is_empty() {
            answer.said.push("everything is as intents want it".to_owned());
        }
        Ok(answer)
    }

    async fn about_intents(&self, call: &IntentCall, asker: &Asker) -> Result<Answer, AppError> {
        match call.operation.as_str() {
            "list" => self.listed(call).await,
            "get" | "status" => self.intents_shown(call).await,
            "explain" => self.explained(call).await,
            "withdraw" => {
                let plan = self
                    .plan(Vec::new(), named(call)?.to_vec(), Wishes::default(), asker)
                    .await?;
                Ok(Answer {
                    plan: Some(plan),
                    ..Answer::said("this is what a withdrawal would change")
                })
            }
            "probe" => {
                let proposal = call.proposal.as_ref().map(SlotValue::to_json);
                let mut asked = proposal.ok_or_else(|| missing("proposal"))?;
                asked["dry_run"] = true.into();
                let plan = self
                    .plan(vec![self.read_back(&asked)?], Vec::new(), Wishes::default(), asker)
                    .await?;
                Ok(Answer {
                    plan: Some(plan),
                    ..Answer::said("this is what it would change; nothing is kept of it")
                })
            }
            "modify" => {
                let [key] = named(call)? else {
                    return Err(missing("one intent"));
                };
                let kept = self.intent(key).await?;
                let mut asked = intent_of(&kept)?.asked;
                let changes = call
                    .changes
                    .as_ref()
                    .map(SlotValue::to_json)
                    .ok_or_else(|| missing("changes"))?;
                for (name, value) in changes.as_object().into_iter().flatten() {
                    asked["slots"][name] = value.clone();
                }
                let plan = self.plan_in_place(self.read_back(&asked)?, kept.id, asker).await?;
                Ok(Answer {
                    plan: Some(plan),
                    ..Answer::said("this is what the change comes to: commit the plan")
                })
            }
            other => Err(not_yet(format!("{other} of an intent"))),
        }
    }

    async fn listed(&self, call: &IntentCall) -> Result<Answer, AppError> {
        let mut answer = Answer::default();
        for kept in self.store.intents_after(None, INTENTS).await? {
            let intent = intent_of(&kept)?;
            if call.filter.as_ref().is_none_or(|class| intent.class == *class) {
                answer.row([
                    ("id", kept.id.into()),
                    ("name", json!(intent.name)),
                    ("class", intent.class.into()),
                    ("state", kept.state.into()),
                ]);
            }
        }
        Ok(answer)
    }

    async fn intents_shown(&self, call: &IntentCall) -> Result<Answer, AppError> {
        let mut answer = Answer::default();
        for key in named(call)? {
            let kept = self.intent(key).await?;
            let intent = intent_of(&kept)?;
            answer.row([
                ("name", json!(intent.name)),
                ("class", intent.class.into()),
                ("state", kept.state.into()),
                ("slots", intent.slots.into()),
                ("targets", intent.targets.into()),
            ]);
        }
        Ok(answer)
    }

    /// Why devices hold what they hold for an intent: each entry that it wants.
    async fn explained(&self, call: &IntentCall) -> Result<Answer, AppError> {
        let mut answer = Answer::default();
        for key in named(call)? {
            let kept = self.intent(key).await?;
            let intent = intent_of(&kept)?;
            answer.said.push(format!(
                "{} is {}: {} with {}",
                key,
                kept.state,
                intent.class,
                intent.slots.join("; ")
            ));
            let network = self.network.lock().await;
            for device in network.devices() {
                let desired = network.owners(device.id).desired(Schema::canonical());
                for (path, bid) in desired.entries.iter().filter(|(_, bid)| *bid.intent == *kept.id) {
                    answer.row([
                        ("device", device.name.as_str().into()),
                        ("path", path.to_string().into()),
                        (
                            "wants",
                            bid.value
                                .as_ref()
                                .map_or_else(|| "absent".to_owned(), ToString::to_string)
                                .into(),
                        ),
                    ]);
                }
            }
        }
        Ok(answer)
    }
}

fn missing(what: &str) -> AppError {
    crate::plan::PlanError::Invalid(vec![format!("intent.lifecycle: {what} is missing")]).into()
}

fn named(call: &IntentCall) -> Result<&[String], AppError> {
    if call.intents.is_empty() {
        Err(missing("`intent`"))
    } else {
        Ok(&call.intents)
    }
}

fn intent_of(kept: &Kept) -> Result<PlannedIntent, AppError> {
    serde_json::from_str(&kept.body)
        .map_err(|error| AppError::Inside(format!("intent {} cannot be read: {error}", kept.id)))
}
