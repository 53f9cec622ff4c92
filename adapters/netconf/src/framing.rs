//! Where one message ends and the next begins (RFC 6242): end-of-message marks, or chunks with their lengths.
//!
//! The decoder takes bytes as they come and looks at each once. Every length has a limit.

use std::collections::VecDeque;

const MARK: &[u8] = b"]]>]]>";
const CHUNK_DIGITS: usize = 10;

/// How messages are framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// `]]>]]>` behind each message: hello always, and all of base 1.0.
    EndOfMessage,
    /// Chunks with their lengths: base 1.1 after hello.
    Chunked,
}

/// Why the bytes are no frames. The stream is of no more use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FramingError {
    /// A message grew beyond the limit.
    #[error("a message is longer than {limit} bytes")]
    TooLong {
        /// The limit.
        limit: usize,
    },
    /// Something else stood where a chunk header should.
    #[error("expected a chunk header, found byte {found:#04x}")]
    Header {
        /// The byte that was found.
        found: u8,
    },
    /// A chunk length that is none.
    #[error("a chunk length is not a number from 1 to 4294967295")]
    Length,
    /// A message without a byte.
    #[error("a message without any chunk")]
    Empty,
    /// The message is not UTF-8.
    #[error("a message is not valid UTF-8 at byte {at}")]
    Encoding {
        /// The first byte that is not.
        at: usize,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Marked,
    Newline,
    Hash,
    Length { so_far: u64, digits: usize },
    EndNewline,
    Data { left: usize },
}

/// Makes messages of bytes.
#[derive(Debug)]
pub struct Decoder {
    state: State,
    message: Vec<u8>,
    ready: VecDeque<Vec<u8>>,
    limit: usize,
}

impl Decoder {
    /// A decoder at the start of a session, where messages end with a mark.
    pub fn new(limit: usize) -> Self {
        Self {
            state: State::Marked,
            message: Vec::new(),
            ready: VecDeque::new(),
            limit,
        }
    }

    /// Changes to chunks: between two messages, with nothing half read.
    pub fn switch_to_chunks(&mut self) -> Result<(), FramingError> {
        self.state = State::Newline;
        // Bytes behind the hello that came along with it are chunks already.
        let early = std::mem::take(&mut self.message);
        self.push(&early)
    }

    /// Takes bytes as they came.
    pub fn push(&mut self, mut bytes: &[u8]) -> Result<(), FramingError> {
        while !bytes.is_empty() {
            let taken = match self.state {
                State::Marked => self.marked(bytes)?,
                State::Data { left } => self.data(bytes, left)?,
                State::Newline | State::Hash | State::Length { .. } | State::EndNewline => {
                    self.header(bytes[0])?;
                    1
                }
            };
            bytes = &bytes[taken..];
        }
        Ok(())
    }

    /// The next whole message.
    pub fn message(&mut self) -> Option<Result<String, FramingError>> {
        let bytes = self.ready.pop_front()?;
        Some(String::from_utf8(bytes).map_err(|it| FramingError::Encoding {
            at: it.utf8_error().valid_up_to(),
        }))
    }

    /// Is a message half read?
    pub fn is_partial(&self) -> bool {
        !self.message.is_empty() || !matches!(self.state, State::Marked | State::Newline)
    }

    fn marked(&mut self, bytes: &[u8]) -> Result<usize, FramingError> {
        let before = self.message.len();
        // A hello is followed by at most one change of framing, so stop at each mark.
        let last = *MARK.last().unwrap_or(&b'>');
        for (index, _) in bytes.iter().enumerate().filter(|(_, byte)| **byte == last) {
            let end = before + index + 1;
            let from_new = index + 1;
            let complete = if from_new >= MARK.len() {
                bytes[from_new - MARK.len()..from_new] == *MARK
            } else {
                let old = MARK.len() - from_new;
                before >= old && self.message[before - old..] == MARK[..old] && bytes[..from_new] == MARK[old..]
            };
            if complete {
                self.grow(&bytes[..from_new])?;
                self.message.truncate(end - MARK.len());
                let message = std::mem::take(&mut self.message);
                self.ready.push_back(message);
                return Ok(from_new);
            }
        }
        self.grow(bytes)?;
        Ok(bytes.len())
    }

    fn data(&mut self, bytes: &[u8], left: usize) -> Result<usize, FramingError> {
        let taken = bytes.len().min(left);
        self.grow(&bytes[..taken])?;
        self.state = if taken == left {
            State::Newline
        } else {
            State::Data { left: left - taken }
        };
        Ok(taken)
    }

    fn header(&mut self, byte: u8) -> Result<(), FramingError> {
        self.state = match (self.state, byte) {
            (State::Newline, b'\n') => State::Hash,
            (State::Hash, b'#') => State::Length { so_far: 0, digits: 0 },
            (State::Length { digits: 0, .. }, b'#') => State::EndNewline,
            (State::Length { digits: 0, .. }, b'0') => return Err(FramingError::Length),
            (State::Length { so_far, digits }, b'0'..=b'9') if digits < CHUNK_DIGITS => State::Length {
                so_far: so_far * 10 + u64::from(byte - b'0'),
                digits: digits + 1,
            },
            (State::Length { digits: 1.., so_far }, b'\n') => State::Data {
                left: self.room_for(so_far)?,
            },
            (State::Length { .. }, _) => return Err(FramingError::Length),
            (State::EndNewline, b'\n') => self.finish()?,
            (State::Newline | State::Hash | State::EndNewline | State::Marked | State::Data { .. }, found) => {
                return Err(FramingError::Header { found });
            }
        };
        Ok(())
    }

