//! Many cases, and which of them are worth a look now.

use std::collections::{BTreeMap, BTreeSet};

use crate::case::{Case, Cure};
use crate::index::Index;

/// What is about to be tried on one device.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attempt {
    /// The device, by name.
    pub device: String,
    /// Its platforms.
    pub platforms: Vec<String>,
    /// The classes of the intents.
    pub classes: Vec<String>,
    /// Where it is to be changed, without the keys of lists.
    pub paths: Vec<String>,
    /// The change in the device's own language.
    pub words: String,
}

/// A bounded number of cases, each found again by what it is about.
#[derive(Debug, Clone)]
pub struct Shelf {
    most: usize,
    next: usize,
    cases: BTreeMap<usize, Case>,
    index: Index,
}

impl Shelf {
    /// A shelf with room for so many.
    pub fn new(most: usize) -> Self {
        Self {
            most,
            next: 0,
            cases: BTreeMap::new(),
            index: Index::default(),
        }
    }

    /// Takes a case. The same failure again is counted, in the place of the earlier one; the case as it stands now and,
    /// if there was no more room, the id of the oldest without a cure, which goes.
    pub fn put(&mut self, mut case: Case) -> (Case, Option<String>) {
        let again = self
            .cases
            .iter()
            .find(|(_, it)| it.is_again(&case))
            .map(|(number, _)| *number);
        if let Some(number) = again
            && let Some(earlier) = self.cases.remove(&number)
        {
            self.index.remove(number);
            case.times = earlier.times.saturating_add(case.times);
            case.cure = case.cure.or(earlier.cure);
            case.id = earlier.id;
        }
        let gone = if self.cases.len() >= self.most {
            self.oldest()
        } else {
            None
        };
        self.index.put(self.next, &case.text());
        self.cases.insert(self.next, case.clone());
        self.next += 1;
        (case, gone)
    }

    fn oldest(&mut self) -> Option<String> {
        let bare = self.cases.iter().find(|(_, it)| it.cure.is_none());
        let number = *bare.or_else(|| self.cases.first_key_value())?.0;
        self.index.remove(number);
        self.cases.remove(&number).map(|it| it.id)
    }

    /// Notes what the cure of a case was; the case as it stands now, if there is one of this id.
    pub fn cure(&mut self, id: &str, cure: Cure) -> Option<Case> {
        let (number, case) = self.cases.iter_mut().find(|(_, it)| it.id == id)?;
        case.cure = Some(cure);
        self.index.put(*number, &case.text());
        Some(case.clone())
    }

    /// The case of this id.
    pub fn case(&self, id: &str) -> Option<&Case> {
        self.cases.values().find(|it| it.id == id)
    }

    /// All cases, the latest first.
    pub fn all(&self) -> impl Iterator<Item = &Case> {
        self.cases.values().rev()
    }

    /// The cases that speak of this, the likest first.
    pub fn search(&self, question: &str, most: usize) -> Vec<&Case> {
        let found = self.index.find(question).into_iter().take(most);
        found.filter_map(|(number, _)| self.cases.get(&number)).collect()
    }

    /// The cases that warn of what is about to be tried, the likest first: something like it went wrong on this device
    /// or on one of its platform.
    pub fn like(&self, attempt: &Attempt, most: usize) -> Vec<&Case> {
        let question = format!(
            "{} {} {}",
            attempt.words,
            attempt.paths.join(" "),
            attempt.classes.join(" ")
        );
        let told: BTreeMap<usize, f64> = self.index.find(&question).into_iter().collect();
        let mut found: Vec<(usize, f64)> = self
            .cases
            .iter()
            .filter(|(_, case)| case.kind.warns())
            .filter_map(|(number, case)| Some((*number, nearness(case, attempt)?)))
            .map(|(number, near)| (number, near + told.get(&number).copied().unwrap_or_default() / 100.0))
            .collect();
        found.sort_by(|a, b| b.1.total_cmp(&a.1).then(b.0.cmp(&a.0)));
        let found = found.into_iter().take(most);
        found.filter_map(|(number, _)| self.cases.get(&number)).collect()
    }
}

