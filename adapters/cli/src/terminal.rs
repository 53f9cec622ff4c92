//! A conversation with a command line: a line goes out, and what comes back up to the next prompt is its answer.

use crate::screen;
use adapters_platform::{Answer as Reply, Secret, Session};
use adapters_port::Deadline;
use adapters_ssh::Stream;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};

/// The most that one answer may hold.
const OUTPUT: usize = 32 * 1024 * 1024;
/// The most that stands before the first prompt.
const BANNER: usize = 4 * 1024 * 1024;
/// How many questions one command may ask.
const QUESTIONS: usize = 10_000;
/// What stops a command that goes on.
const INTERRUPT: &[u8] = &[0x03];
/// The end of the output in which a prompt or a question is looked for.
const TAIL: usize = 1024;

/// Why a command has no answer.
#[derive(Debug, thiserror::Error)]
pub enum TerminalError {
    /// The prompt did not come in time.
    #[error("no prompt in time after {after}")]
    Deadline {
        /// What had been sent, without secrets.
        after: String,
    },
    /// The device ended the session.
    #[error("the device ended the session after {after}")]
    Closed {
        /// What had been sent, without secrets.
        after: String,
    },
    /// The stream broke.
    #[error("the session broke after {after}")]
    Broken {
        /// What had been sent, without secrets.
        after: String,
        /// Why.
        source: std::io::Error,
    },
    /// More came than any answer has.
    #[error("more than {limit} bytes came after {after}")]
    Limit {
        /// What had been sent, without secrets.
        after: String,
        /// How much is taken.
        limit: usize,
    },
    /// The device asked more questions than any command does, or one that nobody can answer.
    #[error("a question that cannot be answered came after {after}")]
    Question {
        /// What had been sent, without secrets.
        after: String,
    },
    /// The first mode of the platform cannot be reached.
    #[error("the login ended in the mode {mode}, and nothing leads on")]
    Mode {
        /// Where it ended.
        mode: String,
    },
}

/// An open command line.
pub struct Terminal {
    stream: Box<dyn Stream>,
    session: Session,
    enable: Option<Secret>,
    seen: Vec<u8>,
    /// What came before the first prompt.
    banner: String,
}

/// What a line brought about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What the device said, without the echo and the prompt.
    pub text: String,
    /// The mode that it is in now.
    pub mode: String,
}

impl Terminal {
    /// Waits for the first prompt, rises to the platform's first mode, and sends what prepares a session.
    ///
    /// # Errors
    /// Where no prompt comes, or not the one that is needed.
    pub async fn open(
        stream: Box<dyn Stream>,
        session: Session,
        enable: Option<Secret>,
        by: Deadline,
    ) -> Result<Self, TerminalError> {
        let mut terminal = Self {
            stream,
            session,
            enable,
            seen: Vec::new(),
            banner: String::new(),
        };
        let (banner, mut mode) = terminal.read("the login", BANNER, by).await?;
        terminal.banner = banner;
        let first = terminal
            .session
            .modes
            .first()
            .map(|it| it.name.clone())
            .unwrap_or_default();
        let mut heard = terminal.session.silent;
        if mode != first {
            let found = terminal.session.modes.iter().find(|it| it.name == mode);
            let Some(rise) = found.and_then(|it| it.rise.clone()) else {
                return Err(TerminalError::Mode { mode });
            };
            mode = terminal.say_first(&rise, &mut heard, by).await?;
        }
        if mode != first {
            return Err(TerminalError::Mode { mode });
        }
        for line in terminal.session.prepare.clone() {
            terminal.say_first(&line, &mut heard, by).await?;
        }
        Ok(terminal)
    }

