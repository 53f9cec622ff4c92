//! The modules are YANG to those who have never heard of us, and without a warning.

use std::process::Command;

use crate::{files, folder, judge, said, yanglint};

#[test]
fn yanglint_takes_every_module() {
    if !tests_real::wanted("yanglint takes every module") {
        return;
    }
    for file in files() {
        let output = judge(Command::new(yanglint()).arg("-p").arg(folder()).arg(&file));
        assert!(output.status.success() && said(&output).is_empty(), "{}", said(&output));
    }
    tests_real::operations(tests_real::Part::Yanglint, files().len() as u64);
}

#[test]
fn pyang_has_nothing_to_warn_of() {
    if !tests_real::wanted("pyang has nothing to warn of") {
        return;
    }
    let python = tests_real::python();
    let pyang = |arguments: &[&str]| {
        let script = python.with_file_name("pyang");
        judge(
            Command::new(&python)
                .arg(script)
                .arg("-p")
                .arg(folder())
                .args(arguments)
                .args(files()),
        )
    };
    let strict = [
        "--lint",
        "--strict",
        "--lint-ensure-hyphenated-names",
        "--lint-modulename-prefix=entente",
        "--max-line-length=100",
    ];
    let output = pyang(&strict);
    assert!(output.status.success() && said(&output).is_empty(), "{}", said(&output));
    tests_real::operations(tests_real::Part::Pyang, files().len() as u64);
}
