//! What is logged, changeable while the program runs.

use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};

use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Registry, fmt, reload};

/// A text is no filter.
#[derive(Debug, thiserror::Error)]
#[error("{filter:?} is no `level` or `module=level,…` ({reason}), such as `info,entente::agents=debug`")]
pub struct NoFilter {
    filter: String,
    reason: String,
}

/// What is logged now.
#[derive(Debug)]
pub struct Logging {
    now: Mutex<String>,
    handle: reload::Handle<EnvFilter, Registry>,
}

impl Logging {
    /// Begins to log to the standard error stream.
    ///
    /// # Errors
    /// Where the text is no filter.
    pub fn start(filter: &str) -> Result<Self, NoFilter> {
        let (layer, handle) = reload::Layer::new(read(filter)?);
        let out = fmt::layer()
            .with_ansi(std::io::stderr().is_terminal())
            .with_writer(std::io::stderr);
        // Where something logs already, as in tests, that stays.
        let log = tracing_subscriber::registry().with(layer).with(out);
        // A build for torture tells every point as well.
        #[cfg(torture)]
        let log = log.with(crate::halt::layer());
        let _ = log.try_init();
        Ok(Self {
            now: Mutex::new(filter.to_owned()),
            handle,
        })
    }

    /// What is logged.
    pub fn now(&self) -> String {
        self.now.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From now on logs this, until the program ends or is told again.
    ///
    /// # Errors
    /// Where the text is no filter.
    pub fn change(&self, filter: &str) -> Result<(), NoFilter> {
        let read = read(filter)?;
        self.handle.reload(read).map_err(|error| NoFilter {
            filter: filter.to_owned(),
            reason: error.to_string(),
        })?;
        filter.clone_into(&mut self.now.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(())
    }
}

fn read(filter: &str) -> Result<EnvFilter, NoFilter> {
    let wrong = |reason: String| NoFilter {
        filter: filter.to_owned(),
        reason,
    };
    let good = |it: &str| !it.trim().is_empty() && it.len() <= 1000;
    if !good(filter) {
        return Err(wrong("it is empty or too long".to_owned()));
    }
    EnvFilter::try_new(filter).map_err(|error| wrong(error.to_string()))
}
