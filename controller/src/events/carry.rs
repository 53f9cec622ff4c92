//! What carries events: the built-in broker, or another one to which the controller is a client.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use anyhow::Result;
use fabric_events::Filter;
use fabric_events::broker::{Broker, Limits};
use fabric_events::mqtt::{Destination, Subscriber};
use fabric_identity::tls::Callers;
use tokio_util::sync::CancellationToken;

use super::Events;
use crate::agents::{CONTROLLER, FabricSettings, Own, bind, clock};

/// How many messages of a broker beside us may wait to be verified.
const QUEUE: usize = 10_000;

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
        let to = destination(beside.as_ref().unwrap_or(&at), own);
        let broker = match &beside {
            Some(_) => {
                self.listen_to(to.clone(), stop);
                None
            }
            None => Some(self.built_in()),
        };
        if let (Some(broker), Some(address)) = (&broker, settings.events_listen) {
            serve(broker.clone(), bind(address, "events.listen")?, own.clone(), stop);
        }
        let (publisher, signer, stop) = (self.publisher.clone(), own.clone(), stop.clone());
        let signs = Arc::new(move || signer.signer().map(Arc::new).ok());
        tokio::spawn(async move { publisher.run(to, signs, clock, stop).await });
        Ok(broker)
    }

    /// A broker of our own, which tells us first.
    fn built_in(self: &Arc<Self>) -> Arc<Broker> {
        let events = Arc::downgrade(self);
        let ear = move |bytes: &[u8]| {
            if let Some(events) = events.upgrade() {
                events.hear(bytes);
            }
        };
        let broker = Broker::new(Limits::default(), Arc::new(ear));
        let _ = self.broker.set(broker.clone()); // it is opened once
        broker
    }

    /// A broker beside us: what it sends is verified off its connection.
    fn listen_to(self: &Arc<Self>, from: Destination, stop: &CancellationToken) {
        let (subscriber, mut messages) = Subscriber::new(QUEUE);
        let _ = self.subscriber.set(subscriber.clone()); // it is opened once
        let stop = stop.clone();
        tokio::spawn(async move { subscriber.run(from, Filter::default(), stop).await });
        let events = self.clone();
        tokio::spawn(async move {
            while let Some(message) = messages.recv().await {
                events.hear(&message);
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

fn destination((host, port): &(String, u16), own: &Arc<Own>) -> Destination {
    let own = own.clone();
    Destination {
        host: host.clone(),
        port: *port,
        proves: Arc::new(move || own.client().map(Arc::new).ok()),
        client: CONTROLLER.to_owned(),
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
