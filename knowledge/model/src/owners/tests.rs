//! Owners: conflicts, plans, the way back, composed lists, keeping.

use super::*;

fn schema() -> Schema {
    Schema::compile(include_str!("../../tests/small.table")).unwrap()
}

fn path(text: &str) -> Path {
    text.parse().unwrap()
}

/// `path=value` or `path`, separated by white space; the list entries above come with them.
fn tree(text: &str) -> Tree {
    let mut tree = Tree::new();
    for word in text.split_whitespace() {
        match word.split_once('=') {
            Some((path, value)) => tree.plant(path.parse().unwrap(), value.into()),
            None => tree.plant(word.parse().unwrap(), Value::Present),
        }
    }
    tree
}

/// As `tree`, without what stands above.
fn rule(text: &str) -> Tree {
    text.split_whitespace()
        .map(|it| it.split_once('=').unwrap())
        .map(|(path, value)| (path.parse().unwrap(), value.into()))
        .collect()
}

fn wish(intent: &str, priority: i32, text: &str) -> Wish {
    Wish::new(intent, priority, tree(text))
}

fn owners(device: &Tree, wishes: impl IntoIterator<Item = Wish>) -> Ownership {
    let mut owners = Ownership::new();
    for wish in wishes {
        owners.contribute(wish, device, &schema()).unwrap();
    }
    owners
}

fn planned(before: &Ownership, after: &Ownership, device: &Tree) -> Result<Planned, Vec<String>> {
    asked(&Turn::new(before, after), device)
}

fn asked(turn: &Turn<'_>, device: &Tree) -> Result<Planned, Vec<String>> {
    plan(turn, device, &schema(), &Tree::clone).map_err(|it| it.iter().map(Conflict::to_string).collect())
}

/// Plans, applies, plans again (nothing is left), withdraws all and expects the device as it was.
fn check(device: &str, wishes: &[Wish], expected: &str) {
    let (before, mut there) = (tree(device), tree(device));
    let wanted = owners(&before, wishes.iter().cloned());
    let change = planned(&Ownership::new(), &wanted, &there).unwrap();
    there.apply(&change.delta).unwrap();
    assert_eq!(there.to_json(&schema()), tree(expected).to_json(&schema()));
    assert!(
        planned(&Ownership::new(), &wanted, &there).unwrap().delta.is_empty(),
        "a second time is no edit"
    );
    assert!(drift(&wanted, &there, &schema(), &Tree::clone).is_empty());
    let (kept, _) = Ownership::from_stored(&wanted.to_stored("1").unwrap()).unwrap();
    assert_eq!(kept, wanted);
    let mut left = wanted.clone();
    for wish in wishes {
        left.withdraw(&wish.intent, &schema());
    }
    assert_eq!(left, Ownership::new());
    let back = planned(&wanted, &left, &there).unwrap();
    assert!(
        back.delta.iter().all(|it| wanted.found(it.0).is_some()),
        "only owned paths"
    );
    there.apply(&back.delta).unwrap();
    assert_eq!(there, before);
}

#[test]
fn what_was_found_comes_back() {
    check("", &[wish("a", 0, "interface[e]/mtu=9000")], "interface[e]/mtu=9000");
    check(
        "interface[e]/mtu=1500 system/hostname=r",
        &[wish("a", 0, "interface[e]/mtu=9000")],
        "interface[e]/mtu=9000 system/hostname=r",
    );
    check(
        "interface[e]",
        &[wish("a", 0, "interface[e]/mtu=9000")],
        "interface[e]/mtu=9000",
    );
    check(
        "interface[e]/mtu=9000",
        &[wish("a", 0, "interface[e]/mtu=9000")],
        "interface[e]/mtu=9000",
    );
    check(
        "",
        &[
            wish("a", 0, "system/dns/server[192.0.2.1]"),
            wish("b", 0, "system/dns/server[192.0.2.2]"),
        ],
        "system/dns/server[192.0.2.1] system/dns/server[192.0.2.2]",
    );
    check(
        "",
        &[wish("a", 0, "static-route[198.51.100.0/24]/blackhole")],
        "static-route[198.51.100.0/24]/blackhole",
    );
    let mut absent = Wish {
        intent: "a".into(),
        ..Wish::default()
    };
    absent.entries.insert(path("interface[e]/mtu"), None);
    check("interface[e]/mtu=1500", &[absent], "interface[e]");
}

