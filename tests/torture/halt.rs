//! What a program that is built to be tormented has beyond its own: it tells each point that it comes to, and waits there
//! until it is let go or killed. Both programs take this file in under `cfg(torture)` alone; what is delivered lacks it.

use std::fmt::Debug;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, PoisonError};

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// Where the tormentor listens: the path of a socket.
const TORMENTOR: &str = "ENTENTE_TORMENTOR";
/// The bug that is planted in this run.
const PLANTED: &str = "ENTENTE_PLANTED";

/// Whether this bug is planted.
pub fn planted(bug: &str) -> bool {
    std::env::var(PLANTED).is_ok_and(|it| it == bug)
}

/// Tells every event of the target `point`, which the log's filter has to let through; none where nobody listens.
pub fn layer<S: Subscriber>() -> Option<impl Layer<S> + Send + Sync> {
    let path = std::env::var(TORMENTOR).ok()?;
    let stream = Mutex::new(UnixStream::connect(path).ok()?);
    Some(Halt { stream })
}

struct Halt {
    stream: Mutex<UnixStream>,
}

impl<S: Subscriber> Layer<S> for Halt {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() != "point" {
            return;
        }
        let mut at = At(String::new());
        event.record(&mut at);
        let mut stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner);
        // Where the tormentor has gone, nobody is to be waited for.
        let told = stream.write_all(format!("{}\n", at.0).as_bytes());
        let _ = told.and_then(|()| stream.read_exact(&mut [0]));
    }
}

struct At(String);

impl Visit for At {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "at" {
            self.0 = format!("{value:?}");
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "at" {
            value.clone_into(&mut self.0);
        }
    }
}