    /// Sends a line of the login. What looked like a prompt may have been a line of the banner: only what comes behind the
    /// echo of the first line that is typed is an answer, and from then on every answer belongs to its line.
    async fn say_first(&mut self, line: &str, heard: &mut bool, by: Deadline) -> Result<String, TerminalError> {
        const PROMPTS: usize = 32;
        self.write(format!("{line}\n").as_bytes(), line, by).await?;
        for _ in 0..PROMPTS {
            let (text, mode) = self.read(line, BANNER, by).await?;
            *heard |= text.lines().any(|it| it.trim_end().ends_with(line.trim_end()));
            if *heard {
                return Ok(mode);
            }
        }
        let after = format!("{line:?}");
        Err(TerminalError::Question { after })
    }

    /// What the device said before its first prompt.
    pub fn banner(&self) -> &str {
        &self.banner
    }

    /// Sends a line that holds no secret.
    ///
    /// # Errors
    /// Where no answer comes.
    pub async fn say(&mut self, line: &str, by: Deadline) -> Result<Answer, TerminalError> {
        self.exchange((&Secret::new(line), line), "cli: line sent", by).await
    }

    /// Sends a line of a change. It may hold a secret, and is known in errors as `shown`.
    ///
    /// # Errors
    /// Where no answer comes.
    pub async fn type_in(&mut self, line: &Secret, shown: &str, by: Deadline) -> Result<Answer, TerminalError> {
        self.exchange((line, shown), "cli: line of a change sent", by).await
    }

    async fn exchange(
        &mut self,
        (line, shown): (&Secret, &str),
        at: &'static str,
        by: Deadline,
    ) -> Result<Answer, TerminalError> {
        let typed = format!("{}\n", line.expose());
        self.write(typed.as_bytes(), shown, by).await?;
        tracing::trace!(target: "point", at);
        let (text, mode) = self.read(shown, OUTPUT, by).await?;
        Ok(Answer {
            text: without_echo(&text, line.expose()),
            mode,
        })
    }

    /// Sends a line that holds no secret, and interrupts it after `lasts`: some commands go on until they are told to stop.
    ///
    /// # Errors
    /// Where no answer comes.
    pub async fn say_for(&mut self, line: &str, lasts: Duration, by: Deadline) -> Result<Answer, TerminalError> {
        self.write(format!("{line}\n").as_bytes(), line, by).await?;
        self.seen.clear();
        let pause = Deadline::after(Instant::now().into_std(), lasts);
        let read = match self.read_on(line, OUTPUT, pause.earlier(by)).await {
            Err(TerminalError::Deadline { .. }) if pause < by => {
                self.write(INTERRUPT, line, by).await?;
                self.read_on(line, OUTPUT, by).await
            }
            read => read,
        };
        let (text, mode) = read?;
        Ok(Answer {
            text: without_echo(&text, line),
            mode,
        })
    }

