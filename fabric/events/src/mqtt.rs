//! Carries events over MQTT 5: a publisher that empties the outbox, a subscriber that never waits for who verifies.

use crate::event::LARGEST;
use crate::{Event, Filter, Outbox, OutboxError, SignError, Signer, topic};
use fabric_identity::tls::MQTT;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Filter as Asked, Packet, PubAckReason, Publish};
use rumqttc::v5::{AsyncClient, Event as Happening, EventLoop, MqttOptions};
use rumqttc::{TlsConfiguration, Transport};
use rustls::ClientConfig;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How many events are on their way to the broker at once.
const WINDOW: usize = 64;
/// How long to wait before the next attempt to reach the broker, and at most after many in vain.
const AGAIN_AFTER: Duration = Duration::from_millis(500);
const AT_MOST: Duration = Duration::from_secs(15);
/// How many topics are subscribed to at once: what fits into one packet.
const TOPICS: usize = 64;
/// How long the broker keeps what a receiver that is away has subscribed to, in seconds.
const KEPT_BY_BROKER: u32 = 3_600;

/// How this side proves who it is, asked anew for each connection: certificates are renewed meanwhile. Nothing: not now.
pub type Proves = Arc<dyn Fn() -> Option<Arc<ClientConfig>> + Send + Sync>;
/// Who signs, asked anew for each connection. Nothing: not now.
pub type Signs = Arc<dyn Fn() -> Option<Arc<Signer>> + Send + Sync>;

/// Where the broker is and how it is spoken to.
#[derive(Clone)]
pub struct Destination {
    /// Its host.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Mutual TLS.
    pub proves: Proves,
    /// The name of this client at the broker.
    pub client: String,
}

impl Destination {
    fn options(&self) -> Result<MqttOptions, PublishError> {
        let mut tls = (self.proves)().ok_or(PublishError::Identity)?;
        Arc::make_mut(&mut tls).alpn_protocols = vec![MQTT.to_vec()]; // the broker may share its port with others
        let mut options = MqttOptions::new(&self.client, &self.host, self.port);
        options.set_keep_alive(Duration::from_secs(5));
        options.set_max_packet_size(Some(LARGEST as u32 + 4_096));
        options.set_transport(Transport::Tls(TlsConfiguration::Rustls(tls)));
        Ok(options)
    }
}

/// Publishes events: each is durable before it counts as published, and is sent until the broker has it.
pub struct Publisher {
    outbox: Mutex<Outbox>,
    more: Notify,
    rejected: AtomicU64,
}

impl Publisher {
    /// Publishes what is offered, and what an earlier process has left in the outbox.
    pub fn new(outbox: Outbox) -> Arc<Self> {
        Arc::new(Self {
            outbox: Mutex::new(outbox),
            more: Notify::new(),
            rejected: AtomicU64::new(0),
        })
    }

    /// Publishes an event; when this comes back it is durable.
    pub fn publish(&self, event: Event) -> Result<(), OutboxError> {
        self.outbox().offer(event)?;
        self.more.notify_one();
        Ok(())
    }

    /// How many events wait for the broker, how many were lost because too many waited, how many the broker rejected.
    pub fn backlog(&self) -> (usize, u64, u64) {
        let outbox = self.outbox();
        (outbox.len(), outbox.lost(), self.rejected.load(Ordering::Relaxed))
    }

    /// Sends until it is stopped, through every loss of the broker.
    pub async fn run(&self, to: Destination, signs: Signs, clock: fn() -> SystemTime, stop: CancellationToken) {
        let mut pause = AGAIN_AFTER;
        while !stop.is_cancelled() {
            let begun = Instant::now();
            if let Some(Err(error)) = stop.run_until_cancelled(self.connected(&to, &signs, clock)).await {
                let (waiting, lost, _) = self.backlog();
                tracing::warn!(broker = to.host, %error, waiting, lost, "publish events");
                pause = next_pause(pause, begun);
                let _ = stop.run_until_cancelled(tokio::time::sleep(pause)).await; // stopped or waited
            }
        }
    }

    async fn connected(&self, to: &Destination, signs: &Signs, clock: fn() -> SystemTime) -> Result<(), PublishError> {
        let signer = signs().ok_or(PublishError::Identity)?;
        let (client, events) = AsyncClient::new(to.options()?, WINDOW);
        self.send(client, events, &signer, clock).await
    }

    /// Sends over one connection. What it has sent and the broker has not acknowledged stays in the outbox.
    async fn send(
        &self,
        client: AsyncClient,
        mut events: EventLoop,
        signer: &Signer,
        clock: fn() -> SystemTime,
    ) -> Result<(), PublishError> {
        let mut on_the_way = 0;
        loop {
            let polled = {
                let poll = events.poll();
                tokio::pin!(poll);
                loop {
                    on_the_way += self.fill(&client, on_the_way, signer, clock)?;
                    tokio::select! {
                        polled = &mut poll => break polled,
                        () = self.more.notified() => {}
                    }
                }
            };
            if let Happening::Incoming(Packet::PubAck(ack)) = polled.map_err(Box::new)? {
                match ack.reason {
                    PubAckReason::Success | PubAckReason::NoMatchingSubscribers => {}
                    // It may pass: what was sent stays here, and is sent again after a pause.
                    PubAckReason::UnspecifiedError | PubAckReason::QuotaExceeded => return Err(PublishError::NotNow),
                    reason @ (PubAckReason::ImplementationSpecificError
                    | PubAckReason::NotAuthorized
                    | PubAckReason::TopicNameInvalid
                    | PubAckReason::PacketIdentifierInUse
                    | PubAckReason::PayloadFormatInvalid) => {
                        self.rejected.fetch_add(1, Ordering::Relaxed);
                        tracing::warn!(?reason, "the broker rejected an event");
                    }
                }
                self.outbox().published()?; // a broker acknowledges in the order of sending
                on_the_way -= 1;
            }
        }
    }

