//! Two changes of one configuration made into one.

use crate::path::Path;
use crate::tree::{Tree, Value};
use std::collections::BTreeSet;

/// An entry that both sides changed, differently, or that one side changed inside what the other took away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clash {
    /// Which entry.
    pub path: Path,
    /// What both began with.
    pub base: Option<Value>,
    /// What one side has.
    pub ours: Option<Value>,
    /// What the other side has.
    pub theirs: Option<Value>,
}

/// Takes the changes of both sides; every clash if there is one.
pub fn merge(base: &Tree, ours: &Tree, theirs: &Tree) -> Result<Tree, Vec<Clash>> {
    let (mine, other) = (crate::delta::diff(base, ours), crate::delta::diff(base, theirs));
    let clash = |path: &Path| Clash {
        path: path.clone(),
        base: base.value(path).cloned(),
        ours: ours.value(path).cloned(),
        theirs: theirs.value(path).cloned(),
    };
    let mut clashes: Vec<Clash> = Vec::new();
    let mut merged = ours.clone();
    for (path, edit) in other.iter() {
        match mine.edit(path) {
            Some(same) if same.after == edit.after => {}
            Some(_) => clashes.push(clash(path)),
            None => {
                match &edit.after {
                    Some(value) => merged.insert(path.clone(), value.clone()),
                    None => merged.remove(path),
                };
            }
        }
    }
    let gone = mine
        .iter()
        .chain(other.iter())
        .filter(|it| it.1.after.is_none())
        .map(|it| it.0);
    let inside: BTreeSet<&Path> = gone.flat_map(|it| merged.under(it)).map(|it| it.0).collect();
    let open = inside
        .into_iter()
        .filter(|it| clashes.iter().all(|clash| clash.path != **it));
    let open: Vec<_> = open.map(clash).collect();
    clashes.extend(open);
    clashes.sort_by(|a, b| a.path.cmp(&b.path));
    if clashes.is_empty() { Ok(merged) } else { Err(clashes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(text: &str) -> Tree {
        text.split_whitespace()
            .map(|it| match it.split_once('=') {
                Some((path, value)) => (path.parse().unwrap(), value.into()),
                None => (it.parse().unwrap(), Value::Present),
            })
            .collect()
    }

    fn check(base: &str, ours: &str, theirs: &str, expected: Result<&str, &[&str]>) {
        for (a, b) in [(ours, theirs), (theirs, ours)] {
            let merged = merge(&tree(base), &tree(a), &tree(b));
            let merged = merged.map_err(|it| it.iter().map(|it| it.path.to_string()).collect::<Vec<_>>());
            assert_eq!(
                merged,
                expected
                    .map(tree)
                    .map_err(|it| it.iter().map(|it| it.to_string()).collect())
            );
        }
    }

    #[test]
    fn changes_of_both_sides_are_taken_and_clashes_named() {
        check("a=1 b=1", "a=2 b=1", "a=1 b=2", Ok("a=2 b=2"));
        check("a=1", "a=2", "a=2", Ok("a=2"));
        check("a=1", "", "a=1 b=1", Ok("b=1"));
        check("a=1", "a=2", "a=3", Err(&["a"]));
        check("a=1", "a=2", "", Err(&["a"]));
        check("", "a=1", "a=2", Err(&["a"]));
        check("i[1] i[1]/m=1", "", "i[1] i[1]/m=2", Err(&["i[1]/m"]));
        check("i[1]", "", "i[1] i[1]/m=2", Err(&["i[1]/m"]));
        check("i[1] i[1]/m=1", "", "i[1] i[1]/m=1 i[2]", Ok("i[2]"));
    }
}
