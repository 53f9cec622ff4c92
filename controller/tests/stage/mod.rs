//! The network that `entente demo` starts, for tests that want to do things on it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

/// The demo, stopped as a person stops it, so that it takes its parts along.
pub struct Stage {
    demo: Child,
    /// What the demo says that a terminal has to export.
    pub variables: Vec<(String, String)>,
    folder: TempDir,
}

impl Stage {
    /// Starts the demo and waits until it is there to play with.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts the demo with these settings as well; the value of `ENTENTE_POLICY` is the file's text.
    pub fn start_with(settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("policy.yaml");
        let mut command = Command::new(env!("CARGO_BIN_EXE_entente"));
        for (name, value) in settings {
            if *name == "ENTENTE_POLICY" {
                std::fs::write(&file, value).unwrap();
                command.env(name, &file);
            } else {
                command.env(name, value);
            }
        }
        let mut demo = command.arg("demo").stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(demo.stdout.take().unwrap()).lines().map(Result::unwrap);
        let export = lines
            .find(|line| line.contains("export ENTENTE_SERVER"))
            .expect("the demo comes up");
        let words = export.split_whitespace().filter_map(|word| word.split_once('='));
        let variables = words.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Self {
            demo,
            variables,
            folder,
        }
    }

    /// Writes a file where the commands run.
    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path().join(name), text).unwrap();
    }

    /// Where the commands run.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Runs `entente` with the words of a line, quoted ones as one; answers its exit code and everything that it said.
    pub fn run(&self, line: &str) -> (i32, String) {
        self.run_as("operator", line)
    }

    /// The same as a person who calls himself by this name: he has the admin token.
    pub fn run_as(&self, who: &str, line: &str) -> (i32, String) {
        self.run_with(who, None, line)
    }

    /// A token of somebody's own.
    #[allow(dead_code, reason = "each test takes what it needs of it")]
    pub fn token(&self, who: &str, role: &str) -> String {
        let (code, said) = self.run(&format!("token create {who} --role {role} --output json"));
        assert_eq!(code, 0, "{said}");
        let made: serde_json::Value = serde_json::from_str(&said).unwrap();
        made["token"].as_str().unwrap().to_owned()
    }

    /// The same as a person of this name, with a token of his own where he has one.
    pub fn run_with(&self, who: &str, token: Option<&str>, line: &str) -> (i32, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_entente"));
        let variables = self.variables.iter().map(|(name, value)| (name, value));
        command
            .args(words(line))
            .envs(variables)
            .env("USER", who)
            .current_dir(self.path());
        if let Some(token) = token {
            command.env("ENTENTE_TOKEN", token);
        }
        let Output { status, stdout, stderr } = command.output().unwrap();
        let said = format!(
            "{}{}",
            String::from_utf8_lossy(&stdout),
            String::from_utf8_lossy(&stderr)
        );
        (status.code().unwrap_or(-1), said)
    }
}

/// The words of a line; what stands in double quotes is one.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (index, part) in line.split('"').enumerate() {
        if index % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = Command::new("kill")
            .args(["-INT", &self.demo.id().to_string()])
            .status();
        let _ = self.demo.wait();
    }
}
