//! With `ENTENTE_TORTURE=1` the program is built to be tormented: see tests/torture.

fn main() {
    println!("cargo::rerun-if-env-changed=ENTENTE_TORTURE");
    println!("cargo::rustc-check-cfg=cfg(torture)");
    if std::env::var("ENTENTE_TORTURE").is_ok_and(|it| it == "1") {
        println!("cargo::rustc-cfg=torture");
    }
}
