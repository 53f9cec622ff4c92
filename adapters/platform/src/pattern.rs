//! Path patterns: `bgp/neighbor[{peer:ip}]/family[ipv4-unicast]/import-policy`.

use crate::form::Form;
use crate::slot::Bindings;
use knowledge_model::Path;
use std::fmt;

/// A path whose keys may be slots.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pattern(Vec<PatternStep>);

/// One step of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PatternStep {
    pub name: String,
    pub keys: Vec<Key>,
}

/// A key of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Key {
    /// This key and no other.
    Literal(String),
    /// Any key of a form, known under a name.
    Slot(String, Form),
}

impl Pattern {
    /// Reads a pattern; `choices` are forms that the file names itself.
    pub(crate) fn parse(text: &str, named: &dyn Fn(&str) -> Option<Form>) -> Result<Self, String> {
        let path: Path = text.parse().map_err(|error| format!("{text} is no path: {error}"))?;
        let steps = path.steps().map(|step| {
            let keys: Result<Vec<Key>, String> = step.keys.iter().map(|key| parse_key(key, named)).collect();
            Ok(PatternStep {
                name: step.name.to_owned(),
                keys: keys?,
            })
        });
        steps.collect::<Result<Vec<_>, String>>().map(Self)
    }

    /// This pattern with another one inside it.
    pub(crate) fn join(&self, inner: &Self) -> Self {
        Self(self.0.iter().chain(&inner.0).cloned().collect())
    }

    /// The pattern of a leaf at a relative path such as `match/prefix-list`.
    pub(crate) fn with(&self, leaf: &str) -> Self {
        let mut steps = self.0.clone();
        for name in leaf.split('/') {
            if name == ".." {
                steps.pop();
                continue;
            }
            steps.push(PatternStep {
                name: name.to_owned(),
                keys: Vec::new(),
            });
        }
        Self(steps)
    }

    /// The pattern of the values of a leaf-list at the last step.
    pub(crate) fn listed(mut self, form: &Form) -> Self {
        if let Some(last) = self.0.last_mut() {
            last.keys.push(Key::Slot("item".to_owned(), form.clone()));
        }
        self
    }

    /// The pattern without its last step.
    pub(crate) fn parent(&self) -> Self {
        Self(self.0[..self.0.len().saturating_sub(1)].to_vec())
    }

    pub(crate) fn steps(&self) -> &[PatternStep] {
        &self.0
    }

    /// The names of the slots in the keys.
    pub(crate) fn slots(&self) -> impl Iterator<Item = (&str, &Form)> {
        self.0.iter().flat_map(|step| &step.keys).filter_map(|key| match key {
            Key::Literal(_) => None,
            Key::Slot(name, form) => Some((name.as_str(), form)),
        })
    }

    /// True if the last step is an instance of a list.
    pub(crate) fn ends_in_keys(&self) -> bool {
        self.0.last().is_some_and(|step| !step.keys.is_empty())
    }

    /// The values of the slots, if the path is an instance of this pattern.
    pub(crate) fn bind(&self, path: &Path) -> Option<Bindings> {
        let mut bindings = Bindings::default();
        let mut steps = path.steps();
        for wanted in &self.0 {
            bind_step(wanted, &steps.next()?, &mut bindings)?;
        }
        steps.next().is_none().then_some(bindings)
    }

    /// As [`Pattern::bind`], for a path that is an instance of this pattern or stands inside one.
    pub(crate) fn bind_prefix(&self, path: &Path) -> Option<Bindings> {
        let mut bindings = Bindings::default();
        let mut steps = path.steps();
        for wanted in &self.0 {
            bind_step(wanted, &steps.next()?, &mut bindings)?;
        }
        Some(bindings)
    }

    /// The path of these values; none if a slot has no value.
    pub(crate) fn path(&self, bindings: &Bindings) -> Option<Path> {
        let mut path = Path::root();
        for step in &self.0 {
            let keys: Option<Vec<&str>> = step
                .keys
                .iter()
                .map(|key| match key {
                    Key::Literal(text) => Some(text.as_str()),
                    Key::Slot(name, _) => bindings.value(name),
                })
                .collect();
            path = path.try_keyed(&step.name, keys?).ok()?;
        }
        Some(path)
    }

    /// The longest path that stands above all instances: where a search in a tree begins.
    pub(crate) fn base(&self) -> Path {
        let mut path = Path::root();
        for step in &self.0 {
            let literals: Vec<&str> = step
                .keys
                .iter()
                .map_while(|key| match key {
                    Key::Literal(text) => Some(text.as_str()),
                    Key::Slot(..) => None,
                })
                .collect();
            let whole = literals.len() == step.keys.len();
            path = path.keyed(&step.name, literals);
            if !whole {
                break;
            }
        }
        path
    }
}

fn parse_key(key: &str, named: &dyn Fn(&str) -> Option<Form>) -> Result<Key, String> {
    let Some(inner) = key.strip_prefix('{').and_then(|it| it.strip_suffix('}')) else {
        return Ok(Key::Literal(key.to_owned()));
    };
    let (name, form) = inner.split_once(':').unwrap_or((inner, "word"));
    let form = named(form).ok_or_else(|| format!("{form} is no form"))?;
    Ok(Key::Slot(name.to_owned(), form))
}

fn bind_step(wanted: &PatternStep, step: &knowledge_model::Step<'_>, bindings: &mut Bindings) -> Option<()> {
    if wanted.name != step.name || wanted.keys.len() != step.keys.len() {
        return None;
    }
    for (key, text) in wanted.keys.iter().zip(&step.keys) {
        match key {
            Key::Literal(literal) => (literal == text).then_some(())?,
            Key::Slot(name, form) => bindings.bind(name, form.canonical(text)?)?,
        }
    }
    Some(())
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.0.iter().enumerate() {
            let slash = if index == 0 { "" } else { "/" };
            write!(f, "{slash}{}", step.name)?;
            for key in &step.keys {
                match key {
                    Key::Literal(text) => write!(f, "[{text}]")?,
                    Key::Slot(name, _) => write!(f, "[{{{name}}}]")?,
                }
            }
        }
        Ok(())
    }
}