#[test]
fn an_entry_stays_until_the_last_intent_leaves() {
    let device = Tree::new();
    let both = owners(
        &device,
        [
            wish("a", 0, "interface[e]/mtu=9000"),
            wish("b", 0, "interface[e]/description=b"),
        ],
    );
    let there = tree("interface[e]/mtu=9000 interface[e]/description=b");
    let mut one = both.clone();
    one.withdraw("a", &schema());
    let change = planned(&both, &one, &there).unwrap();
    assert_eq!(
        change.delta.iter().map(|it| it.0.to_string()).collect::<Vec<_>>(),
        ["interface[e]/mtu"]
    );
}

/// Ownership says what was made once; the device says what is there.
#[test]
fn what_is_asked_for_again_is_made_again_where_the_device_lost_it() {
    let route = "static-route[198.51.100.0/24]/next-hop[192.0.2.1]/distance=";
    let old = owners(
        &Tree::new(),
        [
            wish("a", 0, &format!("{route}5")),
            wish("b", 0, "interface[e]/mtu=9000 interface[e]/description=b"),
        ],
    );
    let mut new = old.clone();
    new.contribute(wish("a", 0, &format!("{route}7")), &Tree::new(), &schema())
        .unwrap();
    let drifted = tree("interface[e]/mtu=1500");
    let again = asked(&Turn::new(&old, &new).asking(&["a"]), &drifted).unwrap();
    let mut there = drifted.clone();
    there.apply(&again.delta).unwrap();
    assert_eq!(
        there,
        tree(&format!("{route}7 interface[e]/mtu=1500")),
        "what b wants is not asked for, so it is left alone"
    );
    let same = asked(&Turn::new(&old, &old).asking(&["b"]), &drifted).unwrap();
    let changed: Vec<_> = same.delta.iter().map(|it| it.0.to_string()).collect();
    assert_eq!(changed, ["interface[e]/description", "interface[e]/mtu"]);
    // Of b the list entry stands as it should: it is no edit, and yet it is looked at.
    assert_eq!(same.baseline.get(&path("interface[e]")), Some(&Some(Value::Present)));
    // An entry above that only somebody else holds comes along.
    let mut less = old.clone();
    less.withdraw("b", &schema());
    less.contribute(wish("c", 0, "interface[e]/mtu=1400"), &Tree::new(), &schema())
        .unwrap();
    let above = asked(&Turn::new(&old, &less), &Tree::new()).unwrap();
    assert!(above.delta.edit(&path("interface[e]")).is_some(), "{above:?}");
}

/// Another intent wants the same already: nothing changes, and what stood is known for when that one leaves first.
#[test]
fn what_nobody_has_to_change_is_in_the_baseline() {
    let there = tree("interface[e]/mtu=9000");
    let first = owners(&tree("interface[e]/mtu=1500"), [wish("a", 0, "interface[e]/mtu=9000")]);
    let mut both = first.clone();
    both.contribute(wish("b", -1, "interface[e]/mtu=8000"), &there, &schema())
        .unwrap();
    let planned = asked(&Turn::new(&first, &both).asking(&["b"]), &there).unwrap();
    assert!(planned.delta.is_empty());
    assert_eq!(
        planned.baseline.get(&path("interface[e]/mtu")),
        Some(&Some(Value::from("9000")))
    );
}

/// What a device prints of a secret is not what is wanted, and that is no reason to send it again.
#[test]
fn a_secret_that_stands_is_believed() {
    let owned = owners(&Tree::new(), [wish("a", 0, "system/secret=abcdefgh")]);
    let turn = Turn::new(&owned, &owned).asking(&["a"]);
    assert!(asked(&turn, &tree("system/secret=********")).unwrap().delta.is_empty());
    assert_eq!(asked(&turn, &Tree::new()).unwrap().delta.len(), 1);
}

#[test]
fn bids_at_odds_are_conflicts_with_both_names_and_priorities_resolve_them() {
    let device = Tree::new();
    let cases = [
        (
            "interface[e]/mtu=9000",
            "interface[e]/mtu=1500",
            "interface[e]/mtu: a (priority 1) wants 9000, b (priority 1) wants 1500",
        ),
        (
            "static-route[::/0]/blackhole",
            "static-route[::/0]/next-hop[::1]",
            "static-route[::/0]: of target, a (priority 1) picks blackhole, b (priority 1) picks next-hop",
        ),
    ];
    for (a, b, expected) in cases {
        let equal = owners(&device, [wish("a", 1, a), wish("b", 1, b)]);
        assert_eq!(planned(&Ownership::new(), &equal, &device).unwrap_err()[0], expected);
        assert_eq!(
            equal,
            owners(&device, [wish("b", 1, b), wish("a", 1, a)]),
            "in any order"
        );
        let higher = owners(&device, [wish("a", 1, a), wish("b", 2, b)]);
        assert_eq!(higher.desired(&schema()).overridden.len(), 1);
        let mut there = device.clone();
        there
            .apply(&planned(&Ownership::new(), &higher, &device).unwrap().delta)
            .unwrap();
        assert_eq!(there, tree(b));
    }
}

