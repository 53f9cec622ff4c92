//! One NETCONF session on one channel: hello, then answers in order, faults where they are armed.

use std::fmt::Write as _;
use std::sync::Arc;

use russh::ChannelMsg;

use super::NS;
use super::error::RpcError;
use super::framing::{Framing, Inbox, frame};
use super::hello;
use super::rpc::{Body, Call, Effect};
use super::state::Facts;
use super::strange::strange;
use crate::fault::{Fault, Moment, Quirk};
use crate::log::Protocol;
use crate::personality::Traits;
use crate::shared::{Connection, Shared};
use crate::wire::{Outbox, Over};
use crate::xml::{self, Element};

/// How many bytes an oversized reply of base 1.0 has.
const OVERSIZE: usize = 32 << 20;

/// Serves a channel until one side ends it.
pub async fn serve(shared: Arc<Shared>, traits: Traits, connection: Connection) {
    let (mut input, output) = connection.channel.split();
    let id = shared.begin_session(&connection.token);
    let out = Outbox::new(output, &shared, Protocol::Netconf, connection.token.clone());
    let mut session = Session {
        shared: Arc::clone(&shared),
        traits,
        id,
        out,
        framing: Framing::Marked,
    };
    if session.greet().await.is_ok() {
        let mut inbox = Inbox::default();
        let mut greeted = false;
        let mut keeps = shared.stores().has(Quirk::KeepFirstRpc);
        while let Some(message) = input.wait().await {
            if let ChannelMsg::Data { data } = &message {
                inbox.push(data);
                if greeted && std::mem::take(&mut keeps) {
                    continue;
                }
                if session.drain(&mut inbox, &mut greeted).await.is_err() {
                    break;
                }
            } else if matches!(message, ChannelMsg::Eof | ChannelMsg::Close) {
                break;
            }
        }
    }
    session.out.close().await;
    shared.end_session(id);
}

struct Session {
    shared: Arc<Shared>,
    traits: Traits,
    id: u32,
    out: Outbox,
    framing: Framing,
}

impl Session {
    async fn greet(&mut self) -> Result<(), Over> {
        if let Some(bytes) = self.shared.banner(Protocol::Netconf) {
            self.out.send(bytes).await?;
        }
        if self.shared.hit(Protocol::Netconf, &Fault::NoHello) {
            return Ok(());
        }
        self.out
            .send(frame(Framing::Marked, &hello::hello(&self.named(), self.id)))
            .await
    }

    /// What hello names.
    fn named(&self) -> Vec<String> {
        match self.shared.stores().has(Quirk::NoModules) {
            true => self.traits.capabilities(),
            false => hello::capabilities(&self.traits),
        }
    }

    async fn drain(&mut self, inbox: &mut Inbox, greeted: &mut bool) -> Result<(), Over> {
        loop {
            let message = match inbox.take() {
                Ok(Some(message)) => message,
                Ok(None) => return Ok(()),
                Err(error) => {
                    self.shared
                        .note(Protocol::Netconf, self.id, "frame", &error.to_string());
                    return Err(Over);
                }
            };
            if *greeted {
                self.rpc(&message).await?;
            } else {
                let agreed = xml::parse(message.trim())
                    .ok()
                    .and_then(|it| hello::agree(&self.traits, &it));
                self.framing = agreed.ok_or(Over)?;
                inbox.framing = self.framing;
                *greeted = true;
                if self.shared.stores().has(Quirk::LoseFirstRpc) && matches!(inbox.take(), Ok(Some(_))) {
                    self.shared.note(Protocol::Netconf, self.id, "first-rpc", "unanswered");
                }
            }
        }
    }

    async fn rpc(&mut self, message: &str) -> Result<(), Over> {
        let started = self.shared.now();
        let rpc = match xml::parse(message.trim()) {
            Ok(rpc) if rpc.name == "rpc" && &*rpc.ns == NS => rpc,
            Ok(_) | Err(_) => {
                self.shared
                    .note(Protocol::Netconf, self.id, "malformed", "malformed-message");
                let error = RpcError {
                    layer: "rpc",
                    ..RpcError::protocol("malformed-message", "this is no rpc")
                };
                return self
                    .reply(
                        &Element {
                            attributes: Vec::new(),
                            ..empty()
                        },
                        Err(error),
                    )
                    .await;
            }
        };
        let Some(operation) = rpc.children.first() else {
            let error = RpcError {
                layer: "rpc",
                ..RpcError::protocol("missing-element", "the rpc is empty")
            };
            return self.reply(&rpc, Err(error)).await;
        };
        let name = operation.name.clone();
        let (answer, close) = match self.execute(&rpc, operation).await {
            Ok(answered) => answered,
            Err(over) => {
                self.shared
                    .record((Protocol::Netconf, self.id), &name, "dropped", started);
                return Err(over);
            }
        };
        let outcome = match &answer {
            Some(Ok(_)) => "ok",
            Some(Err(error)) => &error.tag,
            None => "unanswered",
        };
        self.shared
            .record((Protocol::Netconf, self.id), &name, outcome, started);
        if let Some(answer) = answer {
            self.reply(&rpc, answer).await?;
        }
        if close { Err(Over) } else { Ok(()) }
    }

