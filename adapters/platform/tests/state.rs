//! What devices say of themselves, read by the built-in platforms.
#![allow(clippy::unwrap_used, reason = "a test")]

use adapters_platform::{Seen, builtin};
use std::collections::BTreeMap;

/// The entries of these observations; each is the same again when it is read.
fn entries(seen: Vec<Seen>) -> Vec<String> {
    let entry = |it: &Seen| {
        let (path, value) = it.entry().unwrap();
        assert_eq!(Seen::of(&path, &value).unwrap(), *it);
        format!("{path} {value}")
    };
    seen.iter().map(entry).collect()
}

#[test]
fn probes_tell_how_long_they_took_and_by_how_much_they_differ() {
    let output = "3 packets transmitted, 3 received, 0% packet loss, time 2050ms\nrtt min/avg/max/mdev = 0.040/0.058/0.083/0.017 ms\n";
    let given = BTreeMap::from([("address".to_owned(), "192.0.2.1".to_owned())]);
    let state = builtin::named("frr").unwrap().state();
    let mut seen = Vec::new();
    for ask in state.asks("reach", &given) {
        seen.extend(entries(ask.read(output).unwrap()));
    }
    seen.sort();
    assert_eq!(
        seen,
        [
            "reach[192.0.2.1]/delay 0.058",
            "reach[192.0.2.1]/jitter 0.017",
            "reach[192.0.2.1]/received 3",
            "reach[192.0.2.1]/sent 3",
        ]
    );
}

#[test]
fn what_the_kernel_counts_is_read() {
    let outputs = [
        (
            "cat /proc/net/dev",
            "Inter-|   Receive                                                |  Transmit\n face |bytes    packets errs drop fifo frame \
             compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n    lo:     100       2    0    0    0     0          0         0 \
                  300       4    0    0    0     0       0          0\n  eth1: 5 6 0 0 0 0 0 0 7 8 0 0 0 0 0 0\n",
        ),
        ("cat /proc/loadavg", "0.52 0.40 0.31 2/345 6789\n"),
        ("busy", "busy 37 percent\n"),
        ("memory", "MemTotal: 2097152\nMemAvailable: 1048576\n"),
    ];
    let (state, none) = (builtin::named("linux").unwrap().state(), BTreeMap::new());
    let mut seen = Vec::new();
    for ask in ["interface", "resource"]
        .iter()
        .flat_map(|name| state.asks(name, &none))
    {
        let (_, output) = outputs.iter().find(|(line, _)| *line == ask.line).unwrap();
        seen.extend(entries(ask.read(output).unwrap()));
    }
    seen.sort();
    let expected = [
        "interface[eth1]/received-octets 5",
        "interface[eth1]/received-packets 6",
        "interface[eth1]/sent-octets 7",
        "interface[eth1]/sent-packets 8",
        "interface[lo]/received-octets 100",
        "interface[lo]/received-packets 2",
        "interface[lo]/sent-octets 300",
        "interface[lo]/sent-packets 4",
        "resource/cpu 37",
        "resource/load 0.52",
        "resource/memory-available 1048576",
        "resource/memory-total 2097152",
    ];
    assert_eq!(seen, expected);
}
