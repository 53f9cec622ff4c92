//! What a terminal shows becomes text: no control sequences, no carriage returns, nothing that was overwritten.

/// Cleans the output of a terminal. Bytes that are no UTF-8 become the replacement character.
pub fn clean(bytes: &[u8]) -> String {
    let raw = String::from_utf8_lossy(bytes);
    let mut screen = Screen::default();
    let mut chars = raw.chars().peekable();
    while let Some(it) = chars.next() {
        match it {
            '\u{1b}' => skip_sequence(&mut chars),
            '\n' => screen.feed(),
            '\r' => screen.column = 0,
            '\u{8}' => screen.column = screen.column.saturating_sub(1),
            it if it.is_control() && it != '\t' => {}
            it => screen.put(it),
        }
    }
    screen.text.extend(screen.line);
    screen.text
}

/// The text so far and the line that is being written.
#[derive(Default)]
struct Screen {
    text: String,
    line: Vec<char>,
    column: usize,
}

impl Screen {
    fn put(&mut self, it: char) {
        match self.line.get_mut(self.column) {
            Some(old) => *old = it,
            None => self.line.push(it),
        }
        self.column += 1;
    }

    fn feed(&mut self) {
        self.text.extend(self.line.drain(..));
        self.text.push('\n');
        self.column = 0;
    }
}

/// Skips what follows an escape: a control sequence, an operating system command, or one character.
fn skip_sequence(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match chars.next() {
        Some('[') => while chars.next().is_some_and(|it| !('@'..='~').contains(&it)) {},
        Some(']') => while chars.next().is_some_and(|it| it != '\u{7}' && it != '\u{1b}') {},
        Some('(' | ')' | '#') => {
            chars.next();
        }
        Some(_) | None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_overwritten_is_gone() {
        let cases: &[(&str, &str)] = &[
            ("a\r\nb\r\n", "a\nb\n"),
            ("\u{1b}[31mred\u{1b}[0m\r\n", "red\n"),
            ("--More--\r        \rnext\r\n", "next    \n"),
            (
                "--More--\u{8}\u{8}\u{8}\u{8}\u{8}\u{8}\u{8}\u{8}line 12\r\n",
                "line 12-\n",
            ),
            ("\u{1b}]0;title\u{7}r1# ", "r1# "),
            ("\u{1b}", ""),
        ];
        for (raw, text) in cases {
            assert_eq!(&clean(raw.as_bytes()), text, "{raw:?}");
        }
        assert_eq!(clean(&[0xff, b'a']), "\u{fffd}a");
    }
}