#[test]
fn inside_what_a_higher_priority_wants_absent_nothing_stays() {
    let mut a = Wish {
        intent: "a".into(),
        priority: 2,
        ..Wish::default()
    };
    a.entries.insert(path("interface[e]"), None);
    let owned = owners(&Tree::new(), [a, wish("b", 1, "interface[e]/mtu=9000")]);
    assert!(owned.desired(&schema()).entries.values().all(|it| it.value.is_none()));
    assert!(
        planned(&Ownership::new(), &owned, &Tree::new())
            .unwrap()
            .delta
            .is_empty()
    );
}

#[test]
fn what_is_foreign_is_neither_deleted_nor_replaced() {
    let alone = owners(&Tree::new(), [wish("a", 0, "static-route[::/0]/next-hop[::1]")]);
    let grown = tree("static-route[::/0]/next-hop[::1] static-route[::/0]/next-hop[::2]/distance=9");
    let faults = planned(&alone, &Ownership::new(), &grown).unwrap_err();
    assert_eq!(
        faults,
        [
            "static-route[::/0] cannot go for a (priority 0): static-route[::/0]/next-hop[::2] inside is of what was found"
        ]
    );
    let device = tree("static-route[::/0]/next-hop[::1]");
    let other = owners(&device, [wish("a", 0, "static-route[::/0]/blackhole")]);
    let faults = planned(&Ownership::new(), &other, &device).unwrap_err();
    assert_eq!(
        faults,
        ["static-route[::/0]: of target, a (priority 0) picks blackhole, what was found picks next-hop"]
    );
    let made = owners(&Tree::new(), [wish("a", 0, "interface[e]")]);
    let default = tree("interface[e]/enabled=true");
    assert!(
        planned(&made, &Ownership::new(), &default).is_ok(),
        "a default is nobody's work"
    );
    let first = owners(
        &Tree::new(),
        [
            wish("a", 0, "interface[e]/alias=x"),
            wish("b", 0, "interface[f]/alias=x"),
        ],
    );
    let faults = planned(&Ownership::new(), &first, &Tree::new()).unwrap_err();
    assert_eq!(
        faults,
        ["interface[f] of b (priority 0) repeats what interface[e] of a (priority 0) has for itself"]
    );
}

#[test]
fn wishes_are_checked_and_made_canonical() {
    let mut owners = Ownership::new();
    let faults = owners.contribute(
        wish("a", 0, "interface[e]/mtu=1 interface[e]/mut=1"),
        &Tree::new(),
        &schema(),
    );
    assert_eq!(faults.unwrap_err().len(), 2);
    assert_eq!(owners, Ownership::new());
    owners
        .contribute(
            wish("a", 0, "interface[e]/address[2001:DB8::1/64]"),
            &Tree::new(),
            &schema(),
        )
        .unwrap();
    assert!(owners.found(&path("interface[e]/address[2001:db8::1/64]")).is_some());
}

#[test]
fn drift_is_on_owned_paths_and_modulo_the_normal_form() {
    let owned = owners(
        &Tree::new(),
        [wish("a", 0, "interface[e]/mtu=9000 interface[e]/enabled=true")],
    );
    let device = tree("interface[e]/mtu=1500 system/hostname=changed");
    let hides = |tree: &Tree| {
        tree.iter()
            .filter(|it| it.0.name() != "enabled")
            .map(|(a, b)| (a.clone(), b.clone()))
            .collect()
    };
    let drift = drift(&owned, &device, &schema(), &hides);
    assert_eq!(
        drift.iter().map(|it| it.0.to_string()).collect::<Vec<_>>(),
        ["interface[e]/mtu"]
    );
}

