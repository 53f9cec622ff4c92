//! One client's connection: what it sends is done, what waits for it is sent, and it ends for a named reason.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use fabric_identity::{Caller, Certificate, Guarded};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};

use super::exchange::{Arrival, Key};
use super::packet::{self, Code, Connect, Packet, Publish, Welcome};
use super::rights::Rights;
use super::{Broker, Call};

/// How much room there is for each piece that is read, and how much is read before any of it is looked at, in bytes.
const CHUNK: usize = 16 << 10;
const AT_ONCE: usize = 128 << 10;
/// How long a client may take to say who it is, or to take what it is sent.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest time without a sign of life that is granted, in seconds.
const KEEP_ALIVE: u16 = 60;

/// Why a connection ends.
enum End {
    /// The broker says why.
    Said(Code),
    /// The client has gone; with another time to be remembered, if it said so.
    Gone(Option<Duration>),
}

/// A client that is let in.
struct Client {
    broker: Arc<Broker>,
    key: Key,
    connection: u64,
    calls: mpsc::Receiver<Call>,
    /// What it has published and was not handed on: no more than was read at once.
    published: Vec<Publish>,
}

/// Serves one caller to its end.
pub(super) async fn converse(broker: Arc<Broker>, caller: Caller) {
    let Caller {
        io,
        certificate,
        cut,
        address,
        ..
    } = caller;
    let Some(certificate) = certificate else { return };
    let mut line = Line {
        io,
        read: Vec::new(),
        taken: 0,
        largest: broker.largest,
    };
    let holder = certificate.identity.name.clone();
    let over = cut.run_until_cancelled(serve(&broker, &mut line, certificate)).await;
    match over {
        Some(Some(code)) => tracing::info!(%holder, %address, ?code, "ended a client's connection to the broker"),
        Some(None) => tracing::debug!(%holder, %address, "a client of the broker has gone"),
        None => tracing::info!(%holder, %address, "cut a client's connection to the broker: its certificate has ended"),
    }
}

/// Serves a client; the code that it was sent away with, if it was.
async fn serve(broker: &Arc<Broker>, line: &mut Line, certificate: Certificate) -> Option<Code> {
    let connect = match timeout(PATIENCE, line.packet()).await {
        Ok(Ok(Packet::Connect(connect))) => connect,
        Ok(Ok(Packet::OtherVersion(version))) => return line.turn_away(Code::Version, version).await,
        Ok(Ok(_)) => return line.turn_away(Code::Protocol, 5).await,
        Ok(Err(End::Said(code))) => return line.turn_away(code, 5).await,
        Ok(Err(End::Gone(_))) | Err(_) => return None,
    };
    if connect.has_will {
        return line.turn_away(Code::Specific, 5).await; // nobody would sign it
    }
    if connect.has_method {
        return line.turn_away(Code::Method, 5).await;
    }
    let (mut client, mut out, silence) = match Client::arrive(broker, certificate, &connect) {
        Ok(arrived) => arrived,
        Err(code) => return line.turn_away(code, 5).await,
    };
    let end = client.attend(line, &mut out, silence).await;
    let (code, expiry) = match end {
        End::Said(code) => (Some(code), None),
        End::Gone(expiry) => (None, expiry),
    };
    client.leave(expiry);
    if let Some(code) = code {
        packet::goodbye(code, &mut out);
        let _ = line.send(&mut out).await; // it is over either way
    }
    code
}

impl Client {
    fn arrive(
        broker: &Arc<Broker>,
        certificate: Certificate,
        connect: &Connect,
    ) -> Result<(Self, Vec<u8>, Duration), Code> {
        let (connection, calls) = broker.connection();
        let assigned = connect.client.is_empty().then(|| format!("client-{connection}"));
        let client = assigned.clone().unwrap_or_else(|| connect.client.clone());
        let key = (certificate.identity.name.to_string(), client);
        let arrival = Arrival {
            connection,
            clean: connect.clean,
            expiry: Duration::from_secs(connect.expiry.into()),
            window: connect.receive,
            largest: connect.largest,
        };
        let attached = match broker.attach(&key, Rights(certificate.identity), &arrival) {
            Ok(attached) => attached,
            Err(code) => {
                broker.disconnected(connection);
                return Err(code);
            }
        };
        let granted = match connect.keep_alive {
            0 => KEEP_ALIVE,
            asked => asked.min(KEEP_ALIVE),
        };
        let mut out = Vec::new();
        let welcome = Welcome {
            resumed: attached.resumed,
            assigned: assigned.as_deref(),
            keep_alive: granted,
            expiry: u32::try_from(attached.expiry.as_secs()).unwrap_or(u32::MAX),
            receive: broker.bounds.unacknowledged,
            largest: u32::try_from(broker.largest).unwrap_or(u32::MAX),
        };
        packet::welcome(&welcome, &mut out);
        let again = broker.exchange().again(&key);
        for it in again {
            packet::deliver(&it.message, it.number, true, &mut out);
        }
        let silence = Duration::from_secs(granted.into()) * 3 / 2;
        let client = Self {
            broker: broker.clone(),
            key,
            connection,
            calls,
            published: Vec::new(),
        };
        Ok((client, out, silence))
    }

    fn leave(&self, expiry: Option<Duration>) {
        self.broker.detach(&self.key, self.connection, expiry);
    }

