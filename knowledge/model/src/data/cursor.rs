//! A place in a JSON text and the steps from there: no value is built, so nothing is held.

use std::borrow::Cow;

/// The text is no JSON.
#[derive(Debug)]
pub(super) struct Syntax {
    pub(super) at: usize,
    pub(super) expected: Cow<'static, str>,
    /// It is JSON, and nested more deeply than anything is read.
    pub(super) deep: bool,
}

/// A scalar as it stands in the text.
#[derive(Debug)]
pub(super) enum Scalar<'t> {
    Text(Cow<'t, str>),
    Number(&'t str),
    Boolean(&'t str),
    Null,
}

/// A place in the text.
#[derive(Debug, Clone)]
pub(super) struct Cursor<'t> {
    text: &'t str,
    at: usize,
    deepest: usize,
}

impl<'t> Cursor<'t> {
    pub(super) fn new(text: &'t str, deepest: usize) -> Self {
        Self { text, at: 0, deepest }
    }

    /// Where the next token begins, in bytes.
    pub(super) fn place(&mut self) -> usize {
        self.peek();
        self.at
    }

    /// The first byte of the next token; none at the end.
    pub(super) fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = bytes.get(self.at) {
            self.at += 1;
        }
        bytes.get(self.at).copied()
    }

    pub(super) fn take(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    pub(super) fn expect(&mut self, byte: u8, expected: &'static str) -> Result<(), Syntax> {
        if self.take(byte) {
            Ok(())
        } else {
            Err(self.wrong(expected))
        }
    }

    pub(super) fn wrong(&self, expected: impl Into<Cow<'static, str>>) -> Syntax {
        Syntax {
            at: self.at,
            expected: expected.into(),
            deep: false,
        }
    }

    /// What is said where a value is nested more deeply than anything is read.
    pub(super) fn too_deep(&self) -> Syntax {
        Syntax {
            deep: true,
            ..self.wrong(super::deeper_than(self.deepest))
        }
    }

    /// After an item of an object or array: true if another follows, false if it ends here.
    pub(super) fn more(&mut self, end: u8) -> Result<bool, Syntax> {
        if self.take(b',') {
            return Ok(true);
        }
        self.expect(end, if end == b'}' { "',' or '}'" } else { "',' or ']'" })?;
        Ok(false)
    }

    /// The name of a member and the colon behind it.
    pub(super) fn name(&mut self) -> Result<Cow<'t, str>, Syntax> {
        self.expect(b'"', "a name in quotes")?;
        let name = self.string()?;
        self.expect(b':', "':'")?;
        Ok(name)
    }

    /// A scalar; none if an object or array begins here.
    pub(super) fn scalar(&mut self) -> Result<Option<Scalar<'t>>, Syntax> {
        Ok(Some(match self.peek() {
            Some(b'{' | b'[') => return Ok(None),
            Some(b'"') => {
                self.at += 1;
                Scalar::Text(self.string()?)
            }
            Some(b'-' | b'0'..=b'9') => Scalar::Number(self.number()?),
            Some(b't') => Scalar::Boolean(self.word("true")?),
            Some(b'f') => Scalar::Boolean(self.word("false")?),
            Some(b'n') => {
                self.word("null")?;
                Scalar::Null
            }
            Some(_) | None => return Err(self.wrong("a value")),
        }))
    }

    fn word(&mut self, word: &'static str) -> Result<&'static str, Syntax> {
        if !self.text[self.at..].starts_with(word) {
            return Err(self.wrong(word));
        }
        self.at += word.len();
        Ok(word)
    }

    /// A number in the grammar of JSON.
    fn number(&mut self) -> Result<&'t str, Syntax> {
        let (bytes, from) = (self.text.as_bytes(), self.at);
        let digits = |mut at: usize| {
            while bytes.get(at).is_some_and(u8::is_ascii_digit) {
                at += 1;
            }
            at
        };
        let mut at = from + usize::from(bytes[from] == b'-');
        let whole = at;
        at = digits(at);
        let mut sound = at > whole && (bytes[whole] != b'0' || at == whole + 1);
        if bytes.get(at) == Some(&b'.') {
            let part = at + 1;
            at = digits(part);
            sound &= at > part;
        }
        if let Some(b'e' | b'E') = bytes.get(at) {
            let sign = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
            let power = at + 1 + sign;
            at = digits(power);
            sound &= at > power;
        }
        self.at = at;
        if sound {
            Ok(&self.text[from..at])
        } else {
            Err(self.wrong("a number"))
        }
    }

    /// The rest of a string whose opening quote is behind.
    fn string(&mut self) -> Result<Cow<'t, str>, Syntax> {
        let (bytes, from) = (self.text.as_bytes(), self.at);
        loop {
            match bytes.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(Cow::Borrowed(&self.text[from..self.at - 1]));
                }
                Some(b'\\') => break,
                Some(0..=0x1f) | None => return Err(self.wrong("'\"'")),
                Some(_) => self.at += 1,
            }
        }
        let mut string = self.text[from..self.at].to_owned();
        loop {
            let plain = self.at;
            while !matches!(bytes.get(self.at), Some(b'"' | b'\\' | 0..=0x1f) | None) {
                self.at += 1;
            }
            string.push_str(&self.text[plain..self.at]);
            match bytes.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(Cow::Owned(string));
                }
                Some(b'\\') => string.push(self.escape()?),
                Some(_) | None => return Err(self.wrong("'\"'")),
            }
        }
    }

    /// An escape, from its backslash on.
    fn escape(&mut self) -> Result<char, Syntax> {
        let letter = self.text.as_bytes().get(self.at + 1);
        let plain = match letter {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(),
            Some(_) | None => return Err(self.wrong("an escape of JSON")),
        };
        self.at += 2;
        Ok(plain)
    }

    /// `\uXXXX`, or two of them for one character.
    fn unicode(&mut self) -> Result<char, Syntax> {
        let first = self.unit()?;
        if let Some(plain) = char::from_u32(first) {
            return Ok(plain);
        }
        let second = if self.text[self.at..].starts_with("\\u") {
            self.unit()?
        } else {
            0
        };
        let pair = [first as u16, second as u16];
        match char::decode_utf16(pair).next() {
            Some(Ok(it)) => Ok(it),
            Some(Err(_)) | None => Err(self.wrong("the second half of a surrogate pair")),
        }
    }

    fn unit(&mut self) -> Result<u32, Syntax> {
        let digits = self.text.get(self.at + 2..self.at + 6);
        let digits = digits.filter(|it| it.bytes().all(|it| it.is_ascii_hexdigit()));
        let unit = digits
            .and_then(|it| u32::from_str_radix(it, 16).ok())
            .ok_or(self.wrong("four hex digits"))?;
        self.at += 6;
        Ok(unit)
    }

    /// Steps over a value of any kind, to at most the deepest level.
    pub(super) fn skip(&mut self) -> Result<(), Syntax> {
        let mut open = Vec::new();
        loop {
            let opened = match self.peek() {
                Some(b'{') => Some(b'}'),
                Some(b'[') => Some(b']'),
                Some(_) | None => self.scalar().map(|_| None)?,
            };
            if let Some(end) = opened {
                self.at += 1;
                if open.len() >= self.deepest {
                    return Err(self.too_deep());
                }
                if !self.take(end) {
                    open.push(end);
                    self.member(end)?;
                    continue;
                }
            }
            loop {
                let Some(end) = open.last().copied() else { return Ok(()) };
                if self.more(end)? {
                    self.member(end)?;
                    break;
                }
                open.pop();
            }
        }
    }

    /// In an object: the name of the next member.
    fn member(&mut self, end: u8) -> Result<(), Syntax> {
        if end == b'}' { self.name().map(|_| ()) } else { Ok(()) }
    }
}