    fn finish(&mut self) -> Result<State, FramingError> {
        let message = std::mem::take(&mut self.message);
        if message.is_empty() {
            return Err(FramingError::Empty);
        }
        self.ready.push_back(message);
        Ok(State::Newline)
    }

    fn room_for(&self, length: u64) -> Result<usize, FramingError> {
        if length > u64::from(u32::MAX) {
            return Err(FramingError::Length);
        }
        let length = usize::try_from(length).map_err(|_| FramingError::Length)?;
        if length > self.limit - self.message.len() {
            return Err(FramingError::TooLong { limit: self.limit });
        }
        Ok(length)
    }

    fn grow(&mut self, bytes: &[u8]) -> Result<(), FramingError> {
        if bytes.len() > self.limit.saturating_sub(self.message.len()) {
            return Err(FramingError::TooLong { limit: self.limit });
        }
        self.message.extend_from_slice(bytes);
        Ok(())
    }
}

/// Puts a message behind others that leave in the same write.
pub fn encode(framing: Framing, message: &str, out: &mut Vec<u8>) {
    match framing {
        Framing::EndOfMessage => {
            out.extend_from_slice(message.as_bytes());
            out.extend_from_slice(MARK);
        }
        Framing::Chunked => {
            out.extend_from_slice(format!("\n#{}\n", message.len()).as_bytes());
            out.extend_from_slice(message.as_bytes());
            out.extend_from_slice(b"\n##\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decode(framing: Framing, bytes: &[u8], pieces: &[usize]) -> Result<Vec<String>, FramingError> {
        let mut decoder = Decoder::new(1 << 16);
        if framing == Framing::Chunked {
            decoder.switch_to_chunks()?;
        }
        let mut rest = bytes;
        for piece in pieces.iter().cycle().map(|it| (*it).max(1)) {
            if rest.is_empty() {
                break;
            }
            let (now, later) = rest.split_at(piece.min(rest.len()));
            decoder.push(now)?;
            rest = later;
        }
        std::iter::from_fn(|| decoder.message()).collect()
    }

    proptest! {
        #[test]
        fn messages_come_out_as_they_went_in_however_they_are_cut(
            messages in proptest::collection::vec("[a-z\\]>#\n é]{1,40}", 1..6),
            pieces in proptest::collection::vec(1usize..9, 1..5),
            chunked: bool,
        ) {
            let framing = if chunked { Framing::Chunked } else { Framing::EndOfMessage };
            // Only chunks can carry the mark itself; and a message may not end in the start of one.
            let messages: Vec<String> = if chunked { messages } else {
                messages.into_iter().map(|it| format!("{}.", it.replace("]]>", ""))).collect()
            };
            let mut bytes = Vec::new();
            for message in &messages {
                encode(framing, message, &mut bytes);
            }
            prop_assert_eq!(decode(framing, &bytes, &pieces).unwrap(), messages);
        }

        #[test]
        fn it_says_the_same_whatever_the_pieces(
            bytes in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'#'), Just(b'1'), Just(b'0'), Just(b']'), Just(b'>'), any::<u8>()], 0..60),
            piece in 1usize..9,
            chunked: bool,
        ) {
            let framing = if chunked { Framing::Chunked } else { Framing::EndOfMessage };
            prop_assert_eq!(decode(framing, &bytes, &[piece]), decode(framing, &bytes, &[64]));
        }

        #[test]
        fn no_bytes_bring_it_down(bytes: Vec<u8>, pieces in proptest::collection::vec(1usize..9, 1..5), chunked: bool) {
            let framing = if chunked { Framing::Chunked } else { Framing::EndOfMessage };
            let _ = decode(framing, &bytes, &pieces);
        }
    }

    #[test]
    fn several_chunks_make_one_message() {
        let bytes = b"\n#4\n<rpc\n#18\n message-id=\"102\"\n\n##\n";
        assert_eq!(
            decode(Framing::Chunked, bytes, &[3]).unwrap(),
            ["<rpc message-id=\"102\"\n"]
        );
    }

    #[test]
    fn what_is_no_chunk_is_refused() {
        let cases: [(&[u8], FramingError); 7] = [
            (b"x", FramingError::Header { found: b'x' }),
            (b"\n#0\n", FramingError::Length),
            (b"\n#04\nabcd", FramingError::Length),
            (b"\n#4294967296\n", FramingError::Length),
            (b"\n#99999999999\n", FramingError::Length),
            (b"\n##\n", FramingError::Empty),
            (b"\n#65537\n", FramingError::TooLong { limit: 1 << 16 }),
        ];
        for (bytes, fault) in cases {
            assert_eq!(
                decode(Framing::Chunked, bytes, &[7]),
                Err(fault),
                "{}",
                String::from_utf8_lossy(bytes)
            );
        }
    }

    #[test]
    fn a_message_that_never_ends_is_refused() {
        let endless = vec![b']'; (1 << 16) + 1];
        let fault = FramingError::TooLong { limit: 1 << 16 };
        assert_eq!(decode(Framing::EndOfMessage, &endless, &[4096]), Err(fault));
    }

    #[test]
    fn bytes_that_are_no_text_are_refused() {
        assert_eq!(
            decode(Framing::Chunked, b"\n#2\na\xff\n##\n", &[2]),
            Err(FramingError::Encoding { at: 1 })
        );
    }

    #[test]
    fn a_chunk_that_came_with_the_hello_is_not_lost() {
        let mut decoder = Decoder::new(1 << 16);
        decoder.push(b"<hello/>]]>]]>\n#2\nab").unwrap();
        assert_eq!(decoder.message().unwrap().unwrap(), "<hello/>");
        decoder.switch_to_chunks().unwrap();
        decoder.push(b"\n##\n").unwrap();
        assert_eq!(decoder.message().unwrap().unwrap(), "ab");
    }
}
