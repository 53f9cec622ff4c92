//! Line templates: `ip prefix-list {name} seq {seq} {action} {prefix}[ ge {ge}][ le {le}]`.
//!
//! One template prints a line from the values of its slots and is the pattern that finds them again. `{slot.mask}` is a
//! piece of an address; a group in brackets is there if all its slots are; `\` takes the meaning from what follows.

use crate::net::Piece;
use std::fmt;

/// A template, parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template(Vec<Element>);

/// A part of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Element {
    Literal(String),
    Slot(Place),
    Group(Vec<Element>),
}

/// Where a slot stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub slot: String,
    pub piece: Option<Piece>,
    /// The form named in place, `{as:u32}`.
    pub form: Option<String>,
}

impl Template {
    /// Reads a template.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut chars = text.chars().peekable();
        let elements = parse_until(&mut chars, false)?;
        Ok(Self(elements))
    }

    /// The elements in their order.
    pub fn elements(&self) -> &[Element] {
        &self.0
    }

    /// The places of slots, with whether each stands in a group.
    pub fn places(&self) -> Vec<(&Place, bool)> {
        let mut places = Vec::new();
        collect(&self.0, false, &mut places);
        places
    }

    /// The same line with a negation in front, or without it where it had one.
    pub fn negated(&self, negation: &str) -> Self {
        let mut elements = self.0.clone();
        match elements.first_mut() {
            Some(Element::Literal(first)) => match first.strip_prefix(negation) {
                Some(rest) => *first = rest.to_owned(),
                None => first.insert_str(0, negation),
            },
            Some(Element::Slot(_) | Element::Group(_)) | None => {
                elements.insert(0, Element::Literal(negation.to_owned()))
            }
        }
        Self(elements)
    }
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn parse_until(chars: &mut Chars<'_>, inside: bool) -> Result<Vec<Element>, String> {
    let mut elements = Vec::new();
    let mut literal = String::new();
    while let Some(it) = chars.next() {
        let element = match it {
            ']' if inside => {
                flush(&mut literal, &mut elements);
                return Ok(elements);
            }
            '{' => Element::Slot(parse_place(chars)?),
            '[' if inside => return Err("a group stands inside a group".to_owned()),
            '[' => {
                flush(&mut literal, &mut elements);
                Element::Group(parse_until(chars, true)?)
            }
            ']' | '}' => {
                return Err(format!(
                    "'{it}' closes nothing; write '\\{it}' for the character itself"
                ));
            }
            '\\' => {
                literal.push(chars.next().ok_or("the template ends in '\\'")?);
                continue;
            }
            it => {
                literal.push(it);
                continue;
            }
        };
        flush(&mut literal, &mut elements);
        elements.push(element);
    }
    if inside {
        return Err("'[' is not closed".to_owned());
    }
    flush(&mut literal, &mut elements);
    Ok(elements)
}

fn flush(literal: &mut String, elements: &mut Vec<Element>) {
    if !literal.is_empty() {
        elements.push(Element::Literal(std::mem::take(literal)));
    }
}

fn parse_place(chars: &mut Chars<'_>) -> Result<Place, String> {
    let mut inner = String::new();
    loop {
        match chars.next() {
            Some('}') => break,
            Some(it) => inner.push(it),
            None => return Err("'{' is not closed".to_owned()),
        }
    }
    let (rest, form) = match inner.split_once(':') {
        Some((rest, form)) => (rest, Some(form.to_owned())),
        None => (inner.as_str(), None),
    };
    let (slot, piece) = match rest.split_once('.') {
        Some((slot, piece)) => {
            let piece = Piece::named(piece).ok_or_else(|| format!("{piece} is no piece of an address"))?;
            (slot, Some(piece))
        }
        None => (rest, None),
    };
    if slot.is_empty() {
        return Err("a slot has no name".to_owned());
    }
    Ok(Place {
        slot: slot.to_owned(),
        piece,
        form,
    })
}

fn collect<'a>(elements: &'a [Element], grouped: bool, places: &mut Vec<(&'a Place, bool)>) {
    for element in elements {
        match element {
            Element::Literal(_) => {}
            Element::Slot(place) => places.push((place, grouped)),
            Element::Group(inner) => collect(inner, true, places),
        }
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(&self.0, f)
    }
}

fn show(elements: &[Element], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for element in elements {
        match element {
            Element::Literal(text) => f.write_str(text)?,
            Element::Slot(place) => write!(f, "{{{}}}", place.slot)?,
            Element::Group(inner) => {
                f.write_str("[")?;
                show(inner, f)?;
                f.write_str("]")?;
            }
        }
    }
    Ok(())
}
