//! The envelope that certificates travel in: a PKCS #7 message that signs nothing and holds certificates only.

/// The largest envelope that is read, in bytes.
pub const LARGEST: usize = 256 << 10;
/// The most certificates that are taken out of one.
pub const MOST: usize = 16;

const SIGNED_DATA: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
const DATA: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const CONTEXT_0: u8 = 0xa0;

/// Bytes that are no envelope of certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("read an envelope of certificates: {what} at byte {at}")]
pub struct EnvelopeError {
    /// What is wrong.
    pub what: &'static str,
    /// Where.
    pub at: usize,
}

/// Puts certificates, each in DER, into an envelope.
pub fn seal(certificates: &[&[u8]]) -> Vec<u8> {
    let mut certificates = certificates.to_vec();
    certificates.sort_unstable(); // a set in DER has an order
    let inner = [
        &[0x02, 0x01, 0x01][..],
        &wrap(SET, &[]),
        &wrap(SEQUENCE, DATA),
        &wrap(CONTEXT_0, &certificates.concat()),
        &wrap(SET, &[]),
    ];
    let signed = wrap(CONTEXT_0, &wrap(SEQUENCE, &inner.concat()));
    wrap(SEQUENCE, &[SIGNED_DATA, &signed].concat())
}

/// Takes the certificates out of an envelope, each in DER.
pub fn certificates(bytes: &[u8]) -> Result<Vec<&[u8]>, EnvelopeError> {
    if bytes.len() > LARGEST {
        return Err(EnvelopeError {
            what: "too many bytes",
            at: LARGEST,
        });
    }
    let mut outer = Reader { bytes, at: 0 }.enter(SEQUENCE)?;
    outer.literally(SIGNED_DATA)?;
    let mut signed = outer.enter(CONTEXT_0)?.enter(SEQUENCE)?;
    signed.next(0x02)?;
    signed.next(SET)?;
    signed.next(SEQUENCE)?;
    let mut all = signed.enter(CONTEXT_0)?;
    let mut found = Vec::new();
    while all.at < all.bytes.len() {
        let begin = all.at;
        all.next(SEQUENCE)?;
        found.push(&all.bytes[begin..all.at]);
        if found.len() > MOST {
            return Err(EnvelopeError {
                what: "too many certificates",
                at: all.at,
            });
        }
    }
    Ok(found)
}

pub(crate) fn wrap(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    let length = content.len().to_be_bytes();
    let digits = &length[length.iter().position(|it| *it != 0).unwrap_or(length.len() - 1)..];
    if content.len() >= 0x80 {
        bytes.push(0x80 | digits.len() as u8); // at most 8
    }
    bytes.extend_from_slice(digits);
    bytes.extend_from_slice(content);
    bytes
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn error<T>(&self, what: &'static str) -> Result<T, EnvelopeError> {
        Err(EnvelopeError { what, at: self.at })
    }

    fn literally(&mut self, expected: &[u8]) -> Result<(), EnvelopeError> {
        match self.bytes.get(self.at..self.at + expected.len()) {
            Some(it) if it == expected => {
                self.at += expected.len();
                Ok(())
            }
            Some(_) | None => self.error("another kind of content"),
        }
    }

    fn enter(&mut self, tag: u8) -> Result<Reader<'a>, EnvelopeError> {
        Ok(Reader {
            bytes: self.next(tag)?,
            at: 0,
        })
    }

    /// The content of the next element, which must have `tag`.
    fn next(&mut self, tag: u8) -> Result<&'a [u8], EnvelopeError> {
        let Some([found, first, rest @ ..]) = self.bytes.get(self.at..) else {
            return self.error("the end");
        };
        if *found != tag {
            return self.error("another element");
        }
        let digits = if *first < 0x80 { 0 } else { usize::from(first & 0x7f) };
        if *first == 0x80 || digits > 4 || digits > rest.len() {
            return self.error("a length that is not taken");
        }
        let long = rest[..digits]
            .iter()
            .fold(0usize, |sum, it| sum << 8 | usize::from(*it));
        let length = if digits == 0 { usize::from(*first) } else { long };
        match rest.get(digits..digits + length) {
            Some(content) => {
                self.at += 2 + digits + length;
                Ok(content)
            }
            None => self.error("a length beyond the end"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_was_sealed_comes_out_again() {
        let (small, large) = (wrap(SEQUENCE, b"small"), wrap(SEQUENCE, &[7; 70_000]));
        let sealed = seal(&[&small, &large]);
        assert_eq!(certificates(&sealed), Ok(vec![&small[..], &large[..]]));
        assert_eq!(sealed, seal(&[&large, &small]), "the order is that of the bytes");
    }

    #[test]
    fn more_certificates_than_are_taken_are_refused() {
        let one = wrap(SEQUENCE, b"x");
        let sealed = seal(&[&one[..]; MOST + 1]);
        let refused = certificates(&sealed).map_err(|it| it.what);
        assert_eq!(refused, Err("too many certificates"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = certificates(&bytes);
        }

        #[test]
        fn a_spoilt_envelope_breaks_nothing(at in 0usize..60, to in any::<u8>()) {
            let mut bytes = seal(&[&wrap(SEQUENCE, &[7; 20])]);
            let at = at % bytes.len();
            bytes[at] = to;
            let _ = certificates(&bytes);
        }
    }
}
