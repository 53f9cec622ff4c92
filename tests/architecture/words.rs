//! Rust as the rules read it: words and signs with their lines, without comments, literals and tests.

/// A word or a sign, with the line that it stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    pub line: usize,
    pub text: String,
}

/// What is left of a file when its tests are taken out.
#[derive(Debug, Default)]
pub struct Tested {
    pub words: Vec<Word>,
    /// The modules that were taken out and stand in files of their own.
    pub modules: Vec<String>,
}

/// A path as it is used, every leaf of a grouped `use` for itself: `.name` for a method, `name!` for a macro.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Used {
    pub line: usize,
    pub segments: Vec<String>,
    /// Called with nothing in the parentheses.
    pub empty_call: bool,
}

/// The words and signs of a text. A literal is one `"`.
pub fn words(text: &str) -> Vec<Word> {
    let mut reader = Reader {
        letters: text.chars().collect(),
        at: 0,
        line: 1,
        words: Vec::new(),
    };
    while reader.at < reader.letters.len() {
        reader.next();
    }
    reader.words
}

struct Reader {
    letters: Vec<char>,
    at: usize,
    line: usize,
    words: Vec<Word>,
}

impl Reader {
    fn peek(&self, ahead: usize) -> char {
        self.letters.get(self.at + ahead).copied().unwrap_or('\0')
    }

    fn step(&mut self) {
        self.line += usize::from(self.peek(0) == '\n');
        self.at += 1;
    }

    fn push(&mut self, text: impl Into<String>) {
        let (line, text) = (self.line, text.into());
        self.words.push(Word { line, text });
    }

    fn next(&mut self) {
        match (self.peek(0), self.peek(1)) {
            ('/', '/') => self.skip_line(),
            ('/', '*') => self.skip_comment(),
            ('"', _) => self.literal(),
            ('\'', _) => self.quote(),
            (':', ':') => {
                self.push("::");
                self.at += 2;
            }
            (letter, _) if letter.is_alphanumeric() || letter == '_' => self.word(),
            (letter, _) => {
                if !letter.is_whitespace() {
                    self.push(letter);
                }
                self.step();
            }
        }
    }

    fn skip_line(&mut self) {
        while self.at < self.letters.len() && self.peek(0) != '\n' {
            self.at += 1;
        }
    }

    fn skip_comment(&mut self) {
        let mut depth = 0;
        while self.at < self.letters.len() {
            let turn = match (self.peek(0), self.peek(1)) {
                ('/', '*') => 1,
                ('*', '/') => -1,
                _ => 0,
            };
            depth += turn;
            self.step();
            if turn != 0 {
                self.step();
            }
            if depth == 0 {
                return;
            }
        }
    }

    fn literal(&mut self) {
        self.push("\"");
        self.step();
        while self.at < self.letters.len() && self.peek(0) != '"' {
            if self.peek(0) == '\\' {
                self.step();
            }
            self.step();
        }
        self.step();
    }

    /// A letter in quotes, or a lifetime.
    fn quote(&mut self) {
        if self.peek(1) == '\\' {
            self.at += 3;
            while self.at < self.letters.len() && self.peek(0) != '\'' {
                self.step();
            }
            self.at += 1;
            self.push("\"");
        } else if self.peek(2) == '\'' {
            self.at += 3;
            self.push("\"");
        } else {
            self.at += 1;
        }
    }

    fn word(&mut self) {
        let from = self.at;
        while self.peek(0).is_alphanumeric() || self.peek(0) == '_' {
            self.at += 1;
        }
        let word: String = self.letters[from..self.at].iter().collect();
        let fences = self.letters[self.at..].iter().take_while(|it| **it == '#').count();
        let opens = self.peek(fences) == '"';
        match &*word {
            "r" | "br" | "cr" if opens => self.raw(fences),
            "b" | "c" if opens && fences == 0 => self.literal(),
            "b" if self.peek(0) == '\'' => self.quote(),
            "r" if fences == 1 => self.at += 1, // a raw name: the word that follows
            _ => self.push(word),
        }
    }

    fn raw(&mut self, fences: usize) {
        self.push("\"");
        self.at += fences + 1;
        let closes = |it: &Self| it.peek(0) == '"' && (1..=fences).all(|ahead| it.peek(ahead) == '#');
        while self.at < self.letters.len() && !closes(self) {
            self.step();
        }
        self.at += fences + 1;
    }
}

/// Takes out every item that stands after `#[cfg(test)]`, and nothing else.
pub fn without_tests(words: &[Word]) -> Tested {
    let is = |at: usize, signs: &[&str]| {
        let here = words[at.min(words.len())..].iter().map(|it| &*it.text);
        here.take(signs.len()).eq(signs.iter().copied())
    };
    let mut rest = Tested::default();
    let mut at = 0;
    while at < words.len() {
        if is(at, &["#", "!", "[", "cfg", "(", "test", ")", "]"]) {
            return rest;
        } else if is(at, &["#", "[", "cfg", "(", "test", ")", "]"]) {
            let from = at + 7;
            at = end_of_item(words, from);
            let item = &words[from..at];
            if let [.., module, name, end] = item
                && module.text == "mod"
                && end.text == ";"
            {
                rest.modules.push(name.text.clone());
            }
        } else {
            rest.words.push(words[at].clone());
            at += 1;
        }
    }
    rest
}