    async fn write(&mut self, bytes: &[u8], shown: &str, by: Deadline) -> Result<(), TerminalError> {
        let end = Instant::from_std(by.instant());
        let after = || format!("{shown:?}");
        let sent = timeout_at(end, async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        });
        let sent = sent.await.map_err(|_| TerminalError::Deadline { after: after() })?;
        sent.map_err(|source| TerminalError::Broken { after: after(), source })
    }

    /// Reads up to the next prompt, answering what is asked on the way.
    async fn read(&mut self, shown: &str, limit: usize, by: Deadline) -> Result<(String, String), TerminalError> {
        self.seen.clear();
        self.read_on(shown, limit, by).await
    }

    /// The same, with what came before kept.
    async fn read_on(&mut self, shown: &str, limit: usize, by: Deadline) -> Result<(String, String), TerminalError> {
        let end = Instant::from_std(by.instant());
        let after = || format!("{shown:?}");
        let mut asked = 0;
        let mut from = 0;
        loop {
            let mut chunk = [0; 16 * 1024];
            let read = timeout_at(end, self.stream.read(&mut chunk)).await;
            let read = read.map_err(|_| TerminalError::Deadline { after: after() })?;
            let count = read.map_err(|source| TerminalError::Broken { after: after(), source })?;
            if count == 0 {
                return Err(TerminalError::Closed { after: after() });
            }
            self.seen.extend_from_slice(&chunk[..count]);
            if self.seen.len() > limit {
                return Err(TerminalError::Limit { after: after(), limit });
            }
            let tail = &self.seen[from.max(self.seen.len().saturating_sub(TAIL))..];
            let tail = screen::clean(tail);
            let last = tail.rsplit('\n').next().unwrap_or_default();
            if let Some(reply) = self.question(last) {
                asked += 1;
                from = self.seen.len();
                if asked > QUESTIONS {
                    return Err(TerminalError::Question { after: after() });
                }
                self.reply(reply, shown, by).await?;
            } else if let Some(mode) = self.session.mode_of(last) {
                let mode = mode.name.clone();
                let text = screen::clean(&self.seen);
                let end = text.rfind('\n').map_or(0, |at| at + 1);
                return Ok((text[..end].to_owned(), mode));
            }
        }
    }

    fn question(&self, last: &str) -> Option<Reply> {
        let question = self.session.questions.iter().find(|it| it.pattern.is_match(last))?;
        Some(question.answer.clone())
    }

    async fn reply(&mut self, reply: Reply, shown: &str, by: Deadline) -> Result<(), TerminalError> {
        let text = match reply {
            Reply::Line(line) => Secret::new(format!("{line}\n")),
            Reply::Keys(keys) => Secret::new(keys),
            Reply::Password => match &self.enable {
                Some(password) => Secret::new(format!("{}\n", password.expose())),
                None => {
                    let after = format!("{shown:?}");
                    return Err(TerminalError::Question { after });
                }
            },
        };
        self.write(text.expose().as_bytes(), shown, by).await
    }

    /// The platform's way to drive this command line.
    pub fn session(&self) -> &Session {
        &self.session
    }
}

/// The answer without the line that was typed, which the terminal shows first, possibly after leftovers of a prompt.
fn without_echo(text: &str, typed: &str) -> String {
    let typed = typed.trim_end();
    if typed.is_empty() {
        return text.strip_prefix('\n').unwrap_or(text).to_owned();
    }
    match text.split_once('\n') {
        Some((first, rest)) if first.trim_end().ends_with(typed) => rest.to_owned(),
        Some(_) | None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::DuplexStream;

    /// Reads one line that was typed.
    async fn typed(device: &mut DuplexStream) -> String {
        let mut line = Vec::new();
        while line.last() != Some(&b'\n') {
            line.push(device.read_u8().await.unwrap());
        }
        String::from_utf8(line).unwrap().trim_end().to_owned()
    }

    async fn shows(device: &mut DuplexStream, text: &str) {
        device.write_all(text.as_bytes()).await.unwrap();
        // The clock of this test moves on when everybody waits: what was shown has been read by then.
        tokio::time::sleep(Duration::from_millis(10)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_banner_that_looks_like_a_prompt_does_not_shift_the_answers() {
        let (near, mut device) = tokio::io::duplex(1 << 16);
        let device = tokio::spawn(async move {
            shows(&mut device, "Property of the lab\r\nr9# ").await;
            assert_eq!(typed(&mut device).await, "terminal length 0");
            shows(&mut device, "\r\nr8# ").await;
            shows(&mut device, "and keep out\r\nr1# ").await;
            shows(&mut device, "terminal length 0\r\nr1# ").await;
            assert_eq!(typed(&mut device).await, "show clock");
            shows(&mut device, "show clock\r\n12:00\r\nr1# ").await;
        });
        let session = adapters_platform::builtin::named("frr").unwrap().session().unwrap();
        let by = Deadline::after(Instant::now().into_std(), Duration::from_secs(5));
        let terminal = Terminal::open(Box::new(near), session.clone(), None, by).await;
        let answer = terminal
            .unwrap_or_else(|error| panic!("{error}"))
            .say("show clock", by)
            .await;
        assert_eq!(answer.unwrap().text, "12:00\n");
        device.await.unwrap();
    }
}
