//! What the operators agreed on: which plans somebody else must approve, and when the network is frozen.
//!
//! A file with rules and windows. What it says about a plan at a moment is decided here, without a clock.

mod read;

use intents::Risk;
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset, Weekday};

use crate::network::Known;

/// The rules and windows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    /// Plans that somebody must approve.
    pub approval: Vec<Rule>,
    /// Times at which nothing is committed.
    pub freeze: Vec<Window>,
    /// Devices that change before all others; nothing means nobody.
    pub first: Option<Scope>,
}

/// Plans that somebody must approve: those that every one of these is true of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// What people call it.
    pub name: String,
    /// Plans of this risk and above.
    pub risk: Risk,
    /// Plans that change one of these devices; nothing means any.
    pub scope: Scope,
    /// Commits at these hours; nothing means at any.
    pub during: Option<Hours>,
    /// Plans that one of these asked for; nothing means anybody.
    pub asked_by: Vec<String>,
    /// Who may approve; nothing means anybody but who asked for the plan.
    pub by: Vec<String>,
    /// How many must.
    pub approvals: usize,
}

/// Devices, by what they are named or belong to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// Names.
    pub devices: Vec<String>,
    /// Sites.
    pub sites: Vec<String>,
    /// Groups.
    pub groups: Vec<String>,
    /// Tags.
    pub tags: Vec<String>,
}

/// Hours of the week.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hours {
    /// The days.
    pub days: Vec<Weekday>,
    /// From this minute of the day on.
    pub from: u16,
    /// Up to this one, and not with it.
    pub to: u16,
    /// Whose clock counts.
    pub zone: UtcOffset,
}

/// A time at which nothing is committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// What people call it.
    pub name: String,
    /// When it begins, in milliseconds since 1970.
    pub from: i64,
    /// When it ends.
    pub until: i64,
    /// What is frozen; nothing means everything.
    pub scope: Scope,
}

/// What a rule is asked about.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The plan's risk.
    pub risk: Risk,
    /// The devices that it changes.
    pub devices: &'a [Known],
    /// Who asked for it.
    pub asked_by: &'a str,
}

impl Policy {
    /// The rules under which a plan must be approved before it is committed at this moment.
    pub fn asks<'a>(&'a self, subject: &Subject<'_>, at: i64) -> Vec<&'a Rule> {
        let asks = |rule: &&Rule| {
            subject.risk >= rule.risk
                && rule.scope.holds(subject.devices)
                && rule.during.as_ref().is_none_or(|hours| hours.hold(at))
                && (rule.asked_by.is_empty() || rule.asked_by.iter().any(|who| who == subject.asked_by))
        };
        self.approval.iter().filter(asks).collect()
    }

    /// The window in which one of these devices is frozen at this moment; of several the one that ends last.
    pub fn frozen(&self, devices: &[Known], at: i64) -> Option<&Window> {
        let holds = |window: &&Window| (window.from..window.until).contains(&at) && window.scope.holds(devices);
        self.freeze.iter().filter(holds).max_by_key(|window| window.until)
    }

    /// Whether a device changes before all others.
    pub fn goes_first(&self, device: &Known) -> bool {
        let scope = self.first.as_ref();
        scope.is_some_and(|it| it.holds(std::slice::from_ref(device)))
    }
}

impl Rule {
    /// Who of these has approved in the sense of the rule: whoever may, each once, and never who asked for the plan.
    pub fn counted<'a>(&self, approvers: &'a [String], asked_by: &str) -> Vec<&'a str> {
        let may = |who: &&String| who.as_str() != asked_by && (self.by.is_empty() || self.by.contains(who));
        let mut counted: Vec<&str> = approvers.iter().filter(may).map(String::as_str).collect();
        counted.sort_unstable();
        counted.dedup();
        counted
    }
}

impl Scope {
    fn holds(&self, devices: &[Known]) -> bool {
        let meant = |known: &Known| {
            let any = |wanted: &[String], held: &[String]| wanted.iter().any(|it| held.contains(it));
            self.devices.contains(&known.name)
                || any(&self.sites, &known.sites)
                || any(&self.groups, &known.groups)
                || any(&self.tags, &known.tags)
        };
        *self == Self::default() || devices.iter().any(meant)
    }
}

impl Hours {
    fn hold(&self, at: i64) -> bool {
        let Ok(moment) = OffsetDateTime::from_unix_timestamp(at.div_euclid(1000)) else {
            return true;
        };
        let moment = moment.to_offset(self.zone);
        let minute = u16::from(moment.hour()) * 60 + u16::from(moment.minute());
        self.days.contains(&moment.weekday()) && (self.from..self.to).contains(&minute)
    }
}

/// A moment as RFC 3339 writes it, in milliseconds since 1970.
pub fn moment(text: &str) -> Option<i64> {
    let moment = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    i64::try_from(moment.unix_timestamp_nanos() / 1_000_000).ok()
}

