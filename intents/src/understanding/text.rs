//! The text of a sentence: normalised, and cut into words, single Chinese characters and signs.

use unicode_normalization::UnicodeNormalization;

use super::contraction;
use crate::phrase::{is_han, joins};

/// The most characters of a sentence.
pub const LENGTH: usize = 4_000;

/// Why a text is not read at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Nothing is said.
    #[error("nothing is said")]
    Empty,
    /// Too much is said.
    #[error("{0} characters are more than {LENGTH}")]
    Long(usize),
    /// What no keyboard writes.
    #[error("control character U+{0:04X} at character {1}")]
    Control(u32, usize),
}

/// A text that can be read.
#[derive(Debug, Clone)]
pub struct Text {
    /// Normalised letters as they were written.
    pub letters: Vec<char>,
    /// The same letters with the signs and widths that they were written with, where that can be told.
    written: Vec<char>,
    /// The same letters, lower case, one for one.
    pub folded: Vec<char>,
    /// Words, characters and signs, in order.
    pub tokens: Vec<Token>,
    /// How many words were taken for others that they nearly are.
    pub mended: usize,
}

/// A word, a Chinese character or a sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Lower case.
    pub text: String,
    /// Without its ending.
    pub stem: String,
    /// Where it begins, in letters.
    pub begin: usize,
    /// Where it ends, in letters.
    pub end: usize,
    /// What it is.
    pub shape: Shape,
    /// Whether no space stands before it.
    pub glued: bool,
    /// Whether it is the comma of Chinese, which parts clauses and joins no list.
    pub clause: bool,
}

/// What a token is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Letters and digits of an alphabet.
    Word,
    /// One Chinese character.
    Han,
    /// One sign.
    Sign,
}

impl Text {
    /// Normalises and cuts `text`.
    ///
    /// # Errors
    /// Where it is empty, too long or holds control characters.
    pub fn read(text: &str) -> Result<Self, TextError> {
        let long = text.chars().nth(LENGTH).is_some();
        if long {
            return Err(TextError::Long(text.chars().count()));
        }
        let forbidden = |letter: char| letter.is_control() && !matches!(letter, '\n' | '\r' | '\t');
        if let Some((at, letter)) = text.chars().enumerate().find(|(_, letter)| forbidden(*letter)) {
            return Err(TextError::Control(letter.into(), at + 1));
        }
        let letters: Vec<char> = text
            .chars()
            .map(plain)
            .collect::<String>()
            .nfkc()
            .take(4 * LENGTH)
            .collect();
        let written: Vec<char> = text.chars().collect();
        let written = if written.len() == letters.len() {
            written
        } else {
            letters.clone()
        };
        let letters = without_numbering(letters);
        let clauses: Vec<bool> = letters.iter().map(|it| *it == CLAUSE).collect();
        let letters: Vec<char> = letters
            .into_iter()
            .map(|it| if it == CLAUSE { ',' } else { it })
            .collect();
        let folded: Vec<char> = letters.iter().map(|it| fold(*it)).collect();
        let mut tokens = contraction::apart(cut(&folded));
        for token in &mut tokens {
            token.clause = clauses[token.begin];
        }
        if tokens.is_empty() {
            return Err(TextError::Empty);
        }
        Ok(Self {
            letters,
            written,
            folded,
            tokens,
            mended: 0,
        })
    }

    /// The letters from token `begin` up to token `end`, as they were written.
    #[must_use]
    pub fn said(&self, begin: usize, end: usize) -> String {
        self.part(&self.letters, begin, end)
    }

    /// The same to the letter, for text that stands as it is.
    #[must_use]
    pub fn written(&self, begin: usize, end: usize) -> String {
        self.part(&self.written, begin, end)
    }

    fn part(&self, letters: &[char], begin: usize, end: usize) -> String {
        let (Some(first), Some(last)) = (
            self.tokens.get(begin),
            end.checked_sub(1).and_then(|it| self.tokens.get(it)),
        ) else {
            return String::new();
        };
        letters[first.begin..last.end.max(first.begin)].iter().collect()
    }

