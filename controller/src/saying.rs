//! Sentences: what the controller reads out of them, and the conversations that they belong to.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use intents::{Answer, Conversation, Library, Names, Question, Reader, Reading, Reason};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::advice::{ModelView, Said};
use crate::app::{App, AppError, Asker};
use crate::holding::holding;

/// How many conversations are remembered; the one that was quiet longest is forgotten first.
const CONVERSATIONS: usize = 1000;
/// How many intents a conversation may confirm.
const CONFIRMED: usize = 256;
/// The longest name of a conversation.
const NAME: usize = 64;

/// What was understood of a sentence.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Understood {
    /// The conversation; the next sentence of it names it.
    pub conversation: String,
    /// `intents`, `ask` or `refuse`.
    pub answer: &'static str,
    /// What was read, also what is certain already where something is asked.
    pub readings: Vec<ReadingView>,
    /// The question or the refusal, in the language of the sentence.
    pub text: Option<String>,
    /// Why it is asked: `missing`, `unknown`, `ambiguous`, `contradiction`, `invalid`, `doubt`; `model` where only the
    /// language model reads it, `differs` where it reads it otherwise than the rules.
    pub reason: Option<&'static str>,
    /// The slots in question.
    pub slots: Vec<String>,
    /// The words in question.
    pub said: Option<String>,
    /// What could be meant, or the class that comes nearest.
    pub candidates: Vec<String>,
    /// What the language model made of it, where one is configured and was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelView>,
}

/// An intent that was read out of a sentence.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ReadingView {
    /// Its class.
    pub class: String,
    /// Whether it changes devices; else it is asked at `/v1/calls`.
    pub changes: bool,
    /// The intent, to be planned or asked as it is.
    #[schema(value_type = Object)]
    pub intent: Value,
    /// Which words became which slot.
    pub origins: Vec<OriginView>,
}

/// Words and the slot that they became.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct OriginView {
    /// The words; empty where the slot follows from a phrase.
    pub said: String,
    /// The slot.
    pub slot: String,
}

/// Whose reading was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Whose {
    /// That of the rules.
    #[default]
    Rules,
    /// That of the language model.
    Model,
}

/// The conversations, and the reader of the library as it is.
#[derive(Debug, Default)]
pub struct Talks {
    reader: Mutex<Option<(String, Arc<Reader>)>>,
    talks: Mutex<Remembered>,
}

#[derive(Debug, Default)]
struct Remembered {
    by_name: HashMap<String, Talk>,
    /// The names, the one that spoke last at the end.
    order: VecDeque<String>,
}

#[derive(Debug, Clone, Default)]
struct Talk {
    conversation: Conversation,
    proposed: Vec<Reading>,
    /// What the language model read instead.
    advised: Vec<Reading>,
}

impl Talks {
    pub(crate) fn reader(&self, library: &Library) -> Result<Arc<Reader>, AppError> {
        let mut held = lock(&self.reader);
        if let Some((revision, reader)) = &*held
            && revision == library.revision()
        {
            return Ok(reader.clone());
        }
        let reader = Reader::new(library).map_err(AppError::Invalid)?;
        let reader = Arc::new(reader);
        *held = Some((library.revision().to_owned(), reader.clone()));
        Ok(reader)
    }

    fn conversation(&self, name: &str) -> Conversation {
        let talks = lock(&self.talks);
        talks
            .by_name
            .get(name)
            .map(|talk| talk.conversation.clone())
            .unwrap_or_default()
    }

    fn propose(&self, name: &str, (rules, model): (Vec<Reading>, Vec<Reading>)) {
        let mut talks = lock(&self.talks);
        talks.order.retain(|other| other != name);
        talks.order.push_back(name.to_owned());
        let talk = talks.by_name.entry(name.to_owned()).or_default();
        (talk.proposed, talk.advised) = (rules, model);
        while talks.order.len() > CONVERSATIONS {
            let Some(oldest) = talks.order.pop_front() else { break };
            talks.by_name.remove(&oldest);
        }
    }

