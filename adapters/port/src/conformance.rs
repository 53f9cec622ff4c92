//! One list of behaviours that every adapter and every device is held to, whatever the protocol.
//!
//! Each begins with the subject in its initial state and leaves it so. What it found is a word for the matrix.

use crate::{
    Access, Applied, Change, ChangeId, ConfigureSession, Deadline, Keeper, Observer, PersistId, Record, SessionError,
    Staged, Standing,
};
use futures::future::BoxFuture;
use knowledge_model::{Delta, Edit, Value};
use std::time::Duration;

/// A device under test, with what the suite cannot know.
pub trait Subject: Send + Sync {
    /// The way to it.
    fn access(&self) -> &dyn Access;

    /// A change from the initial state that the device can take; at least one scalar is set.
    fn delta(&self) -> Delta;

    /// A change from the initial state that the device itself refuses, where there is one.
    fn refused(&self) -> Option<Delta>;

    /// What a judge that shares no code with the adapter sees running.
    fn judged(&self) -> BoxFuture<'_, String>;

    /// A deadline that a healthy device keeps.
    fn soon(&self) -> Deadline;

    /// Leaves the device alone for so long.
    fn rest(&self, pause: Duration) -> BoxFuture<'_, ()>;
}

/// What the suite found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It behaves so.
    Holds,
    /// It does not offer what this is about.
    NotOffered,
    /// It behaves otherwise.
    Fails(String),
}

type Behaviour = fn(&dyn Subject) -> BoxFuture<'_, Result<Outcome, String>>;

/// The list.
pub const BEHAVIOURS: &[(&str, Behaviour)] = &[
    ("a change goes there, stays, and comes back by its inverse", |it| {
        Box::pin(there_and_back(it))
    }),
    ("staging has no effect, and reverting it leaves nothing", |it| {
        Box::pin(staged_only(it))
    }),
    ("an applied change is taken back, as often as asked", |it| {
        Box::pin(applied_only(it))
    }),
    ("a plan from yesterday is stale, and nothing is sent", |it| {
        Box::pin(stale(it))
    }),
    ("a change that the device refuses leaves nothing", |it| {
        Box::pin(refused(it))
    }),
    ("a session that is dropped leaves no lock", |it| Box::pin(dropped(it))),
    ("a new session confirms what a dead one applied", |it| {
        Box::pin(resumed(it, true))
    }),
    ("a new session takes back what a dead one applied", |it| {
        Box::pin(resumed(it, false))
    }),
    ("renew, expire, and the old state is back", |it| Box::pin(expired(it))),
    ("a deadline in the past is an error and no hang", |it| {
        Box::pin(too_late(it))
    }),
];

/// Runs the whole list.
pub async fn run(subject: &dyn Subject) -> Vec<(&'static str, Outcome)> {
    let mut outcomes = Vec::new();
    for (name, behaviour) in BEHAVIOURS {
        let outcome = behaviour(subject).await.unwrap_or_else(Outcome::Fails);
        outcomes.push((*name, outcome));
    }
    outcomes
}

