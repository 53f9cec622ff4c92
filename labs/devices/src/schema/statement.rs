//! YANG text as a tree of statements: as much of the grammar as the modules of these devices use.

/// A statement: keyword, argument, what stands in its braces.
#[derive(Debug)]
pub struct Statement {
    /// The keyword.
    pub keyword: String,
    /// The argument, empty when there is none.
    pub argument: String,
    /// The statements inside.
    pub inner: Vec<Statement>,
}

impl Statement {
    /// The argument of the first inner statement with this keyword.
    pub fn argument_of(&self, keyword: &str) -> Option<&str> {
        self.inner
            .iter()
            .find(|it| it.keyword == keyword)
            .map(|it| it.argument.as_str())
    }

    /// Every inner statement with this keyword.
    pub fn all<'a>(&'a self, keyword: &'a str) -> impl Iterator<Item = &'a Statement> {
        self.inner.iter().filter(move |statement| statement.keyword == keyword)
    }
}

/// Reads the one statement (the module) that a text holds; `None` when it is not YANG.
pub fn parse(text: &str) -> Option<Statement> {
    let mut tokens = tokens(text)?;
    tokens.reverse();
    statement(&mut tokens)
}

#[derive(Debug, PartialEq)]
enum Token {
    Word(String),
    Open,
    Close,
    End,
    Plus,
}

fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let used = match first {
            '{' => single(&mut found, Token::Open),
            '}' => single(&mut found, Token::Close),
            ';' => single(&mut found, Token::End),
            '+' => single(&mut found, Token::Plus),
            '"' | '\'' => {
                let end = rest[1..].find(first)?;
                found.push(Token::Word(rest[1..=end].to_owned()));
                end + 2
            }
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/")? + 2,
            _ => {
                let end = rest.find(|letter: char| letter.is_whitespace() || "{};".contains(letter))?;
                found.push(Token::Word(rest[..end].to_owned()));
                end
            }
        };
        rest = rest[used..].trim_start();
    }
    Some(found)
}

fn single(found: &mut Vec<Token>, token: Token) -> usize {
    found.push(token);
    1
}

fn statement(tokens: &mut Vec<Token>) -> Option<Statement> {
    let Token::Word(keyword) = tokens.pop()? else {
        return None;
    };
    let mut argument = String::new();
    let mut inner = Vec::new();
    loop {
        match tokens.pop()? {
            Token::Word(word) => argument.push_str(&word),
            Token::Plus => {}
            Token::End => {
                return Some(Statement {
                    keyword,
                    argument,
                    inner,
                });
            }
            Token::Open => {
                while *tokens.last()? != Token::Close {
                    inner.push(statement(tokens)?);
                }
                tokens.pop();
                return Some(Statement {
                    keyword,
                    argument,
                    inner,
                });
            }
            Token::Close => return None,
        }
    }
}
