//! One terminal session on one channel: keys in, text out, faults where they are armed.

use std::collections::VecDeque;
use std::sync::Arc;

use russh::ChannelMsg;
use russh::ChannelReadHalf;

use crate::fault::{Fault, Moment};
use crate::log::Protocol;
use crate::personality::Dialect;
use crate::shared::{Connection, Shared};
use crate::wire::{Outbox, Over};

use super::console::{Console, Said};
use super::keys::{Key, Keys};

/// Words behind which a line carries a secret.
const SECRET_AFTER: &[&str] = &["password", "secret", "cipher", "simple", "key", "md5"];

/// Serves a terminal until one side ends it.
pub async fn serve(shared: Arc<Shared>, dialect: Dialect, connection: Connection) {
    let (input, output) = connection.channel.split();
    let id = shared.begin_session(&connection.token);
    let out = Outbox::new(output, &shared, Protocol::Cli, connection.token.clone());
    let console = Console::new(dialect, id, shared.name.clone(), shared.pace);
    let mut session = Session {
        shared: Arc::clone(&shared),
        console,
        out,
        input,
        waiting: VecDeque::new(),
        id,
    };
    let _ = session.run().await;
    session.out.close().await;
    shared.end_session(id);
}

struct Session {
    shared: Arc<Shared>,
    console: Console,
    out: Outbox,
    input: ChannelReadHalf,
    waiting: VecDeque<u8>,
    id: u32,
}

impl Session {
    async fn run(&mut self) -> Result<(), Over> {
        if let Some(bytes) = self.shared.banner(Protocol::Cli) {
            self.out.send(bytes).await?;
        }
        if self.shared.hit(Protocol::Cli, &Fault::NoHello) {
            return self.listen_in_silence().await;
        }
        self.greet().await?;
        let mut keys = Keys::default();
        loop {
            let byte = self.next_byte().await?;
            match keys.press(byte) {
                Key::Echo(bytes) if bytes.is_empty() => {}
                Key::Echo(bytes) => self.out.send(bytes).await?,
                Key::Line(line) => {
                    self.out.send(b"\r\n".to_vec()).await?;
                    self.line(&line).await?;
                }
                Key::GiveUp => {
                    self.out.send(b"^C\r\n".to_vec()).await?;
                    self.prompt().await?;
                }
                Key::End => {
                    self.out.send(b"^Z\r\n".to_vec()).await?;
                    self.line(if self.console.dialect == Dialect::Vrp {
                        "return"
                    } else {
                        "end"
                    })
                    .await?;
                }
                Key::HangUp => return Ok(()),
            }
        }
    }

    async fn greet(&mut self) -> Result<(), Over> {
        match self.console.dialect {
            Dialect::Frr => {
                self.out
                    .send(b"\r\nHello, this is FRRouting (simulated).\r\n\r\n".to_vec())
                    .await?
            }
            Dialect::Vrp => {
                self.out
                    .send(b"\r\nInfo: The max number of VTY users is 21.\r\n".to_vec())
                    .await?
            }
            Dialect::Ios => {}
        }
        self.prompt().await
    }

    async fn listen_in_silence(&mut self) -> Result<(), Over> {
        loop {
            self.next_byte().await?;
        }
    }

    async fn next_byte(&mut self) -> Result<u8, Over> {
        loop {
            if let Some(byte) = self.waiting.pop_front() {
                return Ok(byte);
            }
            match self.input.wait().await {
                Some(ChannelMsg::Data { data }) => self.waiting.extend(data.iter()),
                Some(ChannelMsg::Eof | ChannelMsg::Close) => return Err(Over),
                Some(_) => {}
                None => return Err(Over),
            }
        }
    }

    async fn line(&mut self, line: &str) -> Result<(), Over> {
        let started = self.shared.now();
        let first = line.split_whitespace().next().unwrap_or_default().to_owned();
        let answered = self.execute(line, &first).await;
        let outcome = match &answered {
            Ok(Some(said)) if said.text.contains('%') || said.text.contains("Error:") => "refused",
            Ok(Some(_)) => "ok",
            Ok(None) => "unanswered",
            Err(Over) => "dropped",
        };
        if !line.trim().is_empty() {
            self.shared
                .record((Protocol::Cli, self.id), &without_secrets(line), outcome, started);
        }
        let Some(said) = answered? else { return Ok(()) };
        if let Some(timer) = said.timer {
            self.shared.arm(timer);
        }
        self.show(&said.text).await?;
        if said.close {
            return Err(Over);
        }
        if !first.is_empty() && self.shared.hit(Protocol::Cli, &Fault::NoPrompt) {
            return Ok(());
        }
        self.prompt().await
    }