fn share(intent: &str, priority: i32, rules: &[&str]) -> Wish {
    let composed = Composed {
        at: path("interface[e]/access-list-in"),
        rules: rules.iter().map(|it| rule(it)).collect(),
        last: rule("action=deny"),
        adopt: false,
    };
    Wish {
        intent: intent.into(),
        priority,
        composed: vec![composed],
        ..Wish::default()
    }
}

fn list(rules: &str) -> String {
    let mut text = "interface[e]/access-list-in=e-access-list-in access-list[e-access-list-in]".to_owned();
    for (number, words) in rules.split(';').map(|it| it.trim().split_once(' ').unwrap()) {
        for word in words.split(' ') {
            text.push_str(&format!(" access-list[e-access-list-in]/rule[{number}]/{word}"));
        }
    }
    text
}

#[test]
fn a_composed_list_holds_the_rules_of_all_by_priority_and_its_last_action() {
    let a = share(
        "a",
        0,
        &["action=permit source=192.0.2.0/24", "action=deny source=192.0.2.0/25"],
    );
    let b = share("b", 5, &["action=deny destination=203.0.113.0/24"]);
    let both = "10 action=deny destination=203.0.113.0/24; 20 action=permit source=192.0.2.0/24; 30 action=deny source=192.0.2.0/25; 65000 action=deny";
    for (wishes, expected) in [
        (
            vec![a.clone()],
            "10 action=permit source=192.0.2.0/24; 20 action=deny source=192.0.2.0/25; 65000 action=deny",
        ),
        (vec![b.clone(), a.clone()], both),
    ] {
        check("interface[e]", &wishes, &list(expected));
        check("", &wishes, &list(expected));
    }
    let grown = owners(&Tree::new(), [a.clone(), b.clone()]);
    let rules: Vec<_> = grown
        .paths()
        .filter(|it| it.parent().unwrap().name() == "access-list" && it.name() == "rule")
        .map(Path::to_string)
        .collect();
    assert_eq!(
        rules,
        [
            "access-list[e-access-list-in]/rule[4]",
            "access-list[e-access-list-in]/rule[10]",
            "access-list[e-access-list-in]/rule[20]",
            "access-list[e-access-list-in]/rule[65000]"
        ],
        "a new rule takes a gap and moves no other"
    );
    let mut permits = b;
    permits.priority = 0;
    permits.composed[0].last = rule("action=permit");
    let faults = planned(&Ownership::new(), &owners(&Tree::new(), [a, permits]), &Tree::new()).unwrap_err();
    assert_eq!(
        faults,
        ["access-list[e-access-list-in]/rule[65000]/action: a (priority 0) wants deny, b (priority 0) wants permit"]
    );
}

#[test]
fn a_foreign_list_is_refused_or_adopted_and_given_back() {
    let device = "interface[e]/access-list-in=old access-list[old]/rule[10]/action=permit access-list[old]/rule[10]/source=198.51.100.0/24";
    let mut a = share("a", 0, &["action=deny source=192.0.2.0/24"]);
    let faults = planned(&Ownership::new(), &owners(&tree(device), [a.clone()]), &tree(device)).unwrap_err();
    assert!(faults.contains(&"interface[e]/access-list-in: a (priority 0) would compose a list, access-list[old] of what was found is attached: adopt it or detach it".to_owned()));
    a.composed[0].adopt = true;
    let adopted = format!(
        "{device} access-list[old]/rule[4]/action=deny access-list[old]/rule[4]/source=192.0.2.0/24 access-list[old]/rule[65000]/action=deny"
    );
    check(device, &[a.clone()], &adopted);
    let many: Vec<_> = (0..12)
        .map(|it| format!("action=deny source=192.0.2.{it}/32"))
        .collect();
    let b = share("b", 0, &many.iter().map(String::as_str).collect::<Vec<_>>());
    let mut moved = "interface[e]/access-list-in=old access-list[old]/rule[10]/action=deny access-list[old]/rule[10]/source=192.0.2.0/24".to_owned();
    for (index, words) in many
        .iter()
        .map(String::as_str)
        .chain(["action=permit source=198.51.100.0/24"])
        .enumerate()
    {
        for word in words.split(' ') {
            moved.push_str(&format!(" access-list[old]/rule[{}]/{word}", index * 10 + 20));
        }
    }
    check(
        device,
        &[a.clone(), b.clone()],
        &format!("{moved} access-list[old]/rule[65000]/action=deny"),
    );
    let odd = device.replace("[10]", "[5]");
    let last = " access-list[old]/rule[65000]/action=deny";
    check(&odd, &[a.clone(), b], &format!("{moved}{last}"));
    let shared = tree(&format!("{device} interface[f]/access-list-out=old"));
    let faults = planned(&Ownership::new(), &owners(&shared, [a]), &shared).unwrap_err();
    assert_eq!(
        faults,
        ["interface[e]/access-list-in: a (priority 0) cannot adopt a list that interface[f]/access-list-out uses too"]
    );
}

