//! What carries events: the built-in broker, or another one to which the controller is a client.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use anyhow::{Context, Result};
use fabric_events::Filter;
use fabric_events::broker::{Broker, Deaf, Limits};
use fabric_events::mqtt::{Destination, Message, Subscriber};
use fabric_identity::tls::Callers;
use tokio_util::sync::CancellationToken;

use super::Events;
use crate::agents::{CONTROLLER, FabricSettings, Own, bind, clock};

/// How many messages of a broker beside us may wait to be verified.
const QUEUE: usize = 10_000;
/// How many of them are verified at once.
const TOGETHER: usize = 64;

impl Events {
    /// Opens what carries events and publishes the controller's own over it, until `stop`. The built-in broker comes
    /// back, for those who dial the port of the streams.
    pub fn carry(
        self: &Arc<Self>,
        settings: &FabricSettings,
        own: &Arc<Own>,
        stop: &CancellationToken,
    ) -> Result<Option<Arc<Broker>>> {
        let beside = settings.broker();
        let at = (reached(settings.listen.ip()).to_string(), settings.listen.port());
        let to = |purpose| destination(beside.as_ref().unwrap_or(&at), own, purpose);
        let broker = match &beside {
            Some(_) => {
                self.listen_to(to("ear"), stop);
                None
            }
            None => Some(self.built_in()?),
        };
        if let (Some(broker), Some(address)) = (&broker, settings.events_listen) {
            serve(broker.clone(), bind(address, "events.listen")?, own.clone(), stop);
        }
        let (publisher, signer, stop, to) = (self.publisher.clone(), own.clone(), stop.clone(), to("mouth"));
        let signs = Arc::new(move || signer.signer().map(Arc::new).ok());
        tokio::spawn(async move { publisher.run(to, signs, clock, stop).await });
        Ok(broker)
    }

    /// A broker of our own, which tells us first.
    fn built_in(self: &Arc<Self>) -> Result<Arc<Broker>> {
        let events = Arc::downgrade(self);
        let ear = move |all: &[&[u8]]| match events.upgrade() {
            Some(events) => events.hear(all),
            None => Err(Deaf),
        };
        let recent = (self.state.join("events.recent"), clock);
        let broker = Broker::remembering(Limits::default(), Arc::new(ear), (&recent.0, recent.1));
        let broker = broker.context("open what events were acknowledged last")?;
        let _ = self.broker.set(broker.clone()); // it is opened once
        Ok(broker)
    }

    /// A broker beside us: what it sends is verified off its connection.
    fn listen_to(self: &Arc<Self>, from: Destination, stop: &CancellationToken) {
        let (subscriber, mut messages) = Subscriber::new(QUEUE);
        let _ = self.subscriber.set(subscriber.clone()); // it is opened once
        let stop = stop.clone();
        tokio::spawn(async move { subscriber.run(from, Filter::default(), stop).await });
        let events = self.clone();
        tokio::spawn(async move {
            let mut waiting = Vec::new();
            while messages.recv_many(&mut waiting, TOGETHER).await > 0 {
                let heard = events.hear(&waiting.iter().map(Message::bytes).collect::<Vec<_>>());
                for message in waiting.drain(..) {
                    match heard {
                        Ok(()) => message.done().await,
                        Err(Deaf) => message.again(),
                    }
                }
            }
        });
    }
}

/// Serves the broker at a port of its own, under a new certificate for each period.
fn serve(broker: Arc<Broker>, listener: std::net::TcpListener, own: Arc<Own>, stop: &CancellationToken) {
    let serving = async move {
        loop {
            let acceptor = own.server(Callers::Known).and_then(|mut config| {
                config.alpn_protocols.clear(); // nothing else is spoken here
                own.acceptor(&listener, config)
            });
            match acceptor {
                // At the end of the period the next certificate is shown; who is connected stays so.
                Ok(acceptor) => drop(tokio::time::timeout(own.period(), broker.serve(acceptor)).await),
                Err(error) => return tracing::error!("events are not taken any more: {error:#}"),
            }
        }
    };
    tokio::spawn(stop.clone().run_until_cancelled_owned(serving));
}

/// A broker, and the name of this client there: each is unique among all clients of a broker.
fn destination((host, port): &(String, u16), own: &Arc<Own>, purpose: &str) -> Destination {
    let own = own.clone();
    Destination {
        host: host.clone(),
        port: *port,
        proves: Arc::new(move || own.client().map(Arc::new).ok()),
        client: format!("{CONTROLLER}-{purpose}"),
    }
}

/// An address at which this very process reaches what listens on another one.
fn reached(listens: IpAddr) -> IpAddr {
    if listens.is_unspecified() {
        Ipv4Addr::LOCALHOST.into()
    } else {
        listens
    }
}
