//! Framing of NETCONF messages: the end mark of base 1.0, the chunks of base 1.1 (RFC 6242).

const MARK: &[u8] = b"]]>]]>";
/// The longest message that a device takes.
const LIMIT: usize = 16 << 20;

/// How messages are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// Each message ends with a mark.
    Marked,
    /// Each message is chunks with their lengths.
    Chunked,
}

/// Why bytes are no message.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BadFrame {
    /// A chunk header that is none.
    #[error("a chunk header is malformed")]
    Header,
    /// Longer than a device takes.
    #[error("a message is longer than {LIMIT} bytes")]
    TooLong,
    /// Not UTF-8.
    #[error("a message is not UTF-8")]
    NotText,
}

/// Collects bytes until they are messages.
#[derive(Debug)]
pub struct Inbox {
    /// How the peer frames from now on.
    pub framing: Framing,
    bytes: Vec<u8>,
    scanned: usize,
    body: Vec<u8>,
}

impl Default for Inbox {
    fn default() -> Inbox {
        Inbox {
            framing: Framing::Marked,
            bytes: Vec::new(),
            scanned: 0,
            body: Vec::new(),
        }
    }
}

impl Inbox {
    /// Takes what arrived.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole message, if there is one.
    ///
    /// # Errors
    /// When the bytes can never become one.
    pub fn take(&mut self) -> Result<Option<String>, BadFrame> {
        if self.bytes.len() + self.body.len() > LIMIT {
            return Err(BadFrame::TooLong);
        }
        let message = match self.framing {
            Framing::Marked => self.marked(),
            Framing::Chunked => self.chunked()?,
        };
        message
            .map(|it| String::from_utf8(it).map_err(|_| BadFrame::NotText))
            .transpose()
    }

    fn marked(&mut self) -> Option<Vec<u8>> {
        let from = self.scanned.saturating_sub(MARK.len());
        let Some(at) = self.bytes[from..].windows(MARK.len()).position(|it| it == MARK) else {
            self.scanned = self.bytes.len();
            return None;
        };
        let mut message: Vec<u8> = self.bytes.drain(..from + at + MARK.len()).collect();
        message.truncate(from + at);
        self.scanned = 0;
        Some(message)
    }

    fn chunked(&mut self) -> Result<Option<Vec<u8>>, BadFrame> {
        loop {
            let window = &self.bytes[..self.bytes.len().min(16)];
            if window.len() < 4 {
                return Ok(None);
            }
            if !window.starts_with(b"\n#") {
                return Err(BadFrame::Header);
            }
            if window.starts_with(b"\n##\n") {
                self.bytes.drain(..4);
                return Ok(Some(std::mem::take(&mut self.body)));
            }
            let Some(end) = window[2..].iter().position(|byte| *byte == b'\n') else {
                return if window.len() == 16 {
                    Err(BadFrame::Header)
                } else {
                    Ok(None)
                };
            };
            let length = size(&window[2..2 + end]).ok_or(BadFrame::Header)?;
            let start = end + 3;
            if length > LIMIT {
                return Err(BadFrame::TooLong);
            }
            if self.bytes.len() < start + length {
                return Ok(None);
            }
            self.body.extend_from_slice(&self.bytes[start..start + length]);
            self.bytes.drain(..start + length);
        }
    }
}

fn size(digits: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(digits).ok()?;
    let plain = !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

/// A message in its frame.
pub fn frame(framing: Framing, message: &str) -> Vec<u8> {
    match framing {
        Framing::Marked => [message.as_bytes(), MARK].concat(),
        Framing::Chunked => [
            format!("\n#{}\n", message.len()).as_bytes(),
            message.as_bytes(),
            b"\n##\n",
        ]
        .concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(framing: Framing, bytes: &[u8], expected: Result<Vec<&str>, BadFrame>) {
        for step in [1, 3, bytes.len()] {
            let mut inbox = Inbox {
                framing,
                ..Inbox::default()
            };
            let mut found = Ok(Vec::new());
            for part in bytes.chunks(step) {
                inbox.push(part);
                while let Ok(messages) = &mut found {
                    match inbox.take() {
                        Ok(Some(message)) => messages.push(message),
                        Ok(None) => break,
                        Err(error) => found = Err(error),
                    }
                }
            }
            let found = found
                .as_ref()
                .map(|it| it.iter().map(String::as_str).collect::<Vec<_>>());
            assert_eq!(found, expected.as_ref().map(Clone::clone), "in steps of {step}");
        }
    }

    #[test]
    fn messages_come_out_however_they_arrive() {
        check(Framing::Marked, b"<a/>]]>]]><b/>]]>]]>", Ok(vec!["<a/>", "<b/>"]));
        check(
            Framing::Chunked,
            b"\n#2\n<a\n#2\n/>\n##\n\n#4\n<b/>\n##\n",
            Ok(vec!["<a/>", "<b/>"]),
        );
        check(Framing::Chunked, b"\n#02\n<a/>", Err(BadFrame::Header));
        check(Framing::Chunked, b"<hello/>", Err(BadFrame::Header));
        check(Framing::Chunked, b"\n#4294967295\n", Err(BadFrame::TooLong));
    }
}
