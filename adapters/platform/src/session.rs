//! How a platform's command line is driven: what its prompts look like, how it says no, how a change is kept.

use regex::Regex;
use std::time::Duration;

/// The session section of a platform file.
#[derive(Debug, Clone)]
pub struct Session {
    /// What the last line of the screen looks like, mode by mode. The first mode is the one that commands are read in.
    pub modes: Vec<Mode>,
    /// Commands that come first: pager off, a wide terminal.
    pub prepare: Vec<String>,
    /// Commands that lead to where configuration is typed.
    pub enter: Vec<String>,
    /// Commands that lead back from wherever a change ended.
    pub leave: Vec<String>,
    /// Commands whose output is the configuration.
    pub show: Vec<String>,
    /// Commands that make what runs survive a restart; none if the device does so itself.
    pub save: Vec<String>,
    /// Lines that say no.
    pub failures: Vec<Regex>,
    /// Questions that the device asks, and what is answered.
    pub questions: Vec<Question>,
    /// Lines of output that are none of the answer.
    pub noise: Vec<Regex>,
    /// The way of a device that collects a change and takes it as a whole.
    pub commit: Option<Commit>,
    /// The file that holds the configuration for the next start, where our agent writes it itself.
    pub boot_file: Option<String>,
    /// A first prompt that has not come within this time never comes: the session is opened anew, once.
    pub patience: Option<Duration>,
    /// It does not show what is typed, so that an answer cannot be told from what came before it.
    pub silent: bool,
}

/// A mode of the command line.
#[derive(Debug, Clone)]
pub struct Mode {
    /// Its name in this file.
    pub name: String,
    /// The whole last line of the screen.
    pub prompt: Regex,
    /// What leads from here to the first mode: typed at login, after a password question if there is one.
    pub rise: Option<String>,
}

/// A question of the device.
#[derive(Debug, Clone)]
pub struct Question {
    /// The end of the screen.
    pub pattern: Regex,
    /// What is typed.
    pub answer: Answer,
}

/// What is typed when a device asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// This text and a line end.
    Line(String),
    /// This text as it is.
    Keys(String),
    /// The password for more rights.
    Password,
}

/// Commands of a device that collects a change and takes it as a whole.
#[derive(Debug, Clone, Default)]
pub struct Commit {
    /// Keeps everybody else out while a change is staged: taken before anything is read, over whichever protocol the
    /// others come.
    pub exclusive: Vec<String>,
    /// Lets the others in again.
    pub release: Vec<String>,
    /// Checks what was collected.
    pub check: Option<String>,
    /// Takes it for a while: `{seconds}` or `{minutes}` is how long.
    pub trial: Option<String>,
    /// Takes it for good, or keeps what was taken for a while.
    pub confirm: String,
    /// Ends a trial before its time: the old configuration comes back.
    pub cancel: Option<String>,
    /// Throws away what was collected.
    pub discard: String,
}

impl Commit {
    /// How long a trial lasts that is asked for so long: never less than a minute, and whole minutes where the platform
    /// counts in them. As it was asked for where there is no trial.
    pub fn window(&self, asked: Duration) -> Duration {
        const MINUTE: u64 = 60;
        let Some(trial) = &self.trial else {
            return asked;
        };
        let seconds = asked.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX / MINUTE);
        let seconds = u64::max(seconds, MINUTE);
        Duration::from_secs(if trial.contains("{minutes}") {
            seconds.div_ceil(MINUTE) * MINUTE
        } else {
            seconds
        })
    }
}

impl Session {
    /// The mode whose prompt is this line.
    pub fn mode_of(&self, line: &str) -> Option<&Mode> {
        self.modes.iter().find(|mode| mode.prompt.is_match(line))
    }

    /// The first line of an answer that says no.
    pub fn failure<'a>(&self, answer: &'a str) -> Option<&'a str> {
        answer
            .lines()
            .find(|line| self.failures.iter().any(|it| it.is_match(line)))
    }

    /// The answer without the lines that are none of it.
    pub fn without_noise(&self, answer: &str) -> String {
        let kept = answer
            .lines()
            .filter(|line| !self.noise.iter().any(|it| it.is_match(line)));
        kept.fold(String::with_capacity(answer.len()), |mut text, line| {
            text.push_str(line);
            text.push('\n');
            text
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trial_lasts_as_long_as_the_device_counts() {
        let check = |trial: Option<&str>, asked: Duration, lasts: u64| {
            let commit = Commit {
                trial: trial.map(str::to_owned),
                ..Commit::default()
            };
            assert_eq!(commit.window(asked), Duration::from_secs(lasts), "{trial:?} {asked:?}");
        };
        let seconds = Duration::from_secs;
        check(Some("commit trial {seconds}"), seconds(10), 60);
        check(Some("commit trial {seconds}"), seconds(90), 90);
        check(Some("commit trial {seconds}"), Duration::from_millis(90_001), 91);
        check(Some("commit confirmed {minutes}"), seconds(61), 120);
        check(Some("commit confirmed {minutes}"), seconds(120), 120);
        check(None, seconds(10), 10);
    }
}
