//! Carries events over MQTT 5: a publisher that empties the outbox, a subscriber that never waits for who verifies.

use crate::event::LARGEST;
use crate::{Event, Filter, Outbox, OutboxError, Signer, topic};
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Packet, PubAckReason};
use rumqttc::v5::{AsyncClient, Event as Happening, EventLoop, MqttOptions};
use rumqttc::{TlsConfiguration, Transport};
use rustls::ClientConfig;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

/// How many events are on their way to the broker at once.
const WINDOW: usize = 64;
/// How long to wait before the next attempt to reach the broker.
const AGAIN_AFTER: Duration = Duration::from_millis(500);
/// How long the broker keeps what a receiver that is away has subscribed to, in seconds.
const KEPT_BY_BROKER: u32 = 3_600;

/// Where the broker is and how it is spoken to.
#[derive(Clone)]
pub struct Broker {
    /// Its host.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Mutual TLS, where it is not a broker of this very process.
    pub tls: Option<Arc<ClientConfig>>,
    /// The name of this client at the broker.
    pub client: String,
}

impl Broker {
    fn options(&self) -> MqttOptions {
        let mut options = MqttOptions::new(&self.client, &self.host, self.port);
        options.set_keep_alive(Duration::from_secs(5));
        options.set_max_packet_size(Some(LARGEST as u32 + 4_096));
        if let Some(tls) = &self.tls {
            options.set_transport(Transport::Tls(TlsConfiguration::Rustls(tls.clone())));
        }
        options
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
    pub async fn run(&self, broker: Broker, signer: Signer, clock: fn() -> SystemTime, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let (client, events) = AsyncClient::new(broker.options(), WINDOW);
            let sending = self.send(client, events, &signer, clock);
            if let Some(Err(error)) = stop.run_until_cancelled(sending).await {
                tracing::warn!(broker = broker.host, %error, waiting = self.outbox().len(), "publish events");
                let _ = stop.run_until_cancelled(tokio::time::sleep(AGAIN_AFTER)).await; // stopped or waited
            }
        }
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
                if !matches!(ack.reason, PubAckReason::Success | PubAckReason::NoMatchingSubscribers) {
                    self.rejected.fetch_add(1, Ordering::Relaxed);
                    tracing::warn!(reason = ?ack.reason, "the broker rejected an event");
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
        let outbox = self.outbox();
        let mut sent = 0;
        while let Some(event) = outbox.event(from + sent).filter(|_| from + sent < WINDOW) {
            let sealed = signer.seal(event, clock())?;
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

#[derive(Debug, thiserror::Error)]
enum PublishError {
    #[error("speak with the broker: {0}")]
    Broker(#[from] Box<rumqttc::v5::ConnectionError>),
    #[error("sign an event: {0}")]
    Sign(#[from] crate::SignError),
    #[error("{0}")]
    Outbox(#[from] OutboxError),
}

/// Receives what a filter wants, as it comes: nothing of it is believed yet.
pub struct Subscriber {
    queue: mpsc::Sender<Vec<u8>>,
    dropped: AtomicU64,
}

impl Subscriber {
    /// A subscriber, and the bounded queue that its messages come out of.
    pub fn new(bound: usize) -> (Arc<Self>, mpsc::Receiver<Vec<u8>>) {
        let (queue, messages) = mpsc::channel(bound.max(1));
        (
            Arc::new(Self {
                queue,
                dropped: AtomicU64::new(0),
            }),
            messages,
        )
    }

    /// How many messages were dropped because the queue was full.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Receives until it is stopped, through every loss of the broker, which keeps what comes meanwhile.
    pub async fn run(&self, broker: Broker, filter: Filter, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let mut options = broker.options();
            options.set_clean_start(false);
            options.set_session_expiry_interval(Some(KEPT_BY_BROKER));
            let (client, events) = AsyncClient::new(options, WINDOW);
            let receiving = self.receive(client, events, &filter);
            if let Some(Err(error)) = stop.run_until_cancelled(receiving).await {
                tracing::warn!(broker = broker.host, %error, "receive events");
                let _ = stop.run_until_cancelled(tokio::time::sleep(AGAIN_AFTER)).await; // stopped or waited
            }
        }
    }

    async fn receive(&self, client: AsyncClient, mut events: EventLoop, filter: &Filter) -> Result<(), PublishError> {
        loop {
            let happening = events.poll().await.map_err(Box::new)?;
            if let Happening::Incoming(Packet::ConnAck(_)) = happening {
                for topic in filter.topics().into_iter().take(WINDOW) {
                    // The queue of the client is as long as the most topics.
                    let _ = client.try_subscribe(topic, QoS::AtLeastOnce);
                }
            } else if let Happening::Incoming(Packet::Publish(message)) = happening
                && self.queue.try_send(message.payload.to_vec()).is_err()
            {
                self.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}
