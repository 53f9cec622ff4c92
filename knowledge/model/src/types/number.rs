//! Numbers, ranges and base64.

use super::{Ranges, Type};
use crate::schema::words::{Attributes, take};

pub(super) fn integer(name: &str, facets: &mut Attributes) -> Result<Type, String> {
    let (signed, bits) = match name.strip_prefix('u') {
        Some(rest) => (false, rest),
        None => (true, name),
    };
    let bits: u32 = bits
        .trim_start_matches("int")
        .parse()
        .map_err(|_| format!("{name} is no type"))?;
    let whole = if signed {
        (-(1 << (bits - 1)), (1 << (bits - 1)) - 1)
    } else {
        (0, (1_i128 << bits) - 1)
    };
    Ok(Type::Integer {
        whole,
        ranges: ranges(facets, "range", 0)?,
        wide: bits == 64,
    })
}

pub(super) fn decimal(facets: &mut Attributes) -> Result<Type, String> {
    let digits = take(facets, "digits")
        .and_then(|it| it.parse().ok())
        .filter(|it| (1..=18).contains(it));
    let digits = digits.ok_or("decimal64 has digits from 1 to 18")?;
    Ok(Type::Decimal {
        digits,
        ranges: ranges(facets, "range", digits)?,
    })
}

/// Reads `1..64|128`, in the last of so many decimal places.
pub(super) fn ranges(facets: &mut Attributes, name: &str, digits: u8) -> Result<Ranges<i128>, String> {
    let Some(text) = take(facets, name) else {
        return Ok(Ranges::new());
    };
    let bound = |it: &str| scaled(it.trim(), digits).ok_or_else(|| format!("{it} is no bound of a {name}"));
    let one = |it: &str| match it.split_once("..") {
        Some((low, high)) => Ok((bound(low)?, bound(high)?)),
        None => Ok((bound(it)?, bound(it)?)),
    };
    text.split('|').map(one).collect()
}

pub(super) fn within(ranges: &Ranges<i128>, number: i128) -> bool {
    ranges.is_empty() || ranges.iter().any(|(low, high)| (*low..=*high).contains(&number))
}

/// `from 1 to 64 or 128`.
pub(super) fn shown(ranges: &Ranges<i128>, text: impl Fn(i128) -> String) -> String {
    let one = |(low, high): &(i128, i128)| {
        if low == high {
            text(*low)
        } else {
            format!("from {} to {}", text(*low), text(*high))
        }
    };
    ranges.iter().map(one).collect::<Vec<_>>().join(" or ")
}

pub(super) fn canonical_integer(text: &str, whole: (i128, i128), ranges: &Ranges<i128>) -> Option<String> {
    let number = scaled(text, 0)?;
    ((whole.0..=whole.1).contains(&number) && within(ranges, number)).then(|| number.to_string())
}

pub(super) fn canonical_decimal(text: &str, digits: u8, ranges: &Ranges<i128>) -> Option<String> {
    let number = scaled(text, digits)?;
    (i64::try_from(number).is_ok() && within(ranges, number)).then(|| decimal_text(number, digits))
}

/// A decimal number as a whole number of its last place. Leading zeros are refused: elsewhere they mean octal.
fn scaled(text: &str, digits: u8) -> Option<i128> {
    let (negative, rest) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (whole, part) = match rest.split_once('.') {
        Some((whole, part)) if digits > 0 && !part.is_empty() => (whole, part.trim_end_matches('0')),
        Some(_) => return None,
        None => (rest, ""),
    };
    let digit = |it: &str| it.bytes().all(|it| it.is_ascii_digit());
    let plain = whole.len() == 1 || !whole.starts_with('0');
    if whole.is_empty() || whole.len() > 20 || part.len() > usize::from(digits) || !plain {
        return None;
    }
    if !digit(whole) || !digit(part) {
        return None;
    }
    let mut number = 0_i128;
    for it in whole.bytes().chain(part.bytes()) {
        number = number * 10 + i128::from(it - b'0');
    }
    number *= 10_i128.pow(u32::from(digits) - part.len() as u32);
    Some(if negative { -number } else { number })
}

pub(super) fn decimal_text(number: i128, digits: u8) -> String {
    let unit = 10_u128.pow(u32::from(digits));
    let (whole, part) = (number.unsigned_abs() / unit, number.unsigned_abs() % unit);
    let part = format!("{part:0width$}", width = usize::from(digits));
    let part = part.trim_end_matches('0');
    let sign = if number < 0 { "-" } else { "" };
    format!("{sign}{whole}.{}", if part.is_empty() { "0" } else { part })
}

/// Base64 with padding; white space, which XML may bring, goes.
pub(super) fn canonical_base64(text: &str, lengths: &Ranges<i128>) -> Option<String> {
    let text: String = text.chars().filter(|it| !it.is_ascii_whitespace()).collect();
    let bare = text.trim_end_matches('=');
    let padding = text.len() - bare.len();
    let alphabet = bare
        .bytes()
        .all(|it| it.is_ascii_alphanumeric() || matches!(it, b'+' | b'/'));
    let bytes = (text.len() / 4 * 3).checked_sub(padding)?;
    (alphabet && text.len().is_multiple_of(4) && padding <= 2 && within(lengths, bytes as i128)).then_some(text)
}
