//! A sealed stream: chunks under AES-256-GCM with a key made of a passphrase; a cut, swapped or altered chunk shows.

use std::io::{self, Read, Write};
use std::num::NonZeroU32;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::pbkdf2;

use super::BackupError;

/// What every backup begins with.
const MAGIC: &[u8] = b"entente-backup\n";
/// How many bytes are sealed together.
const CHUNK: usize = 256 * 1024;
/// How many bytes the seal adds to a chunk.
const TAG: usize = 16;
/// How dear each guess of the passphrase is.
const ROUNDS: u32 = 600_000;
/// Set in the length of the last chunk.
const LAST: u32 = 1 << 31;

fn key(passphrase: &str, salt: &[u8; 16]) -> Result<LessSafeKey, BackupError> {
    let rounds = NonZeroU32::new(ROUNDS).ok_or(BackupError::Key)?;
    let mut bytes = [0; 32];
    pbkdf2::derive(
        pbkdf2::PBKDF2_HMAC_SHA256,
        rounds,
        salt,
        passphrase.as_bytes(),
        &mut bytes,
    );
    let key = UnboundKey::new(&AES_256_GCM, &bytes).map_err(|_| BackupError::Key)?;
    Ok(LessSafeKey::new(key))
}

/// No two chunks of one key have the same: the salt is new for each backup.
fn nonce(count: u64, last: bool) -> Nonce {
    let mut bytes = [0; 12];
    bytes[..8].copy_from_slice(&count.to_be_bytes());
    bytes[11] = u8::from(last);
    Nonce::assume_unique_for_key(bytes)
}

/// Seals what is written to it.
pub struct Sealing<W: Write> {
    out: W,
    key: LessSafeKey,
    chunk: Vec<u8>,
    count: u64,
}

impl<W: Write> Sealing<W> {
    /// Begins a sealed stream.
    pub fn begin(mut out: W, passphrase: &str) -> Result<Self, BackupError> {
        let mut salt = [0; 16];
        getrandom::fill(&mut salt).map_err(|_| BackupError::Key)?;
        let key = key(passphrase, &salt)?;
        let disk = |source| BackupError::Disk {
            act: "write",
            path: "the backup".to_owned(),
            source,
        };
        out.write_all(MAGIC).and_then(|()| out.write_all(&salt)).map_err(disk)?;
        let (chunk, count) = (Vec::with_capacity(CHUNK + TAG), 0);
        Ok(Self { out, key, chunk, count })
    }

    fn seal(&mut self, last: bool) -> io::Result<()> {
        let mut chunk = std::mem::take(&mut self.chunk);
        let sealed = self
            .key
            .seal_in_place_append_tag(nonce(self.count, last), Aad::from(MAGIC), &mut chunk);
        sealed.map_err(|_| io::Error::other("cannot seal"))?;
        self.count += 1;
        let length = u32::try_from(chunk.len()).map_err(io::Error::other)? | if last { LAST } else { 0 };
        self.out.write_all(&length.to_be_bytes())?;
        self.out.write_all(&chunk)?;
        chunk.clear();
        self.chunk = chunk;
        Ok(())
    }

    /// Ends the stream: without this it is none.
    pub fn end(mut self) -> io::Result<W> {
        self.seal(true)?;
        self.out.flush()?;
        Ok(self.out)
    }
}

impl<W: Write> Write for Sealing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(CHUNK - self.chunk.len());
        self.chunk.extend_from_slice(&bytes[..taken]);
        if self.chunk.len() == CHUNK {
            self.seal(false)?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Opens what was sealed.
pub struct Opening<R: Read> {
    from: R,
    key: LessSafeKey,
    chunk: Vec<u8>,
    at: usize,
    count: u64,
    over: bool,
}

impl<R: Read> Opening<R> {
    /// Begins to open a sealed stream.
    pub fn begin(mut from: R, passphrase: &str) -> Result<Self, BackupError> {
        let (mut magic, mut salt) = ([0; MAGIC.len()], [0; 16]);
        from.read_exact(&mut magic).map_err(|_| BackupError::Sealed)?;
        if magic != MAGIC {
            return Err(BackupError::Sealed);
        }
        from.read_exact(&mut salt).map_err(|_| BackupError::Sealed)?;
        let key = key(passphrase, &salt)?;
        Ok(Self {
            from,
            key,
            chunk: Vec::new(),
            at: 0,
            count: 0,
            over: false,
        })
    }

    fn open(&mut self) -> io::Result<()> {
        let sealed = || io::Error::new(io::ErrorKind::InvalidData, BackupError::Sealed);
        let mut length = [0; 4];
        self.from.read_exact(&mut length).map_err(|_| sealed())?;
        let length = u32::from_be_bytes(length);
        let (last, length) = (length & LAST != 0, (length & !LAST) as usize);
        if length > CHUNK + TAG {
            return Err(sealed());
        }
        self.chunk.resize(length, 0);
        self.from.read_exact(&mut self.chunk).map_err(|_| sealed())?;
        let nonce = nonce(self.count, last);
        let opened = self.key.open_in_place(nonce, Aad::from(MAGIC), &mut self.chunk);
        let length = opened.map_err(|_| sealed())?.len();
        self.chunk.truncate(length);
        (self.at, self.over) = (0, last);
        self.count += 1;
        Ok(())
    }
}

impl<R: Read> Read for Opening<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.at == self.chunk.len() {
            if self.over {
                return Ok(0);
            }
            self.open()?;
        }
        let taken = into.len().min(self.chunk.len() - self.at);
        into[..taken].copy_from_slice(&self.chunk[self.at..self.at + taken]);
        self.at += taken;
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(content: &[u8]) -> Vec<u8> {
        let mut sealing = Sealing::begin(Vec::new(), "correct horse").unwrap();
        sealing.write_all(content).unwrap();
        sealing.end().unwrap()
    }

    fn opened(bytes: &[u8], passphrase: &str) -> Result<Vec<u8>, String> {
        let mut out = Vec::new();
        let mut opening = Opening::begin(bytes, passphrase).map_err(|error| error.to_string())?;
        opening.read_to_end(&mut out).map_err(|error| error.to_string())?;
        Ok(out)
    }

    #[test]
    fn what_was_sealed_comes_back_whole_or_not_at_all() {
        let content: Vec<u8> = (0..CHUNK * 2 + 77).map(|at| (at % 251) as u8).collect();
        let whole = sealed(&content);
        assert_eq!(opened(&whole, "correct horse").unwrap(), content);
        assert!(opened(&whole, "wrong horse").is_err());
        assert!(
            !whole.windows(64).any(|it| it == &content[..64]),
            "nothing can be read in it"
        );
        for cut in [0, 10, 40, CHUNK, whole.len() - 1] {
            assert!(opened(&whole[..cut], "correct horse").is_err(), "cut at {cut}");
        }
        let chunk = CHUNK + TAG + 4;
        let begin = MAGIC.len() + 16;
        let without_last = &whole[..begin + 2 * chunk];
        assert!(opened(without_last, "correct horse").is_err(), "the end is missing");
        let mut swapped = whole.clone();
        let (first, second) = swapped[begin..].split_at_mut(chunk);
        first.swap_with_slice(&mut second[..chunk]);
        assert!(opened(&swapped, "correct horse").is_err(), "chunks in another order");
        let mut altered = whole;
        altered[begin + 100] ^= 1;
        assert!(opened(&altered, "correct horse").is_err());
    }
}