/// A moment for people, as RFC 3339 writes it, to the second.
pub fn written(at: i64) -> String {
    let moment = OffsetDateTime::from_unix_timestamp(at.div_euclid(1000)).ok();
    moment
        .and_then(|it| it.format(&Rfc3339).ok())
        .unwrap_or_else(|| at.to_string())
}

/// The risk of this word.
pub fn risk_of(word: &str) -> Option<Risk> {
    [Risk::Low, Risk::Medium, Risk::High]
        .into_iter()
        .find(|it| it.word() == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(name: &str, site: &str) -> Known {
        Known {
            id: transaction::DeviceId(1),
            name: name.to_owned(),
            address: String::new(),
            platforms: Vec::new(),
            sites: vec![site.to_owned()],
            groups: Vec::new(),
            tags: Vec::new(),
        }
    }

    #[test]
    fn risk_scope_hours_and_who_must_all_fit() {
        let policy = Policy::read(
            "version: 1\napproval:\n  - name: core\n    risk: medium\n    sites: [core]\n    asked-by: [amy]\n    \
             during: { days: [mon, tue], from: \"08:00\", to: \"18:00\", zone: \"+08:00\" }\n",
        )
        .unwrap();
        // Monday, 2026-11-23, 01:00 UTC is nine in the morning at +08:00.
        let monday = moment("2026-11-23T01:00:00Z").unwrap();
        let (core, edge) = ([known("r1", "core")], [known("r2", "edge")]);
        let check = |risk, devices: &[Known], asked_by: &str, at| {
            let subject = Subject {
                risk,
                devices,
                asked_by,
            };
            policy.asks(&subject, at).len()
        };
        assert_eq!(check(Risk::Medium, &core, "amy", monday), 1);
        assert_eq!(check(Risk::High, &core, "amy", monday), 1);
        assert_eq!(check(Risk::Low, &core, "amy", monday), 0);
        assert_eq!(check(Risk::Medium, &edge, "amy", monday), 0);
        assert_eq!(check(Risk::Medium, &core, "ben", monday), 0);
        assert_eq!(
            check(Risk::Medium, &core, "amy", monday + 10 * 3_600_000),
            0,
            "after hours"
        );
        assert_eq!(
            check(Risk::Medium, &core, "amy", monday + 48 * 3_600_000),
            0,
            "a Wednesday"
        );
    }

    #[test]
    fn nobody_approves_his_own_plan_and_nobody_twice() {
        let policy = Policy::read("version: 1\napproval: [{ name: all, by: [ben, cid], approvals: 2 }]\n").unwrap();
        let said = ["amy", "ben", "ben", "dan"].map(str::to_owned);
        assert_eq!(policy.approval[0].counted(&said, "amy"), ["ben"]);
        assert_eq!(policy.approval[0].counted(&said, "ben"), Vec::<&str>::new());
    }

    #[test]
    fn a_window_freezes_its_devices_for_its_time() {
        let text = "version: 1\nfreeze:\n  - { name: feast, from: 2026-12-20T00:00:00Z, until: 2027-01-04T00:00:00Z, sites: [core] }\n";
        let policy = Policy::read(text).unwrap();
        let at = moment("2026-12-24T18:00:00+01:00").unwrap();
        assert_eq!(
            policy.frozen(&[known("r1", "core")], at).map(|it| it.name.as_str()),
            Some("feast")
        );
        assert!(policy.frozen(&[known("r2", "edge")], at).is_none());
        assert!(
            policy
                .frozen(&[known("r1", "core")], moment("2027-01-04T00:00:00Z").unwrap())
                .is_none()
        );
        assert_eq!(written(at), "2026-12-24T17:00:00Z");
    }

    #[test]
    fn who_goes_first_is_in_a_scope_and_nobody_unless_said() {
        let policy = Policy::read("version: 1\nfirst: { sites: [lab], devices: [r9] }\n").unwrap();
        assert!(policy.goes_first(&known("r1", "lab")) && policy.goes_first(&known("r9", "core")));
        assert!(!policy.goes_first(&known("r2", "core")));
        assert!(!Policy::read("version: 1\n").unwrap().goes_first(&known("r1", "lab")));
        let faults = Policy::read("version: 1\nfirst: {}\n").unwrap_err();
        assert!(faults[0].to_string().contains("`first` names nobody"), "{faults:?}");
        assert!(Policy::read("version: 1\nfirst: { site: [lab] }\n").is_err());
    }

    #[test]
    fn every_fault_is_named_with_its_place() {
        let text = "version: 2\napproval:\n  - name: a\n    risk: huge\n    aproved: 1\nfreeze:\n  - { name: b, from: soon, until: 2027-01-04T00:00:00Z }\n";
        let faults: Vec<String> = Policy::read(text)
            .unwrap_err()
            .iter()
            .map(ToString::to_string)
            .collect();
        for expected in [
            "`version` is not 1",
            "4:11: `huge` is no risk",
            "unknown field `aproved`",
            "\"soon\" is no time",
        ] {
            assert!(
                faults.iter().any(|it| it.contains(expected)),
                "{expected} is missing in {faults:?}"
            );
        }
    }
}
