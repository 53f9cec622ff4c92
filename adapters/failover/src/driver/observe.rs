//! Reading over whatever answers: safe at any time.

use super::route::{Shared, now};
use crate::core::leads_elsewhere;
use adapters_port::{
    Answer, Deadline, Observation, Observer, Protocol, Query, Record, SessionError, Standing, Step, Watch,
};
use knowledge_model::{Path, Tree};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

/// A session for reading that survives the death of a protocol.
pub struct FailoverObserver {
    shared: Arc<Shared>,
    current: Option<Open>,
}

struct Open {
    protocol: Protocol,
    observer: Box<dyn Observer>,
}

/// One question on its way through the protocols: each is asked once at most.
struct Round {
    step: Step,
    by: Deadline,
    left: VecDeque<Protocol>,
    lost: Option<SessionError>,
    begun: Instant,
}

impl FailoverObserver {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, current: None }
    }

    /// Opens a session over the best protocol that answers.
    pub(super) async fn connect(&mut self, by: Deadline) -> Result<(), SessionError> {
        let mut round = self.round(Step::Connect, by);
        self.current = Some(self.next(&mut round).await?);
        Ok(())
    }

    fn round(&self, step: Step, by: Deadline) -> Round {
        let mut left: VecDeque<Protocol> = self.shared.selector().candidates(now()).into();
        // The session at hand is asked first; that its protocol comes again behind it gives a lost session a second one.
        if let Some(open) = &self.current
            && left.front() != Some(&open.protocol)
        {
            left.retain(|it| *it != open.protocol);
        }
        Round {
            step,
            by,
            left,
            lost: None,
            begun: now(),
        }
    }

    /// The session at hand, then a fresh one over each protocol that is worth an attempt.
    async fn next(&mut self, round: &mut Round) -> Result<Open, SessionError> {
        round.begun = now();
        if let Some(open) = self.current.take() {
            return Ok(open);
        }
        while let Some(protocol) = round.left.pop_front() {
            let Some(route) = self.shared.route(protocol) else {
                continue;
            };
            round.begun = now();
            match self.shared.look(&*route, !round.left.is_empty(), round.by).await {
                Ok(observer) => {
                    self.shared.using(protocol, round.lost.as_ref());
                    return Ok(Open { protocol, observer });
                }
                Err(error) if leads_elsewhere(&error) => round.lost = Some(error),
                Err(error) => return Err(error),
            }
        }
        Err(round.lost.take().unwrap_or_else(|| self.shared.nowhere(round.step)))
    }

    /// The answer, unless it is a reason to ask somebody else.
    fn settle<T>(
        &mut self,
        round: &mut Round,
        open: Open,
        answer: Result<T, SessionError>,
    ) -> Option<Result<T, SessionError>> {
        self.shared.measured(open.protocol, round.begun, answer.as_ref().err());
        match answer {
            Err(error) if leads_elsewhere(&error) => {
                round.lost = Some(error);
                None
            }
            answer => {
                self.current = Some(open);
                Some(answer)
            }
        }
    }
}

impl Observer for FailoverObserver {
    fn read<'a>(&'a mut self, paths: &'a [Path], by: Deadline) -> Answer<'a, Tree> {
        Box::pin(async move {
            let mut round = self.round(Step::Read, by);
            loop {
                let mut open = self.next(&mut round).await?;
                let by = self.shared.patience(by, !round.left.is_empty());
                let answer = open.observer.read(paths, by).await;
                if let Some(answer) = self.settle(&mut round, open, answer) {
                    return answer;
                }
            }
        })
    }

    fn native(&mut self, by: Deadline) -> Answer<'_, String> {
        Box::pin(async move {
            let mut round = self.round(Step::Read, by);
            loop {
                let mut open = self.next(&mut round).await?;
                let answer = open.observer.native(by).await;
                if let Some(answer) = self.settle(&mut round, open, answer) {
                    return answer;
                }
            }
        })
    }

    fn query<'a>(&'a mut self, query: &'a Query, by: Deadline) -> Answer<'a, Vec<Observation>> {
        Box::pin(async move {
            let mut round = self.round(Step::Query, by);
            loop {
                let mut open = self.next(&mut round).await?;
                let by = self.shared.patience(by, !round.left.is_empty());
                let answer = open.observer.query(query, by).await;
                if let Some(answer) = self.settle(&mut round, open, answer) {
                    return answer;
                }
            }
        })
    }

    fn watch<'a>(&'a mut self, query: &'a Query, by: Deadline) -> Answer<'a, Box<dyn Watch>> {
        Box::pin(async move {
            let mut round = self.round(Step::Watch, by);
            loop {
                let mut open = self.next(&mut round).await?;
                let by = self.shared.patience(by, !round.left.is_empty());
                let answer = open.observer.watch(query, by).await;
                if let Some(answer) = self.settle(&mut round, open, answer) {
                    return answer;
                }
            }
        })
    }

    fn resume<'a>(&'a mut self, record: &'a Record, by: Deadline) -> Answer<'a, Standing> {
        Box::pin(async move {
            let mut round = self.round(Step::Resume, by);
            loop {
                let mut open = self.next(&mut round).await?;
                let by = self.shared.patience(by, !round.left.is_empty());
                let answer = open.observer.resume(record, by).await;
                if let Some(answer) = self.settle(&mut round, open, answer) {
                    return answer;
                }
            }
        })
    }
}
