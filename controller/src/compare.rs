//! What differs between two texts, line by line: the longest common lines stay, the rest goes and comes.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How many equal lines are shown around what differs.
const AROUND: usize = 3;
/// Beyond this many differing lines on both sides everything between is shown as gone and come.
const MOST: usize = 4_000;

/// What becomes of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// It is on both sides.
    Same,
    /// It is only before.
    Gone,
    /// It is only after.
    Come,
    /// Equal lines are left out here.
    Cut,
}

/// One line of a comparison.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Line {
    /// What becomes of it.
    pub fate: Fate,
    /// The line.
    pub text: String,
}

/// The lines that differ, with a few that do not around them; nothing where the texts are equal.
pub fn lines(before: &str, after: &str) -> Vec<Line> {
    let (a, b): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let head = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let (rest_a, rest_b) = (&a[head..], &b[head..]);
    let tail = rest_a
        .iter()
        .rev()
        .zip(rest_b.iter().rev())
        .take_while(|(a, b)| a == b)
        .count();
    let (middle_a, middle_b) = (&rest_a[..rest_a.len() - tail], &rest_b[..rest_b.len() - tail]);
    let same = |text: &&str| line(Fate::Same, text);
    let mut all: Vec<Line> = a[..head].iter().map(same).collect();
    all.extend(middle(middle_a, middle_b));
    all.extend(rest_a[rest_a.len() - tail..].iter().map(same));
    cut(all)
}

fn line(fate: Fate, text: &str) -> Line {
    Line {
        fate,
        text: text.to_owned(),
    }
}

/// The lines between the common head and the common tail, by the table of longest common lines.
fn middle(a: &[&str], b: &[&str]) -> Vec<Line> {
    let gone = |text: &&str| line(Fate::Gone, text);
    let come = |text: &&str| line(Fate::Come, text);
    if a.len().saturating_mul(b.len()) > MOST * MOST {
        return a.iter().map(gone).chain(b.iter().map(come)).collect();
    }
    let width = b.len() + 1;
    let mut common = vec![0u32; (a.len() + 1) * width];
    for (i, x) in a.iter().enumerate().rev() {
        for (j, y) in b.iter().enumerate().rev() {
            common[i * width + j] = match x == y {
                true => common[(i + 1) * width + j + 1] + 1,
                false => common[(i + 1) * width + j].max(common[i * width + j + 1]),
            };
        }
    }
    let (mut i, mut j, mut lines) = (0, 0, Vec::new());
    while i < a.len() && j < b.len() {
        if a[i] == b[j] {
            lines.push(line(Fate::Same, a[i]));
            (i, j) = (i + 1, j + 1);
        } else if common[(i + 1) * width + j] >= common[i * width + j + 1] {
            lines.push(gone(&a[i]));
            i += 1;
        } else {
            lines.push(come(&b[j]));
            j += 1;
        }
    }
    lines.extend(a[i..].iter().map(gone));
    lines.extend(b[j..].iter().map(come));
    lines
}

/// Leaves out equal lines far from any that differs.
fn cut(all: Vec<Line>) -> Vec<Line> {
    let differs: Vec<usize> = all
        .iter()
        .enumerate()
        .filter(|(_, it)| it.fate != Fate::Same)
        .map(|(at, _)| at)
        .collect();
    let near = |at: usize| {
        let next = differs.partition_point(|it| *it < at);
        let close = |it: Option<&usize>| it.is_some_and(|it| it.abs_diff(at) <= AROUND);
        close(differs.get(next)) || close(next.checked_sub(1).and_then(|before| differs.get(before)))
    };
    if differs.is_empty() {
        return Vec::new();
    }
    let mut kept: Vec<Line> = Vec::new();
    for (at, it) in all.into_iter().enumerate() {
        if near(at) {
            kept.push(it);
        } else if kept.last().is_none_or(|last| last.fate != Fate::Cut) {
            kept.push(line(Fate::Cut, ""));
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(before: &str, after: &str) -> String {
        let mark = |fate| match fate {
            Fate::Same => ' ',
            Fate::Gone => '-',
            Fate::Come => '+',
            Fate::Cut => '~',
        };
        lines(before, after)
            .iter()
            .map(|it| format!("{}{}|", mark(it.fate), it.text))
            .collect()
    }

    #[test]
    fn the_least_is_gone_and_come() {
        assert_eq!(shown("a\nb\nc\n", "a\nb\nc\n"), "");
        assert_eq!(shown("a\nb\nc\n", "a\nx\nc\n"), " a|-b|+x| c|");
        assert_eq!(shown("a\nb\nc\nd\n", "b\nc\ne\nd\n"), "-a| b| c|+e| d|");
        assert_eq!(shown("", "a\n"), "+a|");
        assert_eq!(shown("a\nb\na\n", ""), "-a|-b|-a|");
        assert_eq!(
            shown("1\n2\n3\n4\n5\n6\nx\n7\n", "1\n2\n3\n4\n5\n6\ny\n7\n"),
            "~| 4| 5| 6|-x|+y| 7|"
        );
    }
}
