//! What checks look with: one session for reading, kept for as long as the looking lasts.

use std::collections::BTreeMap;
use std::sync::Arc;

use adapters_port::{Access, Deadline, Observation, Observer, Protocol, Query, SessionError};
use knowledge_model::{Path, Tree};
use tokio::sync::Mutex;

use crate::desk;

/// What was seen, or why nothing was, in words.
pub type Sight = Result<Arc<Vec<Observation>>, String>;

/// The eyes of one gate on one device.
pub struct Eyes {
    ways: Vec<Arc<dyn Access>>,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    session: Option<Box<dyn Observer>>,
    /// What was asked in this round: what several checks want is asked once.
    seen: BTreeMap<Query, Sight>,
}

impl Eyes {
    /// Eyes that look over the first of these ways that answers.
    pub fn new(ways: Vec<Arc<dyn Access>>) -> Self {
        Self {
            ways,
            inner: Mutex::default(),
        }
    }

    /// Begins a new round: what was seen before counts no longer.
    pub async fn open(&self) {
        self.inner.lock().await.seen.clear();
    }

    /// Comes to the device anew, as somebody would who was not there yet.
    ///
    /// # Errors
    /// Why every way is closed.
    pub async fn knock(&self, by: Deadline) -> Result<Protocol, String> {
        let mut inner = self.inner.lock().await;
        inner.session = None;
        let (session, protocol) = self.session(by).await?;
        inner.session = Some(session);
        Ok(protocol)
    }

    /// What the device says of itself.
    pub async fn look(&self, query: &Query, by: Deadline) -> Sight {
        let mut inner = self.inner.lock().await;
        if let Some(seen) = inner.seen.get(query) {
            return seen.clone();
        }
        let seen = self.ask(&mut inner, query, by).await;
        inner.seen.insert(query.clone(), seen.clone());
        seen
    }

    /// A session at hand may have died since: then a new one, once.
    async fn ask(&self, inner: &mut Inner, query: &Query, by: Deadline) -> Sight {
        if let Some(mut session) = inner.session.take() {
            match session.query(query, by).await {
                Err(SessionError::Unreachable { .. } | SessionError::Malformed { .. }) => {}
                answer => {
                    inner.session = Some(session);
                    return answer.map(Arc::new).map_err(|error| desk::chain(&error));
                }
            }
        }
        let (mut session, _) = self.session(by).await?;
        let answer = session.query(query, by).await;
        let dead = matches!(
            &answer,
            Err(SessionError::Unreachable { .. } | SessionError::Malformed { .. })
        );
        inner.session = (!dead).then_some(session);
        answer.map(Arc::new).map_err(|error| desk::chain(&error))
    }

    /// The configuration on these paths.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub async fn read(&self, paths: &[Path], by: Deadline) -> Result<Tree, String> {
        let mut inner = self.inner.lock().await;
        let mut session = match inner.session.take() {
            Some(session) => session,
            None => self.session(by).await?.0,
        };
        let read = session.read(paths, by).await.map_err(|error| desk::chain(&error))?;
        inner.session = Some(session);
        Ok(read)
    }

    async fn session(&self, by: Deadline) -> Result<(Box<dyn Observer>, Protocol), String> {
        let mut last = "no way leads to the device".to_owned();
        for way in &self.ways {
            match way.observe(by).await {
                Ok(session) => return Ok((session, way.protocol())),
                Err(error) => last = desk::chain(&error),
            }
        }
        Err(last)
    }
}
