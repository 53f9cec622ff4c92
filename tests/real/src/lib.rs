//! What tests against real parts share: when they run, what they start, what they leave on record.
//!
//! A test against a real part begins with [`wanted`] and leaves when it answers false. With `ENTENTE_REAL=1` it never
//! does: there a missing part is a failure, so that a green run means that the part was spoken to.

mod child;
mod ledger;
mod part;
mod wait;

use std::env;
use std::hash::{BuildHasher, RandomState};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU16, Ordering};

pub use child::Child;
pub use ledger::{Entry, operations, skipped};
pub use part::Part;
pub use wait::until;

/// Whether tests against real parts run; where they do not, `test` is put on record as skipped.
#[must_use]
pub fn wanted(test: &str) -> bool {
    let wanted = env::var_os("ENTENTE_REAL").is_some_and(|value| value == "1");
    if !wanted {
        skipped(test, "real parts are tested by `./x test --real`");
    }
    wanted
}

/// The first of `names` that is an executable file, either as it stands or on the path.
#[must_use]
pub fn program(names: &[&str]) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/usr/lib/frr".into()])
        .collect();
    names.iter().find_map(|name| {
        let absolute = Path::new(name).is_absolute().then(|| PathBuf::from(name));
        absolute
            .into_iter()
            .chain(folders.iter().map(|folder| folder.join(name)))
            .find(|file| file.is_file())
    })
}

/// The Python that has the foreign judges: `ENTENTE_PYTHON`, or the virtual environment in the root of the checkout.
#[must_use]
pub fn python() -> PathBuf {
    env::var_os("ENTENTE_PYTHON").map_or_else(|| root().join(".venv/bin/python"), PathBuf::from)
}

/// The root of the checkout that the running test belongs to.
#[must_use]
pub fn root() -> PathBuf {
    let here = env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from("."), PathBuf::from);
    let top = here
        .ancestors()
        .find(|folder| folder.join("Cargo.lock").is_file())
        .map(Path::to_path_buf);
    top.unwrap_or(here)
}

/// The ports that are given away: below those that the kernel takes for whoever connects, who would otherwise sit on the
/// port of a server that is to come back.
const PORTS: std::ops::Range<u16> = 12_000..32_000;

/// A TCP port of the loopback address that nobody listens on now, and that this process has not given away before.
///
/// # Errors
/// When no port is left.
pub fn free_port() -> std::io::Result<u16> {
    static BEGIN: LazyLock<u16> = LazyLock::new(|| RandomState::new().hash_one(0) as u16);
    static GIVEN: AtomicU16 = AtomicU16::new(0);
    for _ in PORTS {
        let nth = BEGIN.wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed));
        let port = PORTS.start + nth % (PORTS.end - PORTS.start);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    Err(std::io::ErrorKind::AddrNotAvailable.into())
}
