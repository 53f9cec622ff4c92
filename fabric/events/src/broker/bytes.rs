//! The numbers, texts and lengths of MQTT 5, read with limits and written.

use super::packet::Malformed;

/// The longest text that is taken, in bytes.
const LONGEST_TEXT: usize = 4_096;

/// What is left of a packet.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn bytes(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn byte(&mut self) -> Result<u8, Malformed> {
        Ok(self.bytes(1)?[0])
    }

    pub(super) fn short(&mut self) -> Result<u16, Malformed> {
        let bytes = self.bytes(2)?;
        Ok(u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    pub(super) fn long(&mut self) -> Result<u32, Malformed> {
        let bytes = self.bytes(4)?;
        Ok(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    pub(super) fn binary(&mut self) -> Result<&'a [u8], Malformed> {
        let length = self.short()?;
        self.bytes(length.into())
    }

    /// A text: UTF-8 of bounded length without control characters.
    pub(super) fn text(&mut self) -> Result<&'a str, Malformed> {
        let text = std::str::from_utf8(self.binary()?).map_err(|_| Malformed)?;
        let sound = text.len() <= LONGEST_TEXT && !text.chars().any(char::is_control);
        sound.then_some(text).ok_or(Malformed)
    }

    /// A number in groups of seven bits.
    pub(super) fn variable(&mut self) -> Result<usize, Malformed> {
        let mut number = 0;
        for group in 0..4 {
            let byte = self.byte()?;
            number |= usize::from(byte & 0x7f) << (7 * group);
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Malformed)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A number in groups of seven bits. Nothing that is written is longer than four groups hold.
pub(super) fn variable(mut number: usize, out: &mut Vec<u8>) {
    loop {
        let group = u8::try_from(number & 0x7f).unwrap_or_default();
        number >>= 7;
        if number == 0 {
            return out.push(group);
        }
        out.push(group | 0x80);
    }
}

/// A text or bytes behind their length; what is too long for that is cut.
pub(super) fn binary(bytes: &[u8], out: &mut Vec<u8>) {
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(&bytes[..length.into()]);
}

/// A whole packet: its first byte, its length, its body.
pub(super) fn packet(first: u8, body: &[u8], out: &mut Vec<u8>) {
    out.push(first);
    variable(body.len(), out);
    out.extend_from_slice(body);
}