/// The matrix as people read it: a line each behaviour, a column each subject.
pub fn matrix(columns: &[(String, Vec<(&'static str, Outcome)>)]) -> String {
    let mut text = String::from("| behaviour |");
    columns
        .iter()
        .for_each(|(name, _)| text.push_str(&format!(" {name} |")));
    text.push_str(&format!("\n|---|{}\n", "---|".repeat(columns.len())));
    for (row, (behaviour, _)) in BEHAVIOURS.iter().enumerate() {
        text.push_str(&format!("| {behaviour} |"));
        for (_, outcomes) in columns {
            let word = match outcomes.get(row).map(|(_, outcome)| outcome) {
                Some(Outcome::Holds) => "yes",
                Some(Outcome::NotOffered) => "–",
                Some(Outcome::Fails(_)) => "NO",
                None => "?",
            };
            text.push_str(&format!(" {word} |"));
        }
        text.push('\n');
    }
    text
}

/// A document with this matrix in place of the one behind its mark; none where there is no such mark.
pub fn documented(document: &str, mark: &str, matrix: &str) -> Option<String> {
    let line = format!("<!-- matrix: {mark} -->\n");
    let begin = document.find(&line)? + line.len();
    let rest = &document[begin..];
    let end: usize = rest
        .split_inclusive('\n')
        .take_while(|it| it.starts_with('|'))
        .map(str::len)
        .sum();
    Some(format!("{}{matrix}{}", &document[..begin], &rest[end..]))
}

async fn there_and_back(subject: &dyn Subject) -> Result<Outcome, String> {
    let initial = subject.judged().await;
    let there = change(1, subject.delta());
    confirm(subject, &there).await?;
    differs(&initial, &subject.judged().await, "the confirmed change")?;
    confirm(subject, &change(2, subject.delta().inverse())).await?;
    same(&initial, &subject.judged().await, "the inverse")
}

async fn staged_only(subject: &dyn Subject) -> Result<Outcome, String> {
    let initial = subject.judged().await;
    let mut session = open(subject).await?;
    let staged = stage(subject, &mut *session, &change(3, subject.delta())).await?;
    same(&initial, &subject.judged().await, "staging")?;
    session
        .revert(staged.record(), subject.soon())
        .await
        .map_err(say("revert"))?;
    same(&initial, &subject.judged().await, "reverting what was staged")
}

async fn applied_only(subject: &dyn Subject) -> Result<Outcome, String> {
    let initial = subject.judged().await;
    let mut session = open(subject).await?;
    let staged = stage(subject, &mut *session, &change(4, subject.delta())).await?;
    let applied = session.apply(staged, subject.soon()).await.map_err(say("apply"))?;
    differs(&initial, &subject.judged().await, "the applied change")?;
    for _ in 0..2 {
        session
            .revert(applied.record(), subject.soon())
            .await
            .map_err(say("revert"))?;
        same(&initial, &subject.judged().await, "reverting what was applied")?;
    }
    Ok(Outcome::Holds)
}

async fn stale(subject: &dyn Subject) -> Result<Outcome, String> {
    let initial = subject.judged().await;
    let mut session = open(subject).await?;
    match session
        .stage(&change(5, yesterday(&subject.delta())), subject.soon())
        .await
    {
        Err(SessionError::Stale { paths, .. }) if !paths.is_empty() => {}
        other => return Err(format!("expected stale, got {other:?}")),
    }
    drop(session);
    // The change itself is up to date, and what has to stand beside it is not there.
    let mut beside = change(14, subject.delta());
    let missing = beside.delta.iter().filter(|(_, edit)| edit.after.is_some());
    beside.stands = missing.map(|(path, edit)| (path.clone(), edit.after.clone())).collect();
    let mut session = open(subject).await?;
    match session.stage(&beside, subject.soon()).await {
        Err(SessionError::Stale { paths, .. }) if !paths.is_empty() => {}
        other => return Err(format!("expected stale beside the change, got {other:?}")),
    }
    same(&initial, &subject.judged().await, "a stale plan")
}

async fn refused(subject: &dyn Subject) -> Result<Outcome, String> {
    let Some(delta) = subject.refused() else {
        return Ok(Outcome::NotOffered);
    };
    let initial = subject.judged().await;
    let mut session = open(subject).await?;
    let (refusal, record) = match session.stage(&change(6, delta), subject.soon()).await {
        Ok(staged) => {
            let record = staged.record().clone();
            (session.apply(staged, subject.soon()).await.map(drop), Some(record))
        }
        Err(refusal) => (Err(refusal), None),
    };
    match refusal {
        Err(SessionError::Refused { .. }) => {}
        other => return Err(format!("expected a refusal, got {other:?}")),
    }
    // What takes a change line by line keeps the lines before the refused one until it is told to go back.
    if let Some(record) = record {
        session.revert(&record, subject.soon()).await.map_err(say("revert"))?;
    }
    drop(session);
    same(&initial, &subject.judged().await, "a refused change")?;
    staged_only(subject).await
}

async fn dropped(subject: &dyn Subject) -> Result<Outcome, String> {
    let mut session = open(subject).await?;
    drop(stage(subject, &mut *session, &change(7, subject.delta())).await?);
    drop(session);
    let mut next = open(subject).await?;
    let staged = stage(subject, &mut *next, &change(8, subject.delta())).await?;
    next.revert(staged.record(), subject.soon())
        .await
        .map_err(say("revert"))?;
    Ok(Outcome::Holds)
}

async fn resumed(subject: &dyn Subject, confirms: bool) -> Result<Outcome, String> {
    let capabilities = subject
        .access()
        .capabilities(subject.soon())
        .await
        .map_err(say("capabilities"))?;
    if capabilities.guarantee.keeper() == Keeper::Session {
        return Ok(Outcome::NotOffered);
    }
    let initial = subject.judged().await;
    let mut session = open(subject).await?;
    let there = change(9 + u128::from(confirms), subject.delta());
    let staged = stage(subject, &mut *session, &there).await?;
    let record = staged.record().clone();
    drop(session.apply(staged, subject.soon()).await.map_err(say("apply"))?);
    drop(session);
    let mut observer = subject.access().observe(subject.soon()).await.map_err(say("observe"))?;
    let standing = Observer::resume(&mut *observer, &record, subject.soon())
        .await
        .map_err(say("resume"))?;
    let Standing::Applied(applied) = standing else {
        return Err(format!("expected applied, got {standing:?}"));
    };
    let mut next = open(subject).await?;
    if confirms {
        retried(subject, &mut *next, &applied).await?;
        confirm(subject, &change(11, subject.delta().inverse())).await?;
    } else {
        next.revert(applied.record(), subject.soon())
            .await
            .map_err(say("revert"))?;
    }
    same(&initial, &subject.judged().await, "the end")
}

// The device may need a moment to notice that the old session is dead.
async fn retried(subject: &dyn Subject, session: &mut dyn ConfigureSession, applied: &Applied) -> Result<(), String> {
    let mut last = String::new();
    for _ in 0..50 {
        match session.confirm(applied, subject.soon()).await {
            Ok(_) => return Ok(()),
            Err(SessionError::Busy { holder, .. }) => last = holder.to_string(),
            Err(error) => return Err(format!("confirm: {error}")),
        }
        subject.rest(Duration::from_millis(100)).await;
    }
    Err(format!("confirm: {last}"))
}

/// The window of a change that is left to expire.
const BRIEF: Duration = Duration::from_secs(4);

async fn expired(subject: &dyn Subject) -> Result<Outcome, String> {
    let capabilities = subject
        .access()
        .capabilities(subject.soon())
        .await
        .map_err(say("capabilities"))?;
    if !capabilities.renew {
        return Ok(Outcome::NotOffered);
    }
    // A machine may be so busy that a window is over before anybody has looked, which shows nothing: then once more.
    for id in 12..20 {
        if let Some(outcome) = expired_once(subject, id << 32).await? {
            return Ok(outcome);
        }
    }
    Err(format!("in eight attempts nothing was done within {BRIEF:?}"))
}

/// What came of it; nothing if a window was over too early to tell.
async fn expired_once(subject: &dyn Subject, id: u128) -> Result<Option<Outcome>, String> {
    let initial = subject.judged().await;
    let mut session = open(subject).await?;
    let brief = Change {
        window: BRIEF,
        ..change(id, subject.delta())
    };
    let staged = stage(subject, &mut *session, &brief).await?;
    let record = staged.record().clone();
    let applying = subject.soon();
    let applied = session.apply(staged, subject.soon()).await.map_err(say("apply"))?;
    subject.rest(BRIEF / 2).await;
    let renewing = subject.soon();
    let renewed = session.renew(&applied, subject.soon()).await;
    if passed(subject, applying) >= BRIEF {
        return given_up(&mut *session, &record, subject).await;
    }
    renewed.map_err(say("renew"))?;
    subject.rest(BRIEF * 5 / 8).await;
    let mut observer = subject.access().observe(subject.soon()).await.map_err(say("observe"))?;
    let standing = Observer::resume(&mut *observer, &record, subject.soon())
        .await
        .map_err(say("resume"))?;
    if passed(subject, renewing) >= BRIEF {
        return given_up(&mut *session, &record, subject).await;
    }
    if !matches!(standing, Standing::Applied(_)) {
        return Err(format!("gone before the renewed window was over: {standing:?}"));
    }
    drop(observer);
    // A device looks at its clock when it comes to it, and some only while nobody asks them anything.
    for _ in 0..40 {
        subject.rest(BRIEF * 5 / 8).await;
        if passed(subject, renewing) > BRIEF && subject.judged().await == initial {
            return Ok(Some(Outcome::Holds));
        }
    }
    same(&initial, &subject.judged().await, "the end of the window").map(Some)
}

/// How long ago this deadline was set: the suite has no other clock.
fn passed(subject: &dyn Subject, since: Deadline) -> Duration {
    subject.soon().remaining(since.instant())
}

async fn given_up(
    session: &mut dyn ConfigureSession,
    record: &Record,
    subject: &dyn Subject,
) -> Result<Option<Outcome>, String> {
    session.revert(record, subject.soon()).await.map_err(say("revert"))?;
    Ok(None)
}

async fn too_late(subject: &dyn Subject) -> Result<Outcome, String> {
    let mut session = open(subject).await?;
    let past = Deadline::at(subject.soon().instant() - Duration::from_secs(3600));
    match session.stage(&change(13, subject.delta()), past).await {
        Err(SessionError::Unreachable { .. }) => Ok(Outcome::Holds),
        other => Err(format!("expected unreachable, got {other:?}")),
    }
}

async fn open(subject: &dyn Subject) -> Result<Box<dyn ConfigureSession>, String> {
    subject.access().configure(subject.soon()).await.map_err(say("connect"))
}

// A device may need a moment to free the locks of a session that was dropped.
async fn stage(subject: &dyn Subject, session: &mut dyn ConfigureSession, change: &Change) -> Result<Staged, String> {
    for _ in 0..300 {
        match session.stage(change, subject.soon()).await {
            Ok(staged) => return Ok(staged),
            Err(SessionError::Busy { .. }) => subject.rest(Duration::from_millis(100)).await,
            Err(error) => return Err(format!("stage: {error}")),
        }
    }
    Err("stage: the lock of a dropped session is never freed".to_owned())
}

async fn confirm(subject: &dyn Subject, change: &Change) -> Result<(), String> {
    let mut session = open(subject).await?;
    let staged = stage(subject, &mut *session, change).await?;
    let applied = session.apply(staged, subject.soon()).await.map_err(say("apply"))?;
    session
        .confirm(&applied, subject.soon())
        .await
        .map_err(say("confirm"))?;
    // A repeat is answered as the first was.
    session
        .confirm(&applied, subject.soon())
        .await
        .map_err(say("the repeated confirm"))?;
    Ok(())
}

fn change(id: u128, delta: Delta) -> Change {
    let window = Duration::from_secs(60);
    Change {
        id: ChangeId(id),
        delta,
        stands: Default::default(),
        window,
        persist: PersistId::new(0xC0 << 64 | id),
        comment: String::new(),
    }
}

// The same change, made from a state that the device is not in.
fn yesterday(delta: &Delta) -> Delta {
    let mut other = Delta::new();
    for (path, edit) in delta.iter() {
        let before = match &edit.after {
            Some(Value::Scalar(_)) => Some(Value::scalar("as it was")),
            Some(Value::Present) | None => edit.before.clone(),
        };
        other.insert(
            path.clone(),
            Edit {
                before,
                after: edit.after.clone(),
            },
        );
    }
    other
}

fn same(expected: &str, found: &str, after: &str) -> Result<Outcome, String> {
    if expected == found {
        Ok(Outcome::Holds)
    } else {
        Err(format!("after {after} the judge sees {found:?}"))
    }
}

fn differs(initial: &str, found: &str, after: &str) -> Result<(), String> {
    if initial == found {
        Err(format!("after {after} the judge sees no difference"))
    } else {
        Ok(())
    }
}

fn say(act: &'static str) -> impl Fn(SessionError) -> String {
    move |error| format!("{act}: {error}: {error:?}")
}