    /// The token that begins at this letter; the number of tokens at the end of the text.
    #[must_use]
    pub fn token_at(&self, letter: usize) -> Option<usize> {
        match self.tokens.binary_search_by_key(&letter, |token| token.begin) {
            Ok(index) => Some(index),
            // Between two tokens, or behind the last one.
            Err(index) => {
                let inside = index > 0 && self.tokens[index - 1].end > letter;
                (!inside).then_some(index)
            }
        }
    }

    /// Whether Chinese is spoken.
    #[must_use]
    pub fn is_chinese(&self) -> bool {
        self.tokens.iter().any(|token| token.shape == Shape::Han)
    }
}

/// The letters with `(1)`, `2)`, 三、 before the points of a list made signs that part; one such mark alone is none.
fn without_numbering(letters: Vec<char>) -> Vec<char> {
    let mut marks = Vec::new();
    let mut at = 0;
    while at < letters.len() {
        let begins = letters[..at]
            .iter()
            .rev()
            .find(|it| !it.is_whitespace())
            .is_none_or(|it| matches!(it, '.' | ';' | ':' | '?' | '!' | ',' | '-') || *it == CLAUSE)
            || letters[at] == '(';
        match mark(&letters, at).filter(|_| begins) {
            Some((number, end)) if number == marks.len() + 1 => {
                marks.push((at, end));
                at = end;
            }
            _ => at += 1,
        }
    }
    let mut letters = letters;
    if marks.len() > 1 {
        for (begin, end) in marks {
            letters[begin..end].fill(' ');
            letters[begin] = ';';
        }
    }
    letters
}

/// The number of a point of a list that begins here, and the letter behind its mark.
fn mark(letters: &[char], at: usize) -> Option<(usize, usize)> {
    const HAN: [char; 9] = ['一', '二', '三', '四', '五', '六', '七', '八', '九'];
    let open = letters[at] == '(';
    let first = at + usize::from(open);
    let number = *letters.get(first)?;
    let han = HAN.iter().position(|it| *it == number).map(|it| it + 1);
    let number = number.to_digit(10).map(|it| it as usize).or(han)?;
    let sign = *letters.get(first + 1)?;
    let spaced = || {
        letters
            .get(first + 2)
            .is_some_and(|it| it.is_whitespace() || is_han(*it))
    };
    let ends = sign == ')' || !open && (sign == '、' && han.is_some() || sign == '.' && spaced());
    ends.then_some((number, first + 2))
}

/// Stands for the comma of Chinese until the text is cut.
const CLAUSE: char = '\u{e000}';

/// Signs that mean the same whichever keyboard wrote them.
fn plain(letter: char) -> char {
    match letter {
        '，' => CLAUSE,
        '。' => '.',
        '；' => ';',
        '：' => ':',
        '？' => '?',
        '！' => '!',
        '（' | '【' => '(',
        '）' | '】' => ')',
        '“' | '”' | '「' | '」' | '『' | '』' | '„' | '«' | '»' => '"',
        '‘' | '’' | '`' | '´' => '\'',
        '–' | '—' | '−' | '‐' | '‑' => '-',
        '～' | '〜' => '~',
        '→' | '➜' => '>',
        '\t' | '\n' | '\r' => ' ',
        other => other,
    }
}

fn fold(letter: char) -> char {
    let mut lower = letter.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(one), None) => one,
        _ => letter,
    }
}

fn cut(folded: &[char]) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut at = 0;
    let mut glued = false;
    while at < folded.len() {
        if folded[at].is_whitespace() {
            at += 1;
            glued = false;
            continue;
        }
        let begin = at;
        at += 1;
        let shape = if is_han(folded[begin]) {
            Shape::Han
        } else if joins(folded[begin]) {
            while at < folded.len() && joins(folded[at]) {
                at += 1;
            }
            Shape::Word
        } else {
            Shape::Sign
        };
        let text: String = folded[begin..at].iter().collect();
        tokens.push(Token {
            stem: stem(&text),
            text,
            begin,
            end: at,
            shape,
            glued,
            clause: false,
        });
        glued = true;
    }
    tokens
}