    async fn execute(&mut self, line: &str, first: &str) -> Result<Option<Said>, Over> {
        let shared = Arc::clone(&self.shared);
        if first.is_empty() {
            return Ok(Some(self.console.line(&mut shared.stores(), line)));
        }
        shared.released(Protocol::Cli, first).await;
        if let Some(pause) = shared.delay(Protocol::Cli, first) {
            tokio::time::sleep(pause).await;
        }
        if shared.hit(Protocol::Cli, &Fault::NoAnswer) {
            return Ok(None);
        }
        if shared.drops(Protocol::Cli, first, Moment::Before) {
            return Err(self.out.cut().await);
        }
        if let Some(text) = shared.rejects(Protocol::Cli, first) {
            let mark = if self.console.dialect == Dialect::Vrp {
                "Error:"
            } else {
                "%"
            };
            return Ok(Some(Said::text(format!("{mark} {text}\n"))));
        }
        if first == "commit" && shared.hit(Protocol::Cli, &Fault::LoseCommit) {
            shared.stores().discard();
            return Ok(Some(Said::default()));
        }
        let said = match self.console.dialect {
            Dialect::Frr => super::senses::say(&shared.stores(), &shared.armed(), line).map(Said::text),
            Dialect::Vrp | Dialect::Ios => None,
        };
        let said = said.unwrap_or_else(|| self.console.line(&mut shared.stores(), line));
        if shared.drops(Protocol::Cli, first, Moment::After) {
            return Err(self.out.cut().await);
        }
        if shared.hit(Protocol::Cli, &Fault::Garbage) {
            self.out
                .send([0xff, 0xfe, 0x1b, b'[', b'2', b'J', 0x80].repeat(8))
                .await?;
        }
        Ok(Some(said))
    }

    async fn prompt(&mut self) -> Result<(), Over> {
        let prompt = self.console.prompt(&self.shared.stores());
        match prompt.is_empty() {
            true => Ok(()),
            false => self.out.send(prompt.into_bytes()).await,
        }
    }

    /// Sends text, by pages where the terminal has a pager.
    async fn show(&mut self, text: &str) -> Result<(), Over> {
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let page = self.console.page;
        if page == 0 || lines.len() < page {
            return self.out.send(text.replace('\n', "\r\n").into_bytes()).await;
        }
        let mut shown = 0;
        let mut step = page - 1;
        while shown < lines.len() {
            let until = (shown + step).min(lines.len());
            self.out
                .send(lines[shown..until].concat().replace('\n', "\r\n").into_bytes())
                .await?;
            shown = until;
            if shown < lines.len() {
                let Some(next) = self.more(page).await? else {
                    return Ok(());
                };
                step = next;
            }
        }
        Ok(())
    }

    /// Asks for more: how many lines, or `None` when the operator has seen enough.
    async fn more(&mut self, page: usize) -> Result<Option<usize>, Over> {
        let mark = match self.console.dialect {
            Dialect::Vrp => "  ---- More ----",
            Dialect::Frr | Dialect::Ios => " --More-- ",
        };
        self.out.send(mark.as_bytes().to_vec()).await?;
        let key = self.next_byte().await?;
        let back = "\x08".repeat(mark.len());
        let erase = format!("{back}{}{back}", " ".repeat(mark.len()));
        self.out.send(erase.into_bytes()).await?;
        Ok(match key {
            b' ' => Some(page - 1),
            b'\r' | b'\n' => Some(1),
            _ => None,
        })
    }
}

fn without_secrets(line: &str) -> String {
    let mut kept = Vec::new();
    for word in line.split_whitespace() {
        kept.push(word);
        if SECRET_AFTER.contains(&word) {
            kept.push("***");
            break;
        }
    }
    kept.join(" ")
}

#[cfg(test)]
mod tests {
    use super::without_secrets;

    #[test]
    fn the_log_holds_no_secret() {
        assert_eq!(
            without_secrets("neighbor 192.0.2.1 password hunter2"),
            "neighbor 192.0.2.1 password ***"
        );
        assert_eq!(without_secrets(" description  x"), "description x");
    }
}