/// How near a case is; nothing where it has no place in common with the attempt, or neither device nor platform.
fn nearness(case: &Case, attempt: &Attempt) -> Option<f64> {
    let shared = |a: &[String], b: &[String]| {
        let (a, b): (BTreeSet<&String>, BTreeSet<&String>) = (a.iter().collect(), b.iter().collect());
        a.intersection(&b).count()
    };
    let paths = shared(&case.paths, &attempt.paths);
    let device = case.devices.contains(&attempt.device);
    let platform = shared(&case.platforms, &attempt.platforms) > 0;
    if paths == 0 || !(device || platform) {
        return None;
    }
    let part =
        f64::from(u32::try_from(paths).unwrap_or(u32::MAX)) / f64::from(u32::try_from(attempt.paths.len()).ok()?);
    let class = shared(&case.classes, &attempt.classes) > 0;
    Some(part + 4.0 * f64::from(u8::from(device)) + 2.0 * f64::from(u8::from(class)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::Kind;

    fn case(id: &str, device: &str, platform: &str, path: &str, kind: Kind) -> Case {
        Case {
            id: id.to_owned(),
            at: 1,
            times: 1,
            kind,
            transaction: "t".to_owned(),
            devices: vec![device.to_owned()],
            platforms: vec![platform.to_owned()],
            classes: vec!["interface.set".to_owned()],
            paths: vec![path.to_owned()],
            impact: "rolled back on 3 devices".to_owned(),
            words: format!("{device}: value out of range"),
            suggestion: kind.remedy().to_owned(),
            tried: "mtu 9000".to_owned(),
            cure: None,
        }
    }

    fn attempt(device: &str, platform: &str, path: &str) -> Attempt {
        Attempt {
            device: device.to_owned(),
            platforms: vec![platform.to_owned()],
            classes: vec!["interface.set".to_owned()],
            paths: vec![path.to_owned()],
            words: "mtu 9100".to_owned(),
        }
    }

    fn ids(cases: Vec<&Case>) -> Vec<&str> {
        cases.into_iter().map(|it| it.id.as_str()).collect()
    }

    #[test]
    fn the_same_device_comes_before_another_of_its_platform_and_strangers_never() {
        let mut shelf = Shelf::new(10);
        shelf.put(case("other", "r2", "frr", "interface/mtu", Kind::Refused));
        shelf.put(case("same", "r1", "frr", "interface/mtu", Kind::Refused));
        shelf.put(case("elsewhere", "r1", "frr", "ospf/area", Kind::Refused));
        shelf.put(case("foreign", "r3", "ietf", "interface/mtu", Kind::Refused));
        shelf.put(case("passing", "r1", "frr", "interface/mtu", Kind::Stale));
        assert_eq!(
            ids(shelf.like(&attempt("r1", "frr", "interface/mtu"), 5)),
            ["same", "other"]
        );
        assert_eq!(
            ids(shelf.like(&attempt("r9", "junos", "interface/mtu"), 5)),
            Vec::<&str>::new()
        );
    }

    #[test]
    fn the_same_failure_again_is_counted_and_keeps_its_cure() {
        let mut shelf = Shelf::new(10);
        shelf.put(case("a", "r1", "frr", "interface/mtu", Kind::Refused));
        let cure = Cure {
            text: "先打开端口的巨帧支持".to_owned(),
            by: "amy".to_owned(),
            at: 2,
        };
        assert!(shelf.cure("a", cure.clone()).is_some() && shelf.cure("z", cure.clone()).is_none());
        let (again, gone) = shelf.put(case("b", "r1", "frr", "interface/mtu", Kind::Refused));
        assert_eq!((again.id.as_str(), again.times, gone), ("a", 2, None));
        assert_eq!(again.cure, Some(cure));
        assert_eq!(ids(shelf.search("巨帧", 5)), ["a"]);
        assert_eq!(shelf.all().count(), 1);
    }

    #[test]
    fn the_oldest_without_a_cure_goes_first() {
        let mut shelf = Shelf::new(2);
        shelf.put(case("a", "r1", "frr", "interface/mtu", Kind::Refused));
        shelf.put(case("b", "r2", "frr", "interface/mtu", Kind::Refused));
        let cure = Cure {
            text: "reload".to_owned(),
            by: "amy".to_owned(),
            at: 2,
        };
        shelf.cure("a", cure);
        let (_, gone) = shelf.put(case("c", "r3", "frr", "interface/mtu", Kind::Refused));
        assert_eq!(gone.as_deref(), Some("b"));
        assert_eq!(shelf.all().map(|it| it.id.as_str()).collect::<Vec<_>>(), ["c", "a"]);
    }
}
