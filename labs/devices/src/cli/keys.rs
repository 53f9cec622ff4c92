//! Keys become lines: echo, backspace, the end of a line in each of its spellings.

/// The longest line that a terminal takes.
const LONGEST: usize = 4096;

/// What a key did.
#[derive(Debug, PartialEq, Eq)]
pub enum Key {
    /// Nothing to act on; the bytes are echoed.
    Echo(Vec<u8>),
    /// A line is complete.
    Line(String),
    /// The operator gives the line up (Ctrl-C).
    GiveUp,
    /// Leave configuration (Ctrl-Z).
    End,
    /// The operator hangs up (Ctrl-D on an empty line).
    HangUp,
}

/// A line under construction.
#[derive(Debug, Default)]
pub struct Keys {
    line: Vec<u8>,
    after_return: bool,
}

impl Keys {
    /// Takes one byte.
    pub fn press(&mut self, byte: u8) -> Key {
        let after_return = std::mem::replace(&mut self.after_return, byte == b'\r');
        match byte {
            b'\n' if after_return => Key::Echo(Vec::new()),
            b'\r' | b'\n' => Key::Line(String::from_utf8_lossy(&std::mem::take(&mut self.line)).into_owned()),
            3 => {
                self.line.clear();
                Key::GiveUp
            }
            4 if self.line.is_empty() => Key::HangUp,
            26 => Key::End,
            8 | 127 => Key::Echo(if self.line.pop().is_some() {
                b"\x08 \x08".to_vec()
            } else {
                Vec::new()
            }),
            21 => {
                let erased = b"\x08 \x08".repeat(self.line.len());
                self.line.clear();
                Key::Echo(erased)
            }
            byte if byte < 32 && byte != b'\t' => Key::Echo(Vec::new()),
            _ if self.line.len() >= LONGEST => Key::Echo(Vec::new()),
            byte => {
                self.line.push(byte);
                Key::Echo(vec![byte])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(typed: &[u8]) -> Vec<String> {
        let mut keys = Keys::default();
        let line = |key| if let Key::Line(line) = key { Some(line) } else { None };
        typed.iter().filter_map(|byte| line(keys.press(*byte))).collect()
    }

    #[test]
    fn every_spelling_ends_one_line() {
        assert_eq!(lines(b"a\rb\nc\r\nd\n"), ["a", "b", "c", "d"]);
        assert_eq!(lines(b"shox\x7fw\n\x03ab\x15cd\n"), ["show", "cd"]);
    }
}
