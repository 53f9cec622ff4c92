//! Every command that the README shows is run, on the network that `entente demo` starts.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod stage;

use std::path::Path;

use stage::Stage;

/// The text of the first block of this language.
fn block<'a>(readme: &'a str, language: &str) -> &'a str {
    let (_, rest) = readme
        .split_once(&format!("```{language}\n"))
        .expect("the block is there");
    rest.split_once("```").expect("the block ends").0
}

#[test]
fn every_command_of_the_readme_does_what_it_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let stage = Stage::start();
    stage.write("intent.yaml", block(&readme, "yaml"));
    let mut run = 0;
    for line in block(&readme, "console")
        .lines()
        .filter_map(|line| line.strip_prefix("$ entente "))
    {
        let (code, said) = stage.run(line);
        assert_eq!(code, 0, "entente {line}\n{said}");
        let expected = match line {
            "device list" => "r12",
            "plan -f intent.yaml" => "+ static-route[198.51.100.0/24]/next-hop[192.0.2.1]: absent → present",
            "commit -f intent.yaml" => "on 2 devices",
            "transaction list" => "rolled-back",
            "intent show customer-a" => "active",
            "device get r1" => "static-route[198.51.100.0/24]/next-hop[192.0.2.1]",
            "intent withdraw customer-a" => "- static-route[198.51.100.0/24]/next-hop[192.0.2.1]: present → absent",
            "say \"set the mtu of r1 eth1 to 1400\"" => "mtu = 1400",
            "class list" => "access.control",
            "learn list" => "nothing was learned yet",
            "audit verify" => "entries hold",
            other => panic!("say what `entente {other}` is expected to print"),
        };
        assert!(
            said.contains(expected),
            "entente {line}: {expected:?} is missing in\n{said}"
        );
        run += 1;
    }
    assert!(run >= 8, "the README shows {run} commands");
}