#[test]
fn what_a_newer_program_kept_is_refused() {
    let refused = |text: &str| Ownership::from_stored(text).unwrap_err().to_string();
    assert_eq!(
        refused(r#"{"version":2,"else":1}"#),
        "version 2 of a stored ownership is newer than 1, the newest this program reads"
    );
    assert_eq!(refused(r#"{"version":1}"#), "a stored ownership cannot be read");
    let path = r#"{"version":1,"model":"1","wishes":[],"found":{"a//b":null},"places":[]}"#;
    assert_eq!(refused(path), "a stored ownership has \"a//b\" for a path");
}

/// What stands on a device only once is a conflict of those who want it twice, wherever they do.
#[test]
fn what_a_device_has_once_is_told_with_both_names() {
    let canonical = Schema::canonical();
    let told = |device: &str, wishes: &[Wish]| {
        let device = tree(device);
        let mut after = Ownership::new();
        for wish in wishes {
            after.contribute(wish.clone(), &device, canonical).unwrap();
        }
        let nobody = Ownership::new();
        let planned = plan(&Turn::new(&nobody, &after), &device, canonical, &Tree::clone);
        let conflicts = planned.err().unwrap_or_default();
        conflicts.iter().map(Conflict::to_string).collect::<Vec<_>>()
    };
    let (one, other) = (
        "interface[e]/address[192.0.2.1/24]",
        "interface[f]/address[192.0.2.1/32]",
    );
    assert_eq!(
        told("", &[wish("a", 0, one), wish("b", 9, other)]),
        [format!(
            "{other} of b (priority 9) repeats what {one} of a (priority 0) has for itself"
        )]
    );
    assert_eq!(
        told(one, &[wish("b", 0, other)]),
        [format!(
            "{other} of b (priority 0) repeats what {one} of what was found has for itself"
        )]
    );
    for (one, other) in [
        ("ospf/area[0.0.0.0]/interface[e]", "ospf/area[0.0.0.1]/interface[e]"),
        ("ospfv3/area[0.0.0.0]/interface[e]", "ospfv3/area[0.0.0.1]/interface[e]"),
        ("vxlan[7]/member[e]", "vxlan[8]/member[e]"),
    ] {
        assert_eq!(
            told("", &[wish("a", 0, one), wish("b", 0, other)]),
            [format!(
                "{other} of b (priority 0) repeats what {one} of a (priority 0) has for itself"
            )]
        );
    }
    // What repeats itself already, and addresses that may, are nobody's conflict.
    let twice = format!("{one} {other}");
    assert_eq!(told(&twice, &[wish("a", 0, "interface[e]/mtu=1500")]), [""; 0]);
    assert_eq!(
        told(&twice, &[wish("a", 0, "interface[g]/address[192.0.2.2/24]")]),
        [""; 0]
    );
    let local = "interface[e]/address[fe80::1/64] interface[f]/address[fe80::1/64]";
    assert_eq!(told("", &[wish("a", 0, local)]), [""; 0]);
}

/// Who composes a list where another intent has detached one finds that one, as if he had come first.
#[test]
fn a_list_that_an_intent_detached_was_found_all_the_same() {
    let device = tree("access-list[old]/rule[10]/action=permit interface[e]/access-list-in=old");
    let gone = Wish {
        intent: "gone".into(),
        priority: 1,
        entries: [(path("interface[e]/access-list-in"), None)].into(),
        composed: Vec::new(),
    };
    let share = Wish {
        intent: "share".into(),
        composed: vec![Composed {
            at: path("interface[e]/access-list-in"),
            rules: vec![rule("action=deny")],
            last: rule("action=permit"),
            adopt: true,
        }],
        ..Wish::default()
    };
    let at_once = owners(&device, [gone.clone(), share.clone()]);
    let mut later = owners(&device, [gone]);
    let mut there = device.clone();
    let change = planned(&Ownership::new(), &later, &there).unwrap();
    there.apply(&change.delta).unwrap();
    later.contribute(share, &there, &schema()).unwrap();
    assert_eq!(later, at_once);
}
