//! Waiting for a condition, never for luck.

use std::time::{Duration, Instant};

/// Asks `condition` again and again until it yields a value or `within` is over.
///
/// # Errors
/// A sentence that names what was waited for.
#[expect(
    clippy::disallowed_methods,
    reason = "a deadline of a test is a matter of the wall clock"
)]
pub fn until<T>(what: &str, within: Duration, mut condition: impl FnMut() -> Option<T>) -> Result<T, String> {
    let end = Instant::now() + within;
    loop {
        if let Some(value) = condition() {
            return Ok(value);
        }
        if Instant::now() >= end {
            return Err(format!("waited {within:?} in vain for {what}"));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
