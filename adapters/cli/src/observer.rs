//! Reading over a command line.

use crate::device::{Device, Side};
use crate::target::{Target, lost};
use crate::terminal::Terminal;
use crate::vault::Vault;
use adapters_platform::{Measure, Reading, Seen};
use adapters_port::{
    self as port, Answer, Applied, Deadline, DeviceWords, Observation, Observer, Protocol, Query, Receipt, Record,
    SessionError, Standing, Step, Watch, masked_lines,
};
use knowledge_model::{Path, Tree};
use std::sync::Arc;

/// A session for reading.
pub struct CliObserver {
    device: Device,
}

impl CliObserver {
    pub(crate) fn new(target: Arc<Target>, terminal: Terminal) -> Self {
        Self {
            device: Device {
                target,
                terminal,
                vault: Vault::default(),
                last: Reading::default(),
            },
        }
    }

    async fn standing(&mut self, record: &Record, by: Deadline) -> Result<Standing, SessionError> {
        let secrets = Arc::clone(&self.device.target.secrets);
        let learned = self.device.vault.learn(&record.delta, secrets.as_ref(), by).await;
        learned.map_err(|error| self.device.unsupported(Step::Resume, error.to_string()))?;
        let current = self.device.read(Step::Resume, by).await?;
        if self.device.is(&current, &record.delta, Side::Before) {
            return Ok(Standing::Untouched);
        }
        if self.device.is(&current, &record.delta, Side::After) {
            let receipt = Receipt::new(Step::Resume, Protocol::Cli);
            return Ok(Standing::Applied(Applied::found(record.clone(), receipt)));
        }
        let foreign = self.device.foreign(&current, &record.delta);
        Ok(Standing::Unknown {
            reason: match foreign.is_empty() {
                true => "some lines of the change are there and some are not".to_owned(),
                false => "somebody else wrote on the touched paths".to_owned(),
            },
            foreign,
        })
    }

    /// Asks as the platform says, and reads the answers as the platform says.
    async fn state(&mut self, query: &Query, by: Deadline) -> Result<Vec<Observation>, SessionError> {
        let platform = Arc::clone(&self.device.target.platform);
        let place = || self.device.target.place(Step::Query);
        let mut seen = Vec::new();
        for name in &query.names {
            let asks: Vec<_> = platform.state().asks(name, &query.labels).collect();
            if asks.is_empty() {
                let what = format!("{} cannot be asked for {name}", platform.name());
                return Err(self.device.unsupported(Step::Query, what));
            }
            for ask in asks {
                let terminal = &mut self.device.terminal;
                let answer = match ask.lasts {
                    Some(lasts) => terminal.say_for(&ask.line, lasts, by).await,
                    None => terminal.say(&ask.line, by).await,
                };
                let answer = answer.map_err(|it| lost(place(), it))?;
                let read = ask.read(&answer.text).map_err(|words| SessionError::Refused {
                    place: place(),
                    words: Box::new(DeviceWords {
                        message: words,
                        path: Some(ask.line.clone()),
                        ..DeviceWords::default()
                    }),
                })?;
                seen.extend(read.into_iter().map(observation));
            }
        }
        Ok(seen)
    }
}

fn observation(seen: Seen) -> Observation {
    Observation {
        name: seen.name,
        labels: seen.labels,
        reading: match seen.value {
            Measure::Number(number) => port::Reading::Number(number),
            Measure::Word(word) => port::Reading::Word(word),
        },
    }
}

impl Observer for CliObserver {
    fn read<'a>(&'a mut self, paths: &'a [Path], by: Deadline) -> Answer<'a, Tree> {
        Box::pin(async move {
            let whole = self.device.read(Step::Read, by).await?;
            let wanted = |path: &Path| paths.iter().any(|it| path.starts_with(it));
            Ok(whole.into_iter().filter(|(path, _)| wanted(path)).collect())
        })
    }

    fn native(&mut self, by: Deadline) -> Answer<'_, String> {
        Box::pin(async move {
            let shown = self.device.shown(Step::Read, by).await?;
            // What the platform knows to be a secret is hidden wherever it stands.
            self.device.learn(&shown);
            let masked = masked_lines(&shown);
            Ok(masked
                .lines()
                .map(|line| self.device.vault.redact(line) + "\n")
                .collect())
        })
    }

    fn query<'a>(&'a mut self, query: &'a Query, by: Deadline) -> Answer<'a, Vec<Observation>> {
        Box::pin(self.state(query, by))
    }

    fn watch<'a>(&'a mut self, _query: &'a Query, _by: Deadline) -> Answer<'a, Box<dyn Watch>> {
        let what = "a command line reports nothing by itself".to_owned();
        Box::pin(std::future::ready(Err(self.device.unsupported(Step::Watch, what))))
    }

    fn resume<'a>(&'a mut self, record: &'a Record, by: Deadline) -> Answer<'a, Standing> {
        Box::pin(self.standing(record, by))
    }
}
