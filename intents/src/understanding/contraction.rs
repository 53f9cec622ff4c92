//! What is said shorter than it is meant: `don't`, `cannot`, `isnt`.

use super::text::{Shape, Token, stem};
use crate::phrase::Element;

/// Words that hold a `not`, with what stands before it and how many letters that takes.
const JOINED: &[(&str, &str, usize)] = &[
    ("cannot", "can", 3),
    ("cant", "can", 3),
    ("dont", "do", 2),
    ("doesnt", "does", 4),
    ("didnt", "did", 3),
    ("isnt", "is", 2),
    ("arent", "are", 3),
    ("wasnt", "was", 3),
    ("werent", "were", 4),
    ("wont", "will", 2),
    ("couldnt", "could", 5),
    ("shouldnt", "should", 6),
    ("wouldnt", "would", 5),
    ("mustnt", "must", 4),
    ("hasnt", "has", 3),
    ("havent", "have", 4),
];

/// What stands before the `n't` of a word that ends in `n`.
fn verb(word: &str) -> Option<&str> {
    match word {
        "can" => Some("can"),
        "won" => Some("will"),
        "shan" => Some("shall"),
        "don" | "doesn" | "didn" | "isn" | "aren" | "wasn" | "weren" | "couldn" | "shouldn" | "wouldn" | "mustn"
        | "hasn" | "haven" | "hadn" | "needn" => word.strip_suffix('n'),
        _ => None,
    }
}

/// The tokens of a text with every `not` as a word of its own.
pub fn apart(tokens: Vec<Token>) -> Vec<Token> {
    let mut all: Vec<Token> = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while at < tokens.len() {
        let token = &tokens[at];
        let glued = |far: usize, text: &str| tokens.get(at + far).is_some_and(|it| it.glued && it.text == text);
        let whole = JOINED.iter().find(|(word, ..)| *word == token.text);
        if let Some(first) = verb(&token.text).filter(|_| glued(1, "'") && glued(2, "t")) {
            let cut = token.end - usize::from(first != "can" && token.end > token.begin + 1);
            all.push(word(first, token.begin, cut, token.glued));
            all.push(word("not", cut, tokens[at + 2].end, true));
            at += 3;
        } else if let Some((_, first, letters)) = whole {
            let cut = token.begin + letters;
            all.push(word(first, token.begin, cut, token.glued));
            all.push(word("not", cut, token.end, true));
            at += 1;
        } else {
            all.push(token.clone());
            at += 1;
        }
    }
    all
}

fn word(text: &str, begin: usize, end: usize, glued: bool) -> Token {
    Token {
        text: text.to_owned(),
        stem: stem(text),
        begin,
        end,
        shape: Shape::Word,
        glued,
        clause: false,
    }
}

/// The same for the words of a phrase.
#[must_use]
pub fn spelled_out(elements: &[Element]) -> Vec<Element> {
    let said = |at: usize| match elements.get(at) {
        Some(Element::Word(word)) => word.as_str(),
        _ => "",
    };
    let mut all = Vec::with_capacity(elements.len());
    let mut at = 0;
    while at < elements.len() {
        let whole = JOINED.iter().find(|(word, ..)| *word == said(at));
        let pair = verb(said(at)).filter(|_| said(at + 1) == "'" && said(at + 2) == "t");
        if let Some(first) = pair {
            all.extend([first, "not"].map(|it| Element::Word(it.to_owned())));
            at += 3;
        } else if let Some((_, first, _)) = whole {
            all.extend([first, "not"].map(|it| Element::Word((*it).to_owned())));
            at += 1;
        } else {
            all.push(elements[at].clone());
            at += 1;
        }
    }
    all
}