/// A word without its ending, so that `limit`, `limits`, `limited` and `limiting` are one.
#[must_use]
pub fn stem(word: &str) -> String {
    let word = regular(word);
    let length = word.len();
    // HTTP and HTTPS differ by more than an ending.
    if word == "https" || !word.is_ascii() || length < 4 || word.bytes().any(|it| it.is_ascii_digit()) {
        return word.to_owned();
    }
    let single = |root: &str| {
        let bytes = root.as_bytes();
        let double = bytes.len() > 3 && bytes[bytes.len() - 1] == bytes[bytes.len() - 2];
        let keeps = matches!(bytes.last(), Some(b'l' | b's' | b'z'));
        if double && !keeps {
            root[..root.len() - 1].to_owned()
        } else {
            root.to_owned()
        }
    };
    let root = if let Some(root) = word.strip_suffix("ing").filter(|it| it.len() > 2) {
        single(root)
    } else if let Some(root) = word
        .strip_suffix("ied")
        .or_else(|| word.strip_suffix("ies"))
        .filter(|it| it.len() > 1)
    {
        format!("{root}y")
    } else if let Some(root) = word.strip_suffix("ed").filter(|it| it.len() > 2) {
        single(root)
    } else if let Some(root) = word.strip_suffix("es").filter(|it| it.len() > 3) {
        root.to_owned()
    } else if word.ends_with('s') && !word.ends_with("ss") && !word.ends_with("us") && !word.ends_with("is") {
        word[..length - 1].to_owned()
    } else {
        word.to_owned()
    };
    match root.strip_suffix('e').filter(|it| it.len() > 2) {
        Some(shorter) => shorter.to_owned(),
        None => root,
    }
}

/// The plain form of a verb that changes within.
fn regular(word: &str) -> &str {
    match word {
        "given" | "gave" => "give",
        "taken" | "took" => "take",
        "sent" => "send",
        "kept" => "keep",
        "held" => "hold",
        "brought" => "bring",
        "made" => "make",
        "gone" | "went" => "go",
        "ran" => "run",
        "told" => "tell",
        "built" => "build",
        "written" | "wrote" => "write",
        "shown" => "show",
        "known" | "knew" => "know",
        "begun" | "began" => "begin",
        "driven" | "drove" => "drive",
        "chosen" | "chose" => "choose",
        "broken" | "broke" => "break",
        "frozen" | "froze" => "freeze",
        "hidden" | "hid" => "hide",
        "forbidden" | "forbade" => "forbid",
        "fallen" | "fell" => "fall",
        "risen" | "rose" => "rise",
        "grown" | "grew" => "grow",
        "drawn" | "drew" => "draw",
        "withdrawn" | "withdrew" => "withdraw",
        "thrown" | "threw" => "throw",
        "lent" => "lend",
        "spent" => "spend",
        "spoken" | "spoke" => "speak",
        "stolen" => "steal",
        "stood" => "stand",
        "understood" => "understand",
        "learnt" => "learn",
        "dealt" => "deal",
        "meant" => "mean",
        "lit" => "light",
        "died" | "dying" => "die",
        "tied" | "tying" => "tie",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_count_for_nothing() {
        for words in [
            vec!["limit", "limits", "limited", "limiting"],
            vec!["route", "routes", "routed", "routing"],
            vec!["drop", "drops", "dropped", "dropping"],
            vec!["policy", "policies"],
            vec!["balance", "balanced", "balancing"],
            vec!["address"],
        ] {
            let first = stem(words[0]);
            assert!(words.iter().all(|word| stem(word) == first), "{words:?}");
        }
    }

    #[test]
    fn widths_and_signs_are_one() {
        let text = Text::read("Ｒ１：ｅｔｈ１，限速１００兆。").unwrap();
        let words: Vec<&str> = text.tokens.iter().map(|token| token.text.as_str()).collect();
        assert_eq!(words, ["r1", ":", "eth1", ",", "限", "速", "100", "兆", "."]);
        assert_eq!(text.said(0, 3), "R1:eth1");
    }

    #[test]
    fn what_is_not_read() {
        let error = |text: &str| Text::read(text).map(|_| ()).unwrap_err().to_string();
        assert_eq!(error(""), "nothing is said");
        assert_eq!(error(" \n"), "nothing is said");
        assert_eq!(error("a\u{7}b"), "control character U+0007 at character 2");
        assert_eq!(error(&"x".repeat(LENGTH + 1)), "4001 characters are more than 4000");
        assert!(Text::read(&"㈱".repeat(LENGTH)).is_ok());
    }
}
