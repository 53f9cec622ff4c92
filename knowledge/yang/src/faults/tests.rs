//! Paths of libyang read as ours.

use super::*;

#[test]
fn paths_of_libyang() {
    let check = |text: &str, expected: Option<&str>| {
        assert_eq!(instance(text).map(|it| it.to_string()).as_deref(), expected, "{text}");
    };
    check(
        "/entente-interfaces:interface[name='eth1']/mtu",
        Some("interface[eth1]/mtu"),
    );
    check(
        "/entente-routing-policy:prefix-list[family='ipv4'][name='edge']/rule[sequence='10']",
        Some("prefix-list[ipv4][edge]/rule[10]"),
    );
    check(
        "/entente-system:system/dns/server[.='192.0.2.1']",
        Some("system/dns/server[192.0.2.1]"),
    );
    check("/entente-interfaces:interface[name=\"it's\"]", Some("interface[it's]"));
    check(
        "/entente-interfaces:interface[name='a/b]c']/enabled",
        Some("interface[a/b\\]c]/enabled"),
    );
    check("entente-system:system", None);
    check("/entente-interfaces:interface[name=eth1]", None);
}