    async fn attend(&mut self, line: &mut Line, out: &mut Vec<u8>, silence: Duration) -> End {
        let mut heard = Instant::now();
        loop {
            loop {
                match line.next() {
                    Ok(Some(packet)) => {
                        heard = Instant::now();
                        if let Err(end) = self.act(packet, out).await {
                            return end;
                        }
                    }
                    Ok(None) => break,
                    Err(code) => {
                        self.publish(out);
                        return End::Said(code);
                    }
                }
            }
            self.publish(out);
            for it in self.broker.exchange().take(&self.key, self.connection) {
                packet::deliver(&it.message, it.number, it.again, out);
            }
            if let Err(end) = line.send(out).await {
                return end;
            }
            tokio::select! {
                filled = timeout_at(heard + silence, line.fill()) => match filled {
                    Ok(Ok(())) => {}
                    Ok(Err(end)) => return end,
                    Err(_) => return End::Said(Code::KeepAlive),
                },
                call = self.calls.recv() => match call {
                    Some(Call::More) => {}
                    Some(Call::TakenOver) => return End::Said(Code::TakenOver),
                    None => return End::Said(Code::ShuttingDown),
                },
            }
        }
    }

    /// Does what a packet asks for. What is published waits for what comes right behind it.
    async fn act(&mut self, packet: Packet, out: &mut Vec<u8>) -> Result<(), End> {
        if let Packet::Publish(message) = packet {
            self.slow_down(out).await;
            self.published.push(message);
            return Ok(());
        }
        self.publish(out);
        match packet {
            Packet::Publish(_) => {} // see above
            Packet::PubAck(number) => self.broker.exchange().acknowledge(&self.key, number),
            Packet::Subscribe(number, filters) => {
                let mut exchange = self.broker.exchange();
                let given: Vec<_> = filters
                    .iter()
                    .map(|(filter, quality)| exchange.subscribe(&self.key, filter, *quality))
                    .collect();
                packet::subscribed(number, &given, out);
            }
            Packet::Unsubscribe(number, filters) => {
                let mut exchange = self.broker.exchange();
                let were: Vec<_> = filters.iter().map(|it| exchange.unsubscribe(&self.key, it)).collect();
                packet::unsubscribed(number, &were, out);
            }
            Packet::Ping => packet::alive(out),
            Packet::Disconnect(expiry) => return Err(End::Gone(expiry.map(|it| Duration::from_secs(it.into())))),
            Packet::Unsupported(code) => return Err(End::Said(code)),
            Packet::Connect(_) | Packet::OtherVersion(_) => return Err(End::Said(Code::Protocol)),
        }
        Ok(())
    }

    /// Hands on what was published, and acknowledges it.
    fn publish(&mut self, out: &mut Vec<u8>) {
        let messages = std::mem::take(&mut self.published);
        let numbers: Vec<_> = messages.iter().map(|it| it.number).collect();
        let answers = self.broker.publish(&self.key, messages);
        for (number, answer) in numbers.into_iter().zip(answers) {
            if let Some(number) = number {
                packet::acknowledged(number, answer.err(), out);
            }
        }
    }

    /// Who publishes faster than is granted is read more slowly; nobody else waits for that.
    async fn slow_down(&mut self, out: &mut Vec<u8>) {
        let wait = self.broker.wait_of(&self.key.0);
        if !wait.is_zero() {
            self.publish(out); // what came before need not wait as well
            tokio::time::sleep(wait).await;
        }
    }
}

impl Drop for Client {
    /// Also a connection that was cut in the middle lets go of its session.
    fn drop(&mut self) {
        self.leave(None);
    }
}

/// A connection as packets.
struct Line {
    io: Guarded,
    read: Vec<u8>,
    /// Up to where what was read has been taken.
    taken: usize,
    largest: usize,
}

impl Line {
    /// The next packet that has come whole.
    fn next(&mut self) -> Result<Option<Packet>, Code> {
        let left = &self.read[self.taken..];
        let Some((head, whole)) = packet::framed(left, self.largest)?.filter(|it| it.1 <= left.len()) else {
            return Ok(None);
        };
        self.taken += whole;
        packet::read(left[0], &left[head..whole])
            .map(Some)
            .map_err(|_| Code::Malformed)
    }

    /// Waits for more, and takes all that is there then. May be given up without losing anything.
    async fn fill(&mut self) -> Result<(), End> {
        self.read.drain(..self.taken);
        self.taken = 0;
        let before = self.read.len();
        poll_fn(|context| {
            loop {
                self.read.reserve(CHUNK);
                let read = pin!(self.io.read_buf(&mut self.read)).poll(context);
                let some = self.read.len() > before;
                match read {
                    Poll::Ready(Ok(count)) if count > 0 && self.read.len() < AT_ONCE => {}
                    Poll::Ready(_) | Poll::Pending if some => return Poll::Ready(Ok(())),
                    Poll::Ready(_) => return Poll::Ready(Err(End::Gone(None))),
                    Poll::Pending => return Poll::Pending,
                }
            }
        })
        .await
    }

    async fn packet(&mut self) -> Result<Packet, End> {
        loop {
            match self.next() {
                Ok(Some(packet)) => return Ok(packet),
                Ok(None) => self.fill().await?,
                Err(code) => return Err(End::Said(code)),
            }
        }
    }

    async fn send(&mut self, out: &mut Vec<u8>) -> Result<(), End> {
        if out.is_empty() {
            return Ok(());
        }
        let sending = async {
            self.io.write_all(out).await?;
            self.io.flush().await
        };
        let sent = timeout(PATIENCE, sending).await;
        out.clear();
        match sent {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(End::Gone(None)),
        }
    }

    async fn turn_away(&mut self, code: Code, version: u8) -> Option<Code> {
        let mut out = Vec::new();
        packet::turned_away(code, version, &mut out);
        let _ = self.send(&mut out).await; // it is over either way
        Some(code)
    }
}
