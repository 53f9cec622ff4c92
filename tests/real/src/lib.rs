//! What tests against real parts share: when they run, what they start, what they leave on record.
//!
//! A test against a real part begins with [`wanted`] and leaves when it answers false. With `ENTENTE_REAL=1` it never
//! does: there a missing part is a failure, so that a green run means that the part was spoken to.

mod child;
mod ledger;
mod part;
mod wait;

use std::env;
use std::path::{Path, PathBuf};

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

/// A TCP port of the loopback address that nobody listens on now.
///
/// # Errors
/// When the system has no port left.
pub fn free_port() -> std::io::Result<u16> {
    std::net::TcpListener::bind(("127.0.0.1", 0))?
        .local_addr()
        .map(|address| address.port())
}
