//! A session for reading: configuration, standing, notifications.

use crate::conversation::Conversation;
use crate::rpc::{Datastore, Filter, Operation, WithDefaults};
use crate::session::touched;
use crate::target::Target;
use crate::watch::NetconfWatch;
use crate::xml::indented;
use adapters_platform::{Measure, Seen};
use adapters_port::{
    Answer, Applied, Deadline, Observation, Observer, Query, Reading, Record, SessionError, Standing, Step, Watch,
};
use knowledge_model::{Path, Tree};
use std::sync::Arc;

/// A session that changes nothing.
pub struct NetconfObserver {
    target: Arc<Target>,
    talk: Conversation,
}

impl NetconfObserver {
    pub(crate) fn new(target: Arc<Target>, talk: Conversation) -> Self {
        Self { target, talk }
    }

    async fn running(&mut self, paths: &[Path], by: Deadline) -> Result<Tree, SessionError> {
        let filter = self
            .target
            .dialect
            .filter(paths)
            .map_err(|it| self.talk.unsupported(it.to_string()))?;
        let filter = if paths.is_empty() {
            Filter::All
        } else {
            Filter::Subtree(filter)
        };
        let read = Operation::read_config(Datastore::Running, &filter, WithDefaults::Unsaid);
        let reply = self.talk.ask(read, by).await?;
        touched(
            &self.talk,
            &self.target,
            &reply,
            if paths.is_empty() {
                ROOT.get_or_init(root)
            } else {
                paths
            },
        )
    }

    async fn shown(&mut self, by: Deadline) -> Result<String, SessionError> {
        let read = Operation::read_config(Datastore::Running, &Filter::All, WithDefaults::Unsaid);
        let reply = self.talk.ask(read, by).await?;
        match reply.data().filter(|_| reply.is_ok()) {
            Some(data) => Ok(indented(data)),
            None => Err(self.talk.refusal(&reply, "reading running")),
        }
    }

    /// What the device says of itself, by the nodes of the platform's state section.
    async fn state(&mut self, query: &Query, by: Deadline) -> Result<Vec<Observation>, SessionError> {
        let target = Arc::clone(&self.target);
        let paths: Vec<Path> = query.names.iter().map(|name| Path::root().child(name)).collect();
        let words = target.dialect.state();
        let Some((dialect, filter)) = words.and_then(|it| Some((it, it.filter(&paths).ok()?))) else {
            return Err(self.talk.unsupported(format!("observing {}", query.names.join(", "))));
        };
        let read = Operation::read_state(&Filter::Subtree(filter), WithDefaults::Unsaid);
        let reply = self.talk.ask(read, by).await?;
        let Some(data) = reply.data().filter(|_| reply.is_ok()) else {
            return Err(self.talk.refusal(&reply, "reading state"));
        };
        let tree = dialect.read(data).map_err(|it| self.talk.malformed(it))?;
        let wanted = paths.iter().flat_map(|path| tree.under(path));
        Ok(wanted
            .filter_map(|(path, value)| Seen::of(path, value))
            .map(observation)
            .collect())
    }

    async fn stand(&mut self, record: &Record, by: Deadline) -> Result<Standing, SessionError> {
        let revealed = self
            .talk
            .revealed
            .reveal(&record.delta, &*self.target.secrets, by)
            .await;
        revealed.map_err(|it| self.talk.refused(it.to_string()))?;
        let found = self.running(&record.paths(), by).await?;
        if record.is_before(&found) {
            return Ok(Standing::Untouched);
        }
        if !record.is_after(&found) {
            let foreign = record.foreign(&found);
            let reason = "the touched paths are neither as before the change nor as after it".to_owned();
            return Ok(Standing::Unknown { foreign, reason });
        }
        // Confirmed or not cannot be asked without acting; both endings are safe from here.
        Ok(Standing::Applied(Applied::found(record.clone(), self.talk.receipt())))
    }
}

fn observation(seen: Seen) -> Observation {
    Observation {
        name: seen.name,
        labels: seen.labels,
        reading: match seen.value {
            Measure::Number(number) => Reading::Number(number),
            Measure::Word(word) => Reading::Word(word),
        },
    }
}

static ROOT: std::sync::OnceLock<[Path; 1]> = std::sync::OnceLock::new();

fn root() -> [Path; 1] {
    [Path::root()]
}

impl Observer for NetconfObserver {
    fn read<'a>(&'a mut self, paths: &'a [Path], by: Deadline) -> Answer<'a, Tree> {
        Box::pin(async move {
            self.talk.begin(Step::Read);
            self.running(paths, by).await
        })
    }

    fn native(&mut self, by: Deadline) -> Answer<'_, String> {
        Box::pin(async move {
            self.talk.begin(Step::Read);
            self.shown(by).await
        })
    }

    fn query<'a>(&'a mut self, query: &'a Query, by: Deadline) -> Answer<'a, Vec<Observation>> {
        Box::pin(async move {
            self.talk.begin(Step::Query);
            self.state(query, by).await
        })
    }

    fn watch<'a>(&'a mut self, _query: &'a Query, by: Deadline) -> Answer<'a, Box<dyn Watch>> {
        Box::pin(async move {
            self.talk.begin(Step::Watch);
            if !self.talk.exchange.features().notification() {
                return Err(self.talk.unsupported("notifications"));
            }
            // A session of its own: without interleave one with a subscription takes no other request.
            let watch = NetconfWatch::open(&self.target, by).await?;
            Ok(Box::new(watch) as Box<dyn Watch>)
        })
    }

    fn resume<'a>(&'a mut self, record: &'a Record, by: Deadline) -> Answer<'a, Standing> {
        Box::pin(async move {
            self.talk.begin(Step::Resume);
            self.stand(record, by).await
        })
    }
}