    fn fill(
        &self,
        client: &AsyncClient,
        from: usize,
        signer: &Signer,
        clock: fn() -> SystemTime,
    ) -> Result<usize, PublishError> {
        let mut outbox = self.outbox();
        let mut sent = 0;
        while let Some(event) = outbox.event(from + sent).filter(|_| from + sent < WINDOW) {
            let sealed = match signer.seal(event, clock()) {
                Ok(sealed) if sealed.len() <= LARGEST => sealed,
                Ok(sealed) => {
                    tracing::warn!(
                        kind = event.kind,
                        length = sealed.len(),
                        "gave an event up: it is too large"
                    );
                    outbox.give_up(from + sent)?;
                    continue;
                }
                Err(SignError::Event(error)) => {
                    tracing::warn!(kind = event.kind, %error, "gave an event up: it is none");
                    outbox.give_up(from + sent)?;
                    continue;
                }
                Err(error @ (SignError::Certificate(_) | SignError::Key | SignError::Sign)) => return Err(error.into()),
            };
            if client
                .try_publish(topic(event), QoS::AtLeastOnce, false, sealed)
                .is_err()
            {
                break; // its queue is full: more when something has left
            }
            sent += 1;
        }
        Ok(sent)
    }

    fn outbox(&self) -> MutexGuard<'_, Outbox> {
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Longer after each attempt that did not last.
fn next_pause(pause: Duration, begun: Instant) -> Duration {
    if begun.elapsed() > AT_MOST {
        AGAIN_AFTER
    } else {
        (pause * 2).min(AT_MOST)
    }
}

#[derive(Debug, thiserror::Error)]
enum PublishError {
    #[error("there is no certificate to speak with")]
    Identity,
    #[error("the connection has ended")]
    Ended,
    #[error("the broker cannot take events now")]
    NotNow,
    #[error("what came cannot be taken now")]
    Again,
    #[error("speak with the broker: {0}")]
    Broker(#[from] Box<rumqttc::v5::ConnectionError>),
    #[error("sign an event: {0}")]
    Sign(#[from] SignError),
    #[error("{0}")]
    Outbox(#[from] OutboxError),
}

/// What came from a broker. It comes again unless it is said to be done with.
pub struct Message {
    publish: Publish,
    client: AsyncClient,
    again: Arc<Notify>,
}

impl Message {
    /// What was said.
    pub fn bytes(&self) -> &[u8] {
        &self.publish.payload
    }

    /// Whatever it caused is safe: it need not come again.
    pub async fn done(self) {
        let _ = self.client.ack(&self.publish).await; // a connection that has ended: it comes again and is known
    }

    /// It could not be kept: after a pause it comes again, with all that was not done with.
    pub fn again(self) {
        self.again.notify_one();
    }
}

/// Receives what a filter wants, as it comes: nothing of it is believed yet.
pub struct Subscriber {
    queue: mpsc::Sender<Message>,
    dropped: AtomicU64,
}

impl Subscriber {
    /// A subscriber, and the bounded queue that its messages come out of.
    pub fn new(bound: usize) -> (Arc<Self>, mpsc::Receiver<Message>) {
        let (queue, messages) = mpsc::channel(bound.max(WINDOW));
        (
            Arc::new(Self {
                queue,
                dropped: AtomicU64::new(0),
            }),
            messages,
        )
    }

    /// How often messages were put off because the queue was full.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Receives until it is stopped, through every loss of the broker, which keeps what comes meanwhile.
    pub async fn run(&self, from: Destination, filter: Filter, stop: CancellationToken) {
        let mut pause = AGAIN_AFTER;
        while !stop.is_cancelled() {
            let begun = Instant::now();
            if let Some(Err(error)) = stop.run_until_cancelled(self.connected(&from, &filter)).await {
                tracing::warn!(broker = from.host, %error, "receive events");
                pause = next_pause(pause, begun);
                let _ = stop.run_until_cancelled(tokio::time::sleep(pause)).await; // stopped or waited
            }
        }
    }

    async fn connected(&self, from: &Destination, filter: &Filter) -> Result<(), PublishError> {
        let mut options = from.options()?;
        options.set_clean_start(false);
        options.set_session_expiry_interval(Some(KEPT_BY_BROKER));
        options.set_manual_acks(true);
        options.set_receive_maximum(u16::try_from(WINDOW).ok());
        let (client, events) = AsyncClient::new(options, WINDOW);
        self.receive(client, events, filter).await
    }

    async fn receive(&self, client: AsyncClient, mut events: EventLoop, filter: &Filter) -> Result<(), PublishError> {
        let again = Arc::new(Notify::new());
        loop {
            let happening = tokio::select! {
                polled = events.poll() => polled.map_err(Box::new)?,
                () = again.notified() => return Err(PublishError::Again),
            };
            if let Happening::Incoming(Packet::ConnAck(_)) = happening {
                let topics: Vec<_> = filter
                    .topics()
                    .into_iter()
                    .map(|it| Asked::new(it, QoS::AtLeastOnce))
                    .collect();
                for topics in topics.chunks(TOPICS) {
                    client
                        .subscribe_many(topics.to_vec())
                        .await
                        .map_err(|_| PublishError::Ended)?;
                }
            } else if let Happening::Incoming(Packet::Publish(publish)) = happening {
                let (client, again) = (client.clone(), again.clone());
                let message = Message { publish, client, again };
                if self.queue.try_send(message).is_err() {
                    self.dropped.fetch_add(1, Ordering::Relaxed);
                    return Err(PublishError::Again); // it was not acknowledged
                }
            }
        }
    }
}
