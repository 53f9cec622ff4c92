//! A command line that collects a change and takes it whole: what is loaded at stage, taken at apply, kept at confirm.

use crate::session::CliSession;
use adapters_platform::Commit;
use adapters_port::{Deadline, Holder, Keeper, Protocol, Record, SessionError, Step};
use std::time::Duration;

impl CliSession {
    fn commit_style(&self) -> Option<Commit> {
        self.device.terminal.session().commit.clone()
    }

    /// Did this command line take the change for a while, so that the device takes it back by itself?
    pub(crate) fn tried(&self, record: &Record) -> bool {
        let trial = self.commit_style().is_some_and(|it| it.trial.is_some());
        trial && record.protocol == Protocol::Cli && record.guarantee.keeper() == Keeper::Device
    }

    /// Keeps everybody else out, where the platform can: all of its commands or none.
    pub(crate) async fn exclude(&mut self, step: Step, by: Deadline) -> Result<(), SessionError> {
        let Some(commit) = self.commit_style().filter(|it| !it.exclusive.is_empty()) else {
            return Ok(());
        };
        if self.excluding {
            return Ok(());
        }
        self.excluding = true;
        match self.device.send(&commit.exclusive, step, by).await {
            Ok(_) => Ok(()),
            Err(SessionError::Refused { place, words }) => {
                self.let_in(by).await;
                let holder = Holder {
                    session: None,
                    what: "the configuration".to_owned(),
                    dirty: false,
                };
                Err(SessionError::Busy { place, holder, words })
            }
            Err(error) => Err(error),
        }
    }

    /// Lets the others in again. What was not ours to give back is refused, which says nothing.
    pub(crate) async fn let_in(&mut self, by: Deadline) {
        self.held = None;
        if !std::mem::take(&mut self.excluding) {
            return;
        }
        for command in self.commit_style().map(|it| it.release).unwrap_or_default() {
            if self.device.terminal.say(&command, by).await.is_err() {
                return;
            }
        }
    }

    /// How long this command line will wait for a confirm when it is asked for so long.
    pub(crate) fn window(&self, asked: Duration) -> Duration {
        self.commit_style().map_or(asked, |it| it.window(asked))
    }

    /// Puts the staged lines where a commit takes them, and has them checked.
    pub(crate) async fn load(&mut self, by: Deadline) -> Result<(), SessionError> {
        let Some(commit) = self.commit_style() else {
            return Ok(());
        };
        let script = std::mem::take(&mut self.script);
        self.loaded = true;
        let typed = self.device.type_script(&script, Step::Stage, by).await;
        self.script = script;
        typed?;
        let checks: Vec<String> = commit.check.into_iter().collect();
        let checked = self.device.send(&checks, Step::Stage, by).await;
        if checked.is_err() {
            self.unload(by).await?;
        }
        checked.map(drop)
    }

    /// Throws away what was loaded, and leaves the place where configuration is typed.
    pub(crate) async fn unload(&mut self, by: Deadline) -> Result<(), SessionError> {
        if !std::mem::take(&mut self.loaded) {
            return Ok(());
        }
        let Some(commit) = self.commit_style() else {
            return Ok(());
        };
        let leave = self.device.terminal.session().leave.clone();
        let commands: Vec<String> = [commit.discard].into_iter().chain(leave).collect();
        self.device.send(&commands, Step::Stage, by).await.map(drop)
    }

    /// Takes what was loaded as a whole, for a while if the device can.
    pub(crate) async fn take(&mut self, window: Duration, by: Deadline) -> Result<Vec<String>, SessionError> {
        let Some(commit) = self.commit_style() else {
            return Ok(Vec::new());
        };
        let seconds = commit.window(window).as_secs();
        let take = match &commit.trial {
            Some(trial) => trial
                .replace("{seconds}", &seconds.to_string())
                .replace("{minutes}", &seconds.div_ceil(60).to_string()),
            None => commit.confirm.clone(),
        };
        let taken = self.device.send(&[take], Step::Apply, by).await;
        if matches!(&taken, Err(SessionError::Refused { .. })) {
            self.unload(by).await?;
            return taken;
        }
        self.loaded = false;
        let words = taken?;
        let leave = self.device.terminal.session().leave.clone();
        self.device.send(&leave, Step::Apply, by).await?;
        Ok(words)
    }

    /// Keeps what was taken for a while; what was asked comes back.
    pub(crate) async fn keep_trial(&mut self, record: &Record, by: Deadline) -> Result<Vec<String>, SessionError> {
        let Some(commit) = self.commit_style().filter(|_| self.tried(record)) else {
            return Ok(Vec::new());
        };
        let session = self.device.terminal.session();
        let (enter, leave) = (session.enter.clone(), session.leave.clone());
        let asked: Vec<String> = enter.into_iter().chain([commit.confirm]).chain(leave).collect();
        self.device.send(&asked, Step::Confirm, by).await?;
        Ok(asked)
    }

    /// Ends a trial before its time. That none is pending is no news: what counts is what is read afterwards.
    pub(crate) async fn end_trial(&mut self, record: &Record, by: Deadline) -> Result<(), SessionError> {
        let cancel = self.commit_style().and_then(|it| it.cancel);
        let Some(cancel) = cancel.filter(|_| self.tried(record)) else {
            return Ok(());
        };
        let session = self.device.terminal.session();
        let (enter, leave) = (session.enter.clone(), session.leave.clone());
        self.device.send(&enter, Step::Revert, by).await?;
        match self.device.send(&[cancel], Step::Revert, by).await {
            Ok(_) | Err(SessionError::Refused { .. }) => {}
            Err(error) => return Err(error),
        }
        self.device.send(&leave, Step::Revert, by).await.map(drop)
    }
}
