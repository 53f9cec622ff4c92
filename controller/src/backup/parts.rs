//! Named parts one after the other: a header of two lengths, the name, the content.

use std::io::{self, Read, Write};

use super::BackupError;

/// The longest name.
const NAME: usize = 512;

/// Writes a part whose content has `length` bytes.
pub fn write(out: &mut impl Write, name: &str, length: u64, content: &mut impl Read) -> io::Result<()> {
    let size = u16::try_from(name.len()).map_err(io::Error::other)?;
    out.write_all(&size.to_be_bytes())?;
    out.write_all(&length.to_be_bytes())?;
    out.write_all(name.as_bytes())?;
    let written = io::copy(&mut content.take(length), out)?;
    if written == length {
        Ok(())
    } else {
        Err(io::Error::other(format!("{name} became shorter while it was read")))
    }
}

/// The next part's name and length; nothing at the end.
pub fn next(from: &mut impl Read) -> Result<Option<(String, u64)>, BackupError> {
    let (mut size, mut length) = ([0; 2], [0; 8]);
    match from.read(&mut size[..1]).map_err(|_| BackupError::Sealed)? {
        0 => return Ok(None),
        _ => from.read_exact(&mut size[1..]).map_err(|_| BackupError::Sealed)?,
    }
    from.read_exact(&mut length).map_err(|_| BackupError::Sealed)?;
    let size = usize::from(u16::from_be_bytes(size));
    let mut name = vec![0; size.min(NAME)];
    from.read_exact(&mut name).map_err(|_| BackupError::Sealed)?;
    let name = String::from_utf8(name).map_err(|_| BackupError::Nonsense("a name is no text".to_owned()))?;
    let safe = |part: &str| !part.is_empty() && part != "." && part != "..";
    if size > NAME || !name.split('/').all(safe) {
        return Err(BackupError::Nonsense(format!("a part is named {name:?}")));
    }
    Ok(Some((name, u64::from_be_bytes(length))))
}