    fn confirm(&self, name: &str, whose: Whose) -> Result<usize, AppError> {
        let mut talks = lock(&self.talks);
        let missing = || AppError::Missing {
            kind: "conversation",
            key: name.to_owned(),
        };
        let talk = talks.by_name.get_mut(name).ok_or_else(missing)?;
        let (rules, model) = (std::mem::take(&mut talk.proposed), std::mem::take(&mut talk.advised));
        let proposed = match whose {
            Whose::Rules => rules,
            Whose::Model => model,
        };
        let confirmed = talk.conversation.confirmed.len() + proposed.len();
        if confirmed > CONFIRMED {
            let what = format!("the conversation has confirmed {CONFIRMED} intents: begin another");
            return Err(crate::plan::PlanError::Invalid(vec![what]).into());
        }
        talk.conversation.confirmed.extend(proposed);
        Ok(confirmed)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl App {
    /// Reads a sentence; nothing is planned yet.
    pub async fn understand(
        &self,
        text: &str,
        conversation: Option<&str>,
        asker: &Asker,
    ) -> Result<Understood, AppError> {
        let name = match conversation {
            Some(name) if name.len() <= NAME && !name.is_empty() => name.to_owned(),
            Some(_) => {
                let what = format!("a conversation has a name of at most {NAME} bytes");
                return Err(crate::plan::PlanError::Invalid(vec![what]).into());
            }
            None => Uuid::now_v7().to_string(),
        };
        let library = self.library();
        let reader = self.talks.reader(&library)?;
        let names = self.names(&library).await?;
        let conversation = self.talks.conversation(&name);
        let answer = reader.read(text, &names, &conversation);
        let said = Said {
            text,
            conversation: &conversation,
            library: &library,
            names: &names,
        };
        let understood = view(&name, &answer, &library);
        let (understood, advised) = self.advised(said, &answer, understood, asker).await?;
        let proposed = if let Answer::Intents(readings) = answer {
            readings
        } else {
            Vec::new()
        };
        self.talks.propose(&name, (proposed, advised));
        Ok(understood)
    }

    /// What sentences may speak of now: the inventory, and the intents that hold.
    pub(crate) async fn names(&self, library: &Library) -> Result<Names, AppError> {
        let held = holding(&self.store, library).await?;
        let held = held
            .iter()
            .map(|(_, it)| (it.name.as_str(), it.envelope.class.as_str()));
        Ok(Names::new(self.network.lock().await.inventory(), held))
    }

    /// Remembers that what was last read in a conversation was done; later sentences may refer to it.
    pub async fn confirm(&self, conversation: &str, whose: Whose, asker: &Asker) -> Result<usize, AppError> {
        let confirmed = self.talks.confirm(conversation, whose)?;
        self.note(asker, "confirm", conversation, json!({ "intents": confirmed }))
            .await?;
        Ok(confirmed)
    }
}

fn view(conversation: &str, answer: &Answer, library: &Library) -> Understood {
    let mut understood = Understood {
        conversation: conversation.to_owned(),
        answer: "intents",
        readings: Vec::new(),
        text: None,
        reason: None,
        slots: Vec::new(),
        said: None,
        candidates: Vec::new(),
        model: None,
    };
    match answer {
        Answer::Intents(readings) => understood.readings = views(readings, library),
        Answer::Ask(Question {
            reason,
            slots,
            said,
            candidates,
            so_far,
            text,
        }) => {
            understood.answer = "ask";
            understood.readings = views(so_far, library);
            understood.text = Some(text.clone());
            understood.reason = Some(word(*reason));
            understood.slots.clone_from(slots);
            understood.said.clone_from(said);
            understood.candidates.clone_from(candidates);
        }
        Answer::Refuse(refusal) => {
            understood.answer = "refuse";
            understood.text = Some(refusal.text.clone());
            understood.candidates = refusal.nearest.iter().cloned().collect();
        }
    }
    understood
}

pub(crate) fn views(readings: &[Reading], library: &Library) -> Vec<ReadingView> {
    let view = |reading: &Reading| ReadingView {
        class: reading.class.clone(),
        changes: library.class(&reading.class).is_some_and(|class| class.call.is_none()),
        intent: json!({ "class": reading.class, "slots": reading.slots }),
        origins: reading
            .origins
            .iter()
            .map(|origin| OriginView {
                said: origin.said.clone(),
                slot: origin.slot.clone(),
            })
            .collect(),
    };
    readings.iter().map(view).collect()
}

fn word(reason: Reason) -> &'static str {
    match reason {
        Reason::Missing => "missing",
        Reason::Unknown => "unknown",
        Reason::Ambiguous => "ambiguous",
        Reason::Contradiction => "contradiction",
        Reason::Invalid => "invalid",
        Reason::Doubt => "doubt",
    }
}
