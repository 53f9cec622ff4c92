//! Commands, their order, and what is refused.
#![allow(clippy::unwrap_used, reason = "a test")]

use adapters_platform::{Findings, Platform, RenderError, Secret, builtin, check};
use knowledge_model::{Tree, Value, diff};

fn tree(entries: &[(&str, &str)]) -> Tree {
    let mut tree = Tree::new();
    for (path, text) in entries {
        let value = if text.is_empty() {
            Value::Present
        } else {
            Value::scalar(*text)
        };
        tree.plant(path.parse().unwrap(), value);
    }
    tree
}

fn frr() -> &'static Platform {
    builtin::named("frr").unwrap()
}

fn commands(platform: &str, before: &[(&str, &str)], after: &[(&str, &str)]) -> Result<String, RenderError> {
    let (before, after) = (tree(before), tree(after));
    let script = builtin::named(platform)
        .unwrap()
        .render(&diff(&before, &after), &before)?;
    Ok(script
        .lines()
        .iter()
        .map(|line| format!("{:1$}{2}\n", "", line.depth, line.text))
        .collect())
}

#[test]
fn what_a_terminal_would_take_for_a_command_is_refused() {
    for platform in ["frr", "cisco_ios", "huawei_vrp", "linux", "yangcli"] {
        for value in [
            "why?",
            "bell\u{7}",
            "up\u{1b}[A",
            "stop\u{3}",
            "line\rshutdown",
            "line\nshutdown",
            "tab\there",
        ] {
            for path in [
                "interface[eth1]/description",
                "system/hostname",
                "route-map[a]/rule[10]/action",
            ] {
                let rendered = commands(platform, &[], &[(path, value)]);
                assert!(rendered.is_err(), "{platform} {path} {value:?}: {rendered:?}");
            }
        }
    }
    assert!(commands("frr", &[], &[("interface[eth1]/description", "why not!")]).is_ok());
}

#[test]
fn a_policy_comes_before_its_user_and_goes_after_it() {
    let with = [
        ("route-map[in]/rule[10]/action", "permit"),
        ("bgp/as", "65001"),
        ("bgp/neighbor[192.0.2.2]/remote-as", "65002"),
        ("bgp/neighbor[192.0.2.2]/family[ipv4-unicast]/import-policy", "in"),
    ];
    let without = [
        ("bgp/as", "65001"),
        ("bgp/neighbor[192.0.2.2]/remote-as", "65002"),
        ("bgp/neighbor[192.0.2.2]/family[ipv4-unicast]", ""),
    ];
    assert_eq!(
        commands("frr", &without, &with).unwrap(),
        "route-map in permit 10\n exit\nrouter bgp 65001\n address-family ipv4 unicast\n  neighbor 192.0.2.2 route-map in in\n  \
         exit-address-family\n exit\n"
    );
    assert_eq!(
        commands("frr", &with, &without).unwrap(),
        "router bgp 65001\n address-family ipv4 unicast\n  no neighbor 192.0.2.2 route-map in in\n  exit-address-family\n exit\n\
         no route-map in permit 10\n"
    );
}

#[test]
fn masks_and_inverse_masks_are_the_vendors() {
    let acl = [
        ("access-list[edge]/rule[10]/action", "permit"),
        ("access-list[edge]/rule[10]/protocol", "tcp"),
        ("access-list[edge]/rule[10]/source", "192.0.2.0/24"),
        ("access-list[edge]/rule[10]/destination-port", "443"),
        ("interface[ge1]/address[198.51.100.1/30]", ""),
    ];
    let ios = commands("cisco_ios", &[], &acl).unwrap();
    assert!(ios.contains(" 10 permit tcp 192.0.2.0 0.0.0.255 any eq 443\n"), "{ios}");
    assert!(ios.contains(" ip address 198.51.100.1 255.255.255.252\n"), "{ios}");
    let vrp = commands("huawei_vrp", &[], &acl).unwrap();
    assert!(
        vrp.contains(" rule 10 permit tcp source 192.0.2.0 0.0.0.255 destination-port eq 443\n"),
        "{vrp}"
    );
}