    /// The answer (none when a fault swallows it), and whether the session ends with it.
    async fn execute(
        &mut self,
        rpc: &Element,
        operation: &Element,
    ) -> Result<(Option<Result<Body, RpcError>>, bool), Over> {
        let name = operation.name.as_str();
        let shared = Arc::clone(&self.shared);
        shared.released(Protocol::Netconf, name).await;
        if let Some(pause) = shared.delay(Protocol::Netconf, name) {
            tokio::time::sleep(pause).await;
        }
        if shared.hit(Protocol::Netconf, &Fault::NoAnswer) {
            return Ok((None, false));
        }
        if shared.drops(Protocol::Netconf, name, Moment::Before) {
            return Err(self.out.cut().await);
        }
        if rpc.attribute("", "message-id").is_none() {
            let error = RpcError {
                layer: "rpc",
                ..RpcError::protocol("missing-attribute", "message-id is missing")
            };
            return Ok((Some(Err(error)), false));
        }
        if let Some(tag) = shared.rejects(Protocol::Netconf, name) {
            return Ok((Some(Err(RpcError::protocol(&tag, "refused on command"))), false));
        }
        let (answer, close) = self.carry_out(operation);
        if shared.drops(Protocol::Netconf, name, Moment::After) {
            return Err(self.out.cut().await);
        }
        Ok((Some(answer), close))
    }

    fn carry_out(&self, operation: &Element) -> (Result<Body, RpcError>, bool) {
        let lose_commit = operation.name == "commit" && self.shared.hit(Protocol::Netconf, &Fault::LoseCommit);
        let hidden = self.shared.hidden();
        let facts = Facts {
            uptime: self.shared.uptime(),
            octets_per_second: self.shared.octets_per_second(),
            down: self.shared.links_down(),
        };
        let call = Call {
            session: self.id,
            operation,
            traits: &self.traits,
            facts,
            hidden: &hidden,
            lose_commit,
        };
        let answered = call.answer(&mut self.shared.stores());
        match answered {
            Ok((body, None)) => (Ok(body), false),
            Ok((body, Some(Effect::Arm(timer)))) => {
                self.shared.arm(timer);
                (Ok(body), false)
            }
            Ok((body, Some(Effect::Kill(id)))) => match self.shared.kill(id) {
                true => (Ok(body), false),
                false => (
                    Err(RpcError::protocol("invalid-value", "no session has this number")),
                    false,
                ),
            },
            Ok((body, Some(Effect::Close))) => (Ok(body), true),
            Err(error) => (Err(error), false),
        }
    }

    async fn reply(&mut self, rpc: &Element, answer: Result<Body, RpcError>) -> Result<(), Over> {
        let mut out = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><rpc-reply xmlns=\"{NS}\"");
        for attribute in rpc.attributes.iter().filter(|it| it.ns.is_empty()) {
            let _ = write!(out, " {}=\"", attribute.name);
            xml::escape(&mut out, &attribute.value);
            out.push('"');
        }
        out.push('>');
        match answer {
            Ok(Body::Ok) => out.push_str("<ok/>"),
            Ok(Body::Data(data)) => out.push_str(&data),
            Err(error) => error.write(&mut out),
        }
        out.push_str("</rpc-reply>");
        if self.shared.hit(Protocol::Netconf, &Fault::StrangeXml) {
            out = strange(&out);
        }
        self.send(&out).await
    }

    async fn send(&mut self, message: &str) -> Result<(), Over> {
        if self.shared.hit(Protocol::Netconf, &Fault::TruncatedFrame) {
            let mut bytes = frame(self.framing, message);
            bytes.truncate(bytes.len() / 2);
            let _ = self.out.send(bytes).await;
            return Err(self.out.cut().await);
        }
        if self.shared.hit(Protocol::Netconf, &Fault::OversizedFrame) {
            let bytes = match self.framing {
                Framing::Chunked => format!("\n#4294967295\n{message}").into_bytes(),
                Framing::Marked => vec![b' '; OVERSIZE],
            };
            return self.out.send(bytes).await;
        }
        if self.shared.hit(Protocol::Netconf, &Fault::Garbage) {
            let body = [0xff, 0xfe, b'<', 0x80, b'\n'].repeat(8);
            return self
                .out
                .send([b"\n#40\n".as_slice(), &body, b"\n##\n]]>]]>"].concat())
                .await;
        }
        self.out.send(frame(self.framing, message)).await
    }
}

fn empty() -> Element {
    Element {
        ns: Arc::from(NS),
        name: "rpc".to_owned(),
        attributes: Vec::new(),
        children: Vec::new(),
        text: String::new(),
        text_ns: None,
    }
}
