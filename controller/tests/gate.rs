//! The health gate against real routers: three FRR in namespaces of their own, joined in a row, with traffic from one end
//! to the other. Intents that every device accepts and that break the network are taken back everywhere; with the gate
//! off each of them stays, and the traffic stays dead.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[path = "gate/lab.rs"]
mod lab;

use lab::{BY_BGP, BY_OSPF, Lab};

/// An intent that every device accepts, and what the gate says to it.
struct Mistake {
    what: &'static str,
    intent: &'static str,
    said: &'static str,
    /// Whither packets do not come any more.
    kills: &'static str,
    /// Lines for vtysh that undo it on a router, where withdrawing cannot: a stranger's secret is not written back.
    by_hand: Option<(&'static str, &'static [&'static str])>,
}

const MISTAKES: [Mistake; 5] = [
    Mistake {
        what: "a wrong next hop",
        intent: "class: routing.static\nname: mistake\nslots: { device: r1, prefix: 10.3.0.0/24, next_hop: 10.12.0.99 }\n",
        said: "r1: 10.12.0.99 answers: 0 of ",
        kills: BY_BGP,
        by_hand: None,
    },
    Mistake {
        what: "an access list that lets nothing of BGP pass",
        intent: "class: access.control\nname: mistake\nslots: { action: deny, protocol: tcp, where: 'r2:east', direction: in }\n",
        said: "r2: the BGP session with 10.23.0.3 (ipv4-unicast) stands",
        kills: BY_BGP,
        by_hand: None,
    },
    Mistake {
        what: "an MTU on one end alone: the neighbours of OSPF do not agree any more",
        intent: "class: interface.set\nname: mistake\nslots: { interface: 'r2:east', mtu: 1400 }\n",
        said: "r2: the OSPF",
        kills: BY_OSPF,
        by_hand: None,
    },
    Mistake {
        what: "a password on one end alone: the kernel drops every segment of the session",
        intent: "class: lab.bgp.password\nname: mistake\nslots: { device: r2, as: 65002, neighbor: 10.23.0.3, remote-as: 65003, password: secret:bgp@1 }\n",
        said: "r2: the BGP session with 10.23.0.3 (ipv4-unicast) stands",
        kills: BY_BGP,
        by_hand: Some((
            "r2",
            &[
                "configure terminal",
                "router bgp 65002",
                "no neighbor 10.23.0.3 password",
            ],
        )),
    },
    Mistake {
        what: "a route map that empties the exports",
        intent: "class: lab.bgp.export\nname: mistake\nslots: { device: r3, neighbor: 10.23.0.2, policy: nothing }\n",
        said: "r3: the BGP session with 10.23.0.2 (ipv4-unicast) stands, 1 or more prefixes received, 1 or more prefixes sent: it is established, 0 prefixes were sent",
        kills: BY_BGP,
        by_hand: None,
    },
];

#[expect(clippy::print_stdout, reason = "how many packets were lost is what the run is for")]
fn report(what: &str, became: &str) {
    println!("{what}: {became}");
}

#[test]
fn what_breaks_the_network_is_taken_back_and_without_the_gate_it_stays() {
    if !tests_real::wanted("gate::what_breaks_the_network_is_taken_back_and_without_the_gate_it_stays") {
        return;
    }
    let lab = Lab::start();
    for mistake in &MISTAKES {
        taken_back(&lab, mistake);
        stays_without_the_gate(&lab, mistake);
    }
}

fn taken_back(lab: &Lab, mistake: &Mistake) {
    let before = lab.running();
    lab.flows(mistake.kills, mistake.what);
    let traffic = lab.traffic(mistake.kills);
    lab.write("intent.yaml", mistake.intent);
    let (code, said) = lab.entente("commit -f intent.yaml");
    assert_eq!(code, 4, "{}: {said}\n{}", mistake.what, lab.logs());
    assert!(
        said.contains("health gate: ") && said.contains(mistake.said),
        "{}: {said}",
        mistake.what
    );
    assert_eq!(
        lab.running(),
        before,
        "{}: every router is byte for byte as before",
        mistake.what
    );
    lab.flows(mistake.kills, mistake.what);
    let (sent, lost) = traffic.count();
    report(mistake.what, &format!("taken back; {lost} of {sent} packets lost"));
    assert!(sent > lost, "{}: nothing came through", mistake.what);
}

fn stays_without_the_gate(lab: &Lab, mistake: &Mistake) {
    lab.write("intent.yaml", mistake.intent);
    let (code, said) = lab.entente("commit -f intent.yaml --gate none");
    assert_eq!(code, 0, "{}: {said}\n{}", mistake.what, lab.logs());
    lab.is_dead(mistake.kills, mistake.what);
    match mistake.by_hand {
        Some((router, lines)) => lab.vtysh(router, lines),
        None => {
            let (code, said) = lab.entente("intent withdraw mistake --gate none");
            assert_eq!(code, 0, "{}: {said}\n{}", mistake.what, lab.logs());
        }
    }
    lab.flows(mistake.kills, "the mistake is undone");
    report(
        mistake.what,
        "without the gate it was committed, and nothing came through any more",
    );
}