/// Where the item that begins at `from` has ended. What is no item ends with its comma.
fn end_of_item(words: &[Word], from: usize) -> usize {
    let mut at = from;
    while words.get(at).is_some_and(|it| it.text == "#") {
        at = end_of_brackets(words, at + 1);
    }
    let begins = words[at..].iter().map(|it| &*it.text);
    let kind = begins
        .take_while(|it| !matches!(*it, "{" | ";" | "=" | ","))
        .find(|it| {
            matches!(
                *it,
                "fn" | "mod"
                    | "impl"
                    | "struct"
                    | "enum"
                    | "trait"
                    | "use"
                    | "static"
                    | "type"
                    | "const"
                    | "macro_rules"
            )
        })
        .unwrap_or_default();
    let is_fn = words[at..].iter().take(6).any(|it| it.text == "fn");
    let to_semicolon = matches!(kind, "use" | "static" | "type") || kind == "const" && !is_fn;
    while let Some(word) = words.get(at) {
        match &*word.text {
            "{" => {
                at = end_of_brackets(words, at);
                if !to_semicolon {
                    return at;
                }
            }
            "(" | "[" => at = end_of_brackets(words, at),
            ")" | "]" | "}" => return at,
            ";" => return at + 1,
            "," if kind.is_empty() => return at + 1,
            _ => at += 1,
        }
    }
    at
}

/// Where the brackets that open at `at` are closed.
fn end_of_brackets(words: &[Word], mut at: usize) -> usize {
    let mut depth = 0;
    while let Some(word) = words.get(at) {
        depth += match &*word.text {
            "(" | "[" | "{" => 1,
            ")" | "]" | "}" => -1,
            _ => 0,
        };
        at += 1;
        if depth <= 0 {
            return at;
        }
    }
    at
}

/// Words that a path from the root may follow, as in `use ::std`.
const AHEAD_OF_PATHS: &[&str] = &[
    "use", "as", "in", "return", "mut", "dyn", "impl", "for", "where", "else", "match", "if", "while", "move", "ref",
];

/// Every path that is used.
pub fn used(words: &[Word]) -> Vec<Used> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let next = words.get(at + 1).map_or("", |it| &*it.text);
        at = if is_name(&words[at]) && !(next == "::" && AHEAD_OF_PATHS.contains(&&*words[at].text)) {
            let method = at > 0 && words[at - 1].text == "." && !(at > 1 && words[at - 2].text == ".");
            path(words, at, Vec::new(), method, &mut found)
        } else {
            at + 1
        };
    }
    found
}

fn is_name(word: &Word) -> bool {
    word.text.starts_with(|it: char| it.is_alphabetic() || it == '_')
}

/// Reads the path at `at` that stands below `above`, and says where it ended.
fn path(words: &[Word], mut at: usize, above: Vec<String>, method: bool, found: &mut Vec<Used>) -> usize {
    let text = |at: usize| words.get(at).map_or("", |it: &Word| &*it.text);
    let line = words[at].line;
    let mut segments = above;
    loop {
        segments.push(text(at).to_owned());
        at += 1;
        if text(at) != "::" {
            break;
        }
        match text(at + 1) {
            "{" => return group(words, at + 2, &segments, found),
            "*" => {
                at += 1;
            }
            _ if words.get(at + 1).is_some_and(is_name) => at += 1,
            _ => break,
        }
    }
    if method {
        segments[0].insert(0, '.');
    }
    if text(at) == "!" && text(at + 1) != "=" {
        let last = segments.len() - 1;
        segments[last].push('!');
    }
    let call = if text(at) == "::" && text(at + 1) == "<" {
        after_angles(words, at + 1)
    } else {
        at
    };
    let empty_call = text(call) == "(" && text(call + 1) == ")";
    found.push(Used {
        line,
        segments,
        empty_call,
    });
    at
}

fn group(words: &[Word], mut at: usize, above: &[String], found: &mut Vec<Used>) -> usize {
    while let Some(word) = words.get(at) {
        at = match &*word.text {
            "}" => return at + 1,
            "as" => at + 2,
            "*" => path(words, at, above.to_vec(), false, found),
            _ if is_name(word) => path(words, at, above.to_vec(), false, found),
            _ => at + 1,
        };
    }
    at
}

fn after_angles(words: &[Word], mut at: usize) -> usize {
    let mut depth = 0;
    while let Some(word) = words.get(at) {
        depth += match &*word.text {
            "<" => 1,
            ">" => -1,
            _ => 0,
        };
        at += 1;
        if depth == 0 {
            return at;
        }
    }
    at
}
