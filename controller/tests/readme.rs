//! Every command that the README shows is run, on the network that `entente demo` starts.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// The demo, stopped as a person stops it, so that it takes its parts along.
struct Demo(Child);

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-INT", &self.0.id().to_string()]).status();
        let _ = self.0.wait();
    }
}

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
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("intent.yaml"), block(&readme, "yaml")).unwrap();

    let mut demo = Command::new(env!("CARGO_BIN_EXE_entente"));
    let mut demo = Demo(demo.arg("demo").stdout(Stdio::piped()).spawn().unwrap());
    let lines = BufReader::new(demo.0.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap);
    let export = lines
        .into_iter()
        .find(|line| line.contains("export ENTENTE_SERVER"))
        .expect("the demo comes up");
    let variables: Vec<(&str, &str)> = export
        .split_whitespace()
        .filter_map(|word| word.split_once('='))
        .collect();
    assert_eq!(variables.len(), 2, "{export}");

    let mut run = 0;
    for line in block(&readme, "console")
        .lines()
        .filter_map(|line| line.strip_prefix("$ entente "))
    {
        let mut command = Command::new(env!("CARGO_BIN_EXE_entente"));
        command
            .args(line.split_whitespace())
            .envs(variables.iter().copied())
            .current_dir(folder.path());
        let output = command.output().unwrap();
        let said = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(output.status.success(), "entente {line}\n{said}");
        let expected = match line {
            "device list" => "r12",
            "plan -f intent.yaml" => "+ static-route[198.51.100.0/24]/next-hop[192.0.2.1]: absent → present",
            "commit -f intent.yaml" => "on 2 devices",
            "transaction list" => "rolled-back",
            "intent show customer-a" => "active",
            "device get r1" => "static-route[198.51.100.0/24]/next-hop[192.0.2.1]",
            "intent withdraw customer-a" => "- static-route[198.51.100.0/24]/next-hop[192.0.2.1]: present → absent",
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
