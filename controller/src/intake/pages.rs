//! Lists in pages of bounded length: the next page is named in a `Link` header.

use axum::Json;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::problem::Problem;

/// How many rows a page has unless told.
const USUAL: usize = 100;
/// How many at most.
pub const MOST: usize = 500;
/// The longest cursor.
const CURSOR: usize = 200;

/// Which page is wanted.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// How many rows, 1 to 500; 100 unless told.
    #[param(minimum = 1, maximum = 500)]
    pub(super) limit: Option<usize>,
    /// Where the page before ended, from its `Link` header.
    #[param(max_length = 200)]
    pub(super) after: Option<String>,
}

impl Page {
    /// How many rows.
    ///
    /// # Errors
    /// Where that is out of bounds.
    pub fn limit(&self) -> Result<usize, Problem> {
        match self.limit.unwrap_or(USUAL) {
            limit @ 1..=MOST => Ok(limit),
            other => Err(Problem::invalid(format!(
                "`limit` is {other}: ask for 1 to {MOST} rows"
            ))),
        }
    }

    /// Where the page before ended.
    ///
    /// # Errors
    /// Where that cannot be.
    pub fn after(&self) -> Result<Option<&str>, Problem> {
        match self.after.as_deref() {
            Some(after) if after.len() > CURSOR || !after.chars().all(|it| it.is_ascii_graphic()) => Err(
                Problem::invalid("`after` is no end of a page: take it from a `Link` header".to_owned()),
            ),
            after => Ok(after),
        }
    }

    /// The rows of this page out of all of a small list, in the order of their names.
    ///
    /// # Errors
    /// Where what is asked cannot be.
    pub fn of<T>(
        &self,
        path: &str,
        all: impl Iterator<Item = T>,
        name: impl Fn(&T) -> String,
    ) -> Result<Paged<T>, Problem> {
        let (limit, after) = (self.limit()?, self.after()?);
        let rows = all.filter(|row| after.is_none_or(|after| name(row).as_str() > after));
        let rows: Vec<T> = rows.take(limit).collect();
        Ok(Paged::new(path, limit, rows, name))
    }
}

/// The rows of a page, and where the next begins.
#[derive(Debug)]
pub struct Paged<T> {
    rows: Vec<T>,
    next: Option<String>,
}

impl<T> Paged<T> {
    /// The rows of a page of at most `limit`; a full one is followed by another.
    pub fn new(path: &str, limit: usize, rows: Vec<T>, end: impl Fn(&T) -> String) -> Self {
        let last = rows.last().filter(|_| rows.len() == limit);
        let more = if path.contains('?') { '&' } else { '?' };
        let next = last.map(|row| format!("<{path}{more}limit={limit}&after={}>; rel=\"next\"", escaped(&end(row))));
        Self { rows, next }
    }
}

/// A text as a value of a query.
pub(super) fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let each = text.bytes().map(|byte| {
        if plain(byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    });
    each.collect()
}

impl<T: Serialize> IntoResponse for Paged<T> {
    fn into_response(self) -> Response {
        let mut response = Json(self.rows).into_response();
        if let Some(Ok(next)) = self.next.map(|next| HeaderValue::from_str(&next)) {
            response.headers_mut().insert(header::LINK, next);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_one_another_to_the_end() {
        let all = || (1..=5).map(|number| format!("r {number}"));
        let page = |limit, after: Option<&str>| Page {
            limit: Some(limit),
            after: after.map(str::to_owned),
        };
        let first = page(3, None).of("/x", all(), Clone::clone).unwrap();
        assert_eq!(first.rows, ["r 1", "r 2", "r 3"]);
        assert_eq!(first.next.unwrap(), "</x?limit=3&after=r%203>; rel=\"next\"");
        let second = page(3, Some("r3"))
            .of("/x", (1..=5).map(|it| format!("r{it}")), Clone::clone)
            .unwrap();
        assert_eq!(
            (second.rows, second.next),
            (vec!["r4".to_owned(), "r5".to_owned()], None)
        );
        for limit in [0, 501] {
            assert!(page(limit, None).limit().is_err(), "{limit}");
        }
        assert!(page(1, Some("a b")).after().is_err());
    }
}
