//! What holds of every node of the modules: where its meaning is from, and what is secret.

use super::*;

/// Nodes that mean nothing that a module of the IETF or of OpenConfig names, and why; what stands inside counts too.
const OUR_OWN: [(&str, &str); 34] = [
    ("bfd/profile/name", PROFILE),
    ("bfd/profile", PROFILE),
    ("bfd/peer/profile", PROFILE),
    ("bgp/network", "both tell networks by policies alone"),
    ("bgp/family/redistribute/metric", METRIC),
    ("bgp/neighbor/family/weight", WEIGHT),
    (
        "bgp/neighbor/last-error",
        "words of the device; OpenConfig has the codes of messages",
    ),
    ("ospf/redistribute/metric", METRIC),
    ("ospf/redistribute/metric-type", METRIC),
    ("ospf/default-originate", ORIGINATE),
    ("ospf/area/interface/neighbor/uptime", UPTIME),
    ("ospfv3/redistribute/metric", METRIC),
    ("ospfv3/redistribute/metric-type", METRIC),
    ("ospfv3/default-originate", ORIGINATE),
    ("ospfv3/area/interface/neighbor/uptime", UPTIME),
    ("policy-route/description", WORDS),
    ("policy-route/rule/description", WORDS),
    (
        "policy-route/rule/next-hop/interface",
        "a next hop of theirs is an address",
    ),
    ("policy-route/rule/follow-routes", "their rules have no exception"),
    ("traffic-class/description", WORDS),
    ("qos-policy/description", WORDS),
    ("qos-policy/rule/class", "theirs goes by a queue between class and rule"),
    ("quota", "no module of theirs counts volumes in a period"),
    (
        "route/next-hop/sequence",
        "the ways of theirs have no number of their own",
    ),
    ("prefix-list/description", WORDS),
    ("prefix-list/rule/sequence", RULES),
    ("prefix-list/rule/action", RULES),
    ("community-list/rule", RULES),
    ("as-path-list/rule", RULES),
    ("route-map/rule/description", WORDS),
    ("route-map/rule/set/weight", WEIGHT),
    ("system/connections", "neither counts the connections that are followed"),
    ("vxlan/description", WORDS),
    ("vxlan/mtu", "OpenConfig took the size out of its network instances"),
];
const PROFILE: &str = "sessions of theirs carry their timers themselves";
const METRIC: &str = "redistribution of theirs leaves the metric to a policy";
const WEIGHT: &str = "known to routers alone, and never told to others";
const ORIGINATE: &str = "theirs leave it to a policy";
const UPTIME: &str = "theirs count events, not the time since";
const WORDS: &str = "theirs have no place for words here";
const RULES: &str = "sets of theirs are not ordered, and the policy alone permits or denies";

#[test]
fn every_node_says_where_its_meaning_is_from_or_why_it_is_ours() {
    let compiled = Compiled::load().unwrap();
    let mut bare: Vec<String> = Vec::new();
    for node in compiled.data_nodes() {
        let reference = node.reference().map(one_line).unwrap_or_default();
        let known = ["RFC ", "OpenConfig openconfig-"]
            .iter()
            .any(|it| reference.starts_with(it));
        assert!(reference.is_empty() || known, "{}: {reference}", names(&node));
        bare.extend(reference.is_empty().then(|| names(&node)));
    }
    let around = |it: &str, place: &str| {
        it.strip_prefix(place)
            .is_some_and(|it| it.is_empty() || it.starts_with('/'))
    };
    let unsaid: Vec<_> = bare
        .iter()
        .filter(|it| !OUR_OWN.iter().any(|(place, _)| around(it, place)))
        .collect();
    assert!(unsaid.is_empty(), "no reference, and no reason why: {unsaid:#?}");
    let idle = OUR_OWN.iter().filter(|(place, _)| !bare.iter().any(|it| it == place));
    let idle: Vec<_> = idle.collect();
    assert!(idle.is_empty(), "said to be ours, and refers to others: {idle:#?}");
    assert!(OUR_OWN.iter().all(|(_, why)| why.len() > 10));
}

/// A leaf of the type of references to secrets is marked, and nothing else is; what is called like a secret is one.
#[test]
fn what_is_secret_is_marked_and_refers() {
    let compiled = Compiled::load().unwrap();
    let mut count = 0;
    for node in compiled.data_nodes() {
        let (facts, path) = (Facts::of(&node), names(&node));
        let refers =
            matches!(&facts.shape, Some(Shape::Text { typedef, .. }) if typedef.as_deref() == Some("secret-reference"));
        let marked = facts.mark("secret").is_some();
        assert_eq!(
            refers, marked,
            "{path}: the type secret-reference and ext:secret go together"
        );
        let last = node.name().rsplit('-').next().unwrap_or_default();
        let called = ["password", "passphrase", "key", "secret"].contains(&last) && facts.shape.is_some();
        assert!(!called || marked, "{path} is called like a secret and is none");
        let known = knowledge_model::Schema::canonical().at(&path).unwrap();
        assert_eq!(known.secret, marked, "{path} in the table");
        count += usize::from(marked);
    }
    assert!(count >= 2, "{count} secrets");
}
