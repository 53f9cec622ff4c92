//! What the agent hears: link faults of its own devices that others tell, verified; then it looks itself.
//!
//! It subscribes to that and nothing else. Who is shut out it learns from the authority's signed list; without one that
//! is current it believes nobody.

use std::sync::Arc;
use std::time::SystemTime;

use fabric_events::broker::Deaf;
use fabric_events::mqtt::{Destination, Message, Subscriber};
use fabric_events::{Event, Filter, Hearing, Memory, Terms, Unheard};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use transaction::DeviceId;

use crate::config::Config;
use crate::identity::Identity;

/// How many messages may wait to be verified.
const QUEUE: usize = 1_024;
/// How many of them are verified at once.
const TOGETHER: usize = 64;
/// How many events are remembered as believed, in all and of one sender.
const REMEMBERED: (usize, usize) = (10_000, 1_000);

/// One agent's ear.
pub struct Ear {
    hearing: Hearing,
    filter: Filter,
    hints: mpsc::Sender<DeviceId>,
    source: String,
    clock: fn() -> SystemTime,
}

impl Ear {
    /// Opens the ear of an agent that speaks for these devices; what it believed is remembered in the state directory.
    /// A device that somebody else tells of goes to `hints`.
    pub fn open(
        config: &Config,
        identity: &Identity,
        hints: mpsc::Sender<DeviceId>,
        clock: fn() -> SystemTime,
    ) -> std::io::Result<Self> {
        let filter = Filter {
            kinds: ["link-fault".to_owned()].into(),
            devices: config.devices.iter().map(|it| it.id.to_string()).collect(),
            at_least: None,
        };
        let memory = Memory::new(REMEMBERED.0, REMEMBERED.1);
        let hearing = Hearing::open(
            identity.authority(),
            filter.clone(),
            (&config.state.join("events.memory"), memory),
            Terms::default(),
            clock(),
        )?;
        Ok(Self {
            hearing,
            filter,
            hints,
            source: format!("entente://agent/{}", config.name),
            clock,
        })
    }

    /// Listens at a broker until told to stop; where there is none it only waits for that.
    pub async fn listen(&mut self, from: Option<Destination>, identity: Arc<Identity>, stop: CancellationToken) {
        let Some(from) = from else {
            return stop.cancelled().await;
        };
        let (subscriber, mut messages) = Subscriber::new(QUEUE);
        let (filter, token) = (self.filter.clone(), stop.clone());
        let receiving = tokio::spawn(async move { subscriber.run(from, filter, token).await });
        let mut waiting = Vec::new();
        while let Some(1..) = stop
            .run_until_cancelled(messages.recv_many(&mut waiting, TOGETHER))
            .await
        {
            let heard = self.hear(&waiting, &identity).await;
            let kept = heard.is_ok();
            heard.iter().flatten().for_each(|it| self.hint(it));
            for message in waiting.drain(..) {
                match kept {
                    true => message.done().await,
                    false => message.again(),
                }
            }
        }
        receiving.abort();
    }

    fn hint(&self, event: &Event) {
        let Ok(device) = event.subject.parse::<DeviceId>() else {
            return;
        };
        tracing::info!(%device, source = event.source, data = %event.data, "heard of a link fault: looking");
        if self.hints.try_send(device).is_err() {
            tracing::debug!(%device, "it will be looked at in its turn");
        }
    }

    /// What others say, as far as it is believed. If it cannot be told or remembered it must come again.
    async fn hear(&mut self, messages: &[Message], identity: &Identity) -> Result<Vec<Event>, Deaf> {
        let shut_out = identity.shut_out((self.clock)()).await.ok_or(Deaf)?;
        let messages: Vec<&[u8]> = messages.iter().map(Message::bytes).collect();
        let heard = self.hearing.hear_all(&messages, &shut_out, (self.clock)());
        let mut believed = Vec::new();
        for it in heard {
            match it {
                Ok(event) if event.source == self.source => {} // its own words
                Ok(event) => believed.push(event),
                Err(Unheard::Unwanted) => {}
                Err(Unheard::Refused(reason)) => tracing::warn!(%reason, "refused an event"),
                Err(Unheard::Disk(error)) => {
                    tracing::error!(%error, "an event is put off: it cannot be remembered");
                    return Err(Deaf);
                }
            }
        }
        Ok(believed)
    }
}