#[test]
fn what_has_no_command_is_refused_with_those_that_have() {
    let error = commands("frr", &[], &[("interface[eth1]/mtu", "9000")]).unwrap_err();
    assert!(
        matches!(&error, RenderError::Unsupported { platforms, .. } if platforms.contains(&"cisco_ios".to_owned())),
        "{error}"
    );
    let error = commands("frr", &[], &[("bgp/router-id", "192.0.2.1")]).unwrap_err();
    assert_eq!(error.to_string(), "bgp needs bgp/as");
    let error = commands(
        "cisco_ios",
        &[],
        &[
            ("interface[a]/address[192.0.2.1/24]", ""),
            ("interface[a]/address[192.0.2.2/24]", ""),
        ],
    );
    assert!(
        matches!(error, Err(RenderError::Inexpressible { .. })),
        "a second address has no command"
    );
    let one = tree(&[("interface[a]/description", "x")]);
    let stale = frr().render(&diff(&one, &Tree::new()), &Tree::new());
    assert!(matches!(stale, Err(RenderError::Stale(_))));
}

#[test]
fn what_the_device_hides_needs_no_command() {
    let hidden = [
        ("interface[eth1]/enabled", "true"),
        ("ospf/area[0.0.0.0]/interface[eth1]/hello-interval", "10"),
    ];
    let said = commands("frr", &[], &hidden).unwrap();
    assert!(!said.contains("hello") && !said.contains("shutdown"), "{said}");
}

#[test]
fn a_secret_is_shown_as_its_reference_and_sent_in_clear() {
    let peer = [
        ("bgp/as", "65001"),
        ("bgp/neighbor[192.0.2.2]/remote-as", "65002"),
        ("bgp/neighbor[192.0.2.2]/password", "secret:core@3"),
    ];
    let target = tree(&peer);
    let script = frr().render(&diff(&Tree::new(), &target), &Tree::new()).unwrap();
    assert!(script.to_string().contains("password secret:core@3"));
    let sent = script
        .lines()
        .iter()
        .map(|line| line.text.reveal(&|_| Some(Secret::new("hunter2"))).unwrap());
    assert!(
        sent.into_iter()
            .any(|it| it.expose() == "neighbor 192.0.2.2 password hunter2")
    );
    let read = frr()
        .read("router bgp 65001\n neighbor 192.0.2.2 remote-as 65002\n neighbor 192.0.2.2 password hunter2\n")
        .unwrap();
    assert_eq!(read.secrets.len(), 1);
    assert!(!format!("{read:?}").contains("hunter2"), "a reading shows no secret");
}

#[test]
fn a_strangers_line_in_a_block_that_goes_is_named() {
    let text = "router bgp 65001\n neighbor 192.0.2.2 remote-as 65002\n neighbor 192.0.2.2 advertisement-interval 3\n";
    let read = frr().read(text).unwrap();
    assert_eq!(read.unknown, 1);
    let whole = frr().transition(&read.tree, &Tree::new()).unwrap();
    assert_eq!(read.taken_along(&whole), ["line 3 in bgp"]);
    let mut without = read.tree.clone();
    let peer = "bgp/neighbor[192.0.2.2]".parse().unwrap();
    let inside: Vec<_> = without.under(&peer).map(|(path, _)| path.clone()).collect();
    for path in inside {
        without.remove(&path);
    }
    let neighbor = frr().transition(&read.tree, &without).unwrap();
    assert_eq!(read.taken_along(&neighbor), ["line 3 in bgp"]);
}

#[test]
fn a_bad_file_is_told_where() {
    let bad = "platform: x\nverified: maybe\nguarantee: {whole: true, taken-back-by: nobody}\nconfig:\n  rules:\n    - {path: 'a[{k:nothing}]', line: 'b {k'}\n    - {pth: a, line: b}\n";
    let Findings::Faults(faults) = check(bad, 1) else {
        panic!("the file was taken")
    };
    let said: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert!(said.len() >= 4 && said[0].starts_with("2:"), "{said:#?}");
    let Findings::Sound(summary) = check(include_str!("../platforms/frr.yaml"), 3) else {
        panic!("frr is refused")
    };
    assert_eq!((summary.name.as_str(), summary.native_rules), ("frr", 0));
}
