//! One NETCONF session over any stream of bytes: hello, then flights of RPCs and their replies.
//!
//! A flight is several RPCs in one write. Nothing leaves with the hello. When a deadline passes in the middle of an
//! exchange the session is of no more use, since a late answer could be taken for another one's.

use crate::framing::{Decoder, Framing, FramingError, encode};
use crate::rpc::{Features, Operation, Reply, ReplyError};
use crate::xml::{BASE, Element, NOTIFICATION, XmlError};
use adapters_port::Deadline;
use adapters_ssh::Stream;
use std::collections::VecDeque;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};

/// How much is taken from a device.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of one message.
    pub message: usize,
    /// Notifications that wait to be taken; the oldest go first.
    pub notices: usize,
    /// Replies and notifications that may come before the one awaited.
    pub interleaved: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message: 64 << 20,
            notices: 256,
            interleaved: 10_000,
        }
    }
}

/// Why an exchange came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// No answer in time.
    #[error("no answer in {} ms", waited.as_millis())]
    Deadline {
        /// How long was waited.
        waited: Duration,
    },
    /// The stream ended.
    #[error("the session ended{}", if *partial { " in the middle of a message" } else { "" })]
    Closed {
        /// In the middle of a message?
        partial: bool,
    },
    /// The stream broke.
    #[error("the session broke")]
    Broken(#[source] io::Error),
    /// The bytes are no frames.
    #[error("the answer is not framed as agreed")]
    Framing(#[source] FramingError),
    /// The message is no document.
    #[error("the answer is no XML document")]
    Xml(#[source] XmlError),
    /// The message is no answer.
    #[error("the answer is none")]
    Reply(#[source] ReplyError),
    /// The server said hello in a way that nobody understands.
    #[error("the hello names no protocol version that is spoken here")]
    Version,
    /// The session was given up before.
    #[error("the session was given up after an earlier failure")]
    GivenUp,
}

impl ExchangeError {
    /// Did bytes come that make no sense, rather than no bytes?
    pub fn is_malformed(&self) -> bool {
        match self {
            Self::Framing(_) | Self::Xml(_) | Self::Reply(_) | Self::Version => true,
            Self::Deadline { .. } | Self::Closed { .. } | Self::Broken(_) | Self::GivenUp => false,
        }
    }
}

/// One session.
pub struct Exchange {
    stream: Option<Box<dyn Stream>>,
    decoder: Decoder,
    framing: Framing,
    features: Features,
    session: Option<String>,
    next_id: u64,
    notices: VecDeque<Element>,
    limits: Limits,
    buffer: Box<[u8]>,
    /// The first byte of the next message has been sent.
    nudged: bool,
}

/// How long a server that keeps the first RPC is given before it is nudged.
const NUDGE: Duration = Duration::from_millis(50);

impl Exchange {
    /// Says hello and waits for the server's, then agrees on a version.
    pub async fn open(stream: Box<dyn Stream>, limits: Limits, by: Deadline) -> Result<Self, ExchangeError> {
        let mut exchange = Self {
            stream: Some(stream),
            decoder: Decoder::new(limits.message),
            framing: Framing::EndOfMessage,
            features: Features::default(),
            session: None,
            next_id: 1,
            notices: VecDeque::new(),
            limits,
            buffer: vec![0; 8192].into_boxed_slice(),
            nudged: false,
        };
        exchange.within(by, Self::greet).await?;
        Ok(exchange)
    }

    /// Asks for nothing, and hears that the server listens. A server that reads hello and this together may keep it until
    /// more comes: then the line end that begins the next message goes ahead of it.
    pub async fn wake(&mut self, by: Deadline) -> Result<(), ExchangeError> {
        self.within(by, Self::ask_for_nothing).await
    }

    /// Closes it without a word: the device frees what it holds, and takes back what it keeps by session.
    pub fn abandon(&mut self) {
        self.stream = None;
    }

    /// What the server announced.
    pub fn features(&self) -> &Features {
        &self.features
    }

    /// The server's id of this session.
    pub fn session(&self) -> Option<&str> {
        self.session.as_deref()
    }

    /// Can anything be asked on it still?
    pub fn is_usable(&self) -> bool {
        self.stream.is_some()
    }

    /// One RPC and its reply.
    pub async fn call(&mut self, operation: &Operation, by: Deadline) -> Result<Reply, ExchangeError> {
        let mut replies = self.flight(std::slice::from_ref(operation), by).await?;
        replies.pop().ok_or(ExchangeError::GivenUp)
    }

    /// Several RPCs in one write, and their replies in the same order. All are done, whatever any of them answers.
    pub async fn flight(&mut self, operations: &[Operation], by: Deadline) -> Result<Vec<Reply>, ExchangeError> {
        self.within(by, async |it| it.exchange(operations).await).await
    }

    /// The next notification; none when the deadline passes quietly.
    pub async fn notice(&mut self, by: Deadline) -> Result<Option<Element>, ExchangeError> {
        if let Some(notice) = self.notices.pop_front() {
            return Ok(Some(notice));
        }
        // Reading is cut between two reads, where nothing is lost: the decoder keeps what is half read.
        let read = timeout_at(Instant::from_std(by.instant()), self.next_notice()).await;
        match read {
            Ok(Ok(notice)) => Ok(Some(notice)),
            Ok(Err(error)) => {
                self.stream = None;
                Err(error)
            }
            Err(_) => Ok(None),
        }
    }

    async fn within<T>(
        &mut self,
        by: Deadline,
        act: impl AsyncFnOnce(&mut Self) -> Result<T, ExchangeError>,
    ) -> Result<T, ExchangeError> {
        let begun = now();
        let result = timeout_at(Instant::from_std(by.instant()), act(self)).await;
        let result = result.unwrap_or_else(|_| Err(ExchangeError::Deadline { waited: now() - begun }));
        if result.is_err() {
            // Closed at once, so that the device frees what the session holds.
            self.stream = None;
        }
        result
    }

    async fn greet(&mut self) -> Result<(), ExchangeError> {
        const HELLO: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
            <hello xmlns=\"urn:ietf:params:xml:ns:netconf:base:1.0\"><capabilities>\
            <capability>urn:ietf:params:netconf:base:1.0</capability>\
            <capability>urn:ietf:params:netconf:base:1.1</capability></capabilities></hello>";
        let mut bytes = Vec::new();
        encode(Framing::EndOfMessage, HELLO, &mut bytes);
        self.write(&bytes).await?;
        let hello = self.message().await?;
        if !hello.is(BASE, "hello") {
            let found = hello.name.into();
            return Err(ExchangeError::Reply(ReplyError::Other {
                expected: "hello",
                found,
            }));
        }
        let listed = hello
            .child("capabilities")
            .map(|it| it.children.as_slice())
            .unwrap_or_default();
        self.features = Features::new(listed.iter().map(|it| it.text.trim().to_owned()));
        self.session = hello.child_text("session-id").map(str::to_owned);
        if self.features.has_base("1.1") {
            self.framing = Framing::Chunked;
            self.decoder.switch_to_chunks().map_err(ExchangeError::Framing)
        } else if self.features.has_base("1.0") {
            Ok(())
        } else {
            Err(ExchangeError::Version)
        }
    }

    async fn ask_for_nothing(&mut self) -> Result<(), ExchangeError> {
        let bytes = self.encoded(&[Operation::read_nothing()]);
        self.write(&bytes).await?;
        // Reading is cut between two reads, where nothing is lost.
        if let Ok(reply) = timeout_at(Instant::now() + NUDGE, self.reply()).await {
            return reply.map(drop);
        }
        self.write(b"\n").await?;
        self.nudged = true;
        self.reply().await.map(drop)
    }

    /// These RPCs as they travel. Every message begins with a line end in one framing, and may in the other.
    fn encoded(&mut self, operations: &[Operation]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for operation in operations {
            let (id, body) = (self.next_id, operation.body());
            encode(
                self.framing,
                &format!("<rpc message-id=\"{id}\" xmlns=\"{BASE}\">{body}</rpc>"),
                &mut bytes,
            );
            self.next_id += 1;
        }
        if std::mem::take(&mut self.nudged) && bytes.first() == Some(&b'\n') {
            bytes.remove(0);
        }
        bytes
    }

    async fn exchange(&mut self, operations: &[Operation]) -> Result<Vec<Reply>, ExchangeError> {
        let first = self.next_id;
        let bytes = self.encoded(operations);
        self.write(&bytes).await?;
        for operation in operations {
            tracing::trace!(target: "point", at = format!("netconf: {operation:?} sent"));
        }
        let mut replies: Vec<Option<Reply>> = operations.iter().map(|_| None).collect();
        for _ in operations {
            let reply = self.reply().await?;
            let place = place(&replies, &reply, first).map_err(ExchangeError::Reply)?;
            replies[place] = Some(reply);
        }
        Ok(replies.into_iter().flatten().collect())
    }

    async fn reply(&mut self) -> Result<Reply, ExchangeError> {
        for _ in 0..self.limits.interleaved {
            let element = self.message().await?;
            if element.is(NOTIFICATION, "notification") {
                self.keep(element);
            } else {
                return Reply::read(element).map_err(ExchangeError::Reply);
            }
        }
        let found = "an endless row of notifications".to_owned();
        Err(ExchangeError::Reply(ReplyError::Other {
            expected: "rpc-reply",
            found,
        }))
    }

    async fn next_notice(&mut self) -> Result<Element, ExchangeError> {
        let element = self.message().await?;
        if element.is(NOTIFICATION, "notification") {
            return Ok(element);
        }
        let found = element.name.into();
        Err(ExchangeError::Reply(ReplyError::Other {
            expected: "notification",
            found,
        }))
    }

    fn keep(&mut self, notice: Element) {
        if self.notices.len() == self.limits.notices {
            self.notices.pop_front();
            tracing::warn!("a notification was dropped: nobody takes them");
        }
        self.notices.push_back(notice);
    }

    async fn message(&mut self) -> Result<Element, ExchangeError> {
        loop {
            if let Some(message) = self.decoder.message() {
                let text = message.map_err(ExchangeError::Framing)?;
                return Element::parse(&text).map_err(ExchangeError::Xml);
            }
            let stream = self.stream.as_mut().ok_or(ExchangeError::GivenUp)?;
            let read = stream.read(&mut self.buffer).await.map_err(ExchangeError::Broken)?;
            if read == 0 {
                return Err(ExchangeError::Closed {
                    partial: self.decoder.is_partial(),
                });
            }
            self.decoder
                .push(&self.buffer[..read])
                .map_err(ExchangeError::Framing)?;
        }
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), ExchangeError> {
        let stream = self.stream.as_mut().ok_or(ExchangeError::GivenUp)?;
        stream.write_all(bytes).await.map_err(ExchangeError::Broken)?;
        stream.flush().await.map_err(ExchangeError::Broken)
    }
}

// A reply without an id answers the first RPC that has none yet: servers leave it out when they could not read one.
fn place(replies: &[Option<Reply>], reply: &Reply, first: u64) -> Result<usize, ReplyError> {
    let Some(id) = &reply.id else {
        let open = replies.iter().position(Option::is_none);
        return open.ok_or_else(|| ReplyError::Unasked { id: "none".to_owned() });
    };
    let index = id
        .parse::<u64>()
        .ok()
        .and_then(|it| it.checked_sub(first))
        .and_then(|it| usize::try_from(it).ok());
    match index {
        Some(index) if replies.get(index).is_some_and(Option::is_none) => Ok(index),
        Some(_) | None => Err(ReplyError::Unasked {
            id: id.chars().take(64).collect(),
        }),
    }
}

fn now() -> std::time::Instant {
    Instant::now().into_std()
}
