//! Blocks of lines as a dialect prints them.

use std::fmt::Write as _;

use crate::store::Datastores;

use super::doc::Doc;

/// The marks between and behind blocks.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// Behind a block.
    pub end: &'static str,
    /// Behind the lines outside of blocks.
    pub between: &'static str,
    /// Before an inner block.
    pub inner: &'static str,
    /// Behind an inner block.
    pub inner_end: &'static str,
}

/// The whole document: lines outside of blocks, then each block with its inner ones.
pub fn print(doc: &Doc, style: Style) -> String {
    let mut out = String::new();
    for block in doc.blocks.iter().filter(|block| block.path.is_empty()) {
        push_lines(&mut out, "", &block.lines);
    }
    out.push_str(style.between);
    for block in doc.blocks.iter().filter(|block| block.path.len() == 1) {
        let _ = writeln!(out, "{}", block.path[0]);
        push_lines(&mut out, " ", &block.lines);
        let inner = doc
            .blocks
            .iter()
            .filter(|it| it.path.len() == 2 && it.path[0] == block.path[0]);
        for inner in inner.filter(|it| !it.lines.is_empty()) {
            out.push_str(style.inner);
            let _ = writeln!(out, " {}", inner.path[1]);
            push_lines(&mut out, "  ", &inner.lines);
            out.push_str(style.inner_end);
        }
        out.push_str(style.end);
    }
    out
}

fn push_lines(out: &mut String, indent: &str, lines: &[String]) {
    for line in lines {
        let _ = writeln!(out, "{indent}{line}");
    }
}

/// The interfaces with their state and first address.
pub fn brief(stores: &Datastores) -> String {
    let mut out = String::from(
        "Interface       Status  VRF             Addresses\n---------       ------  ---             ---------\n",
    );
    for interface in stores
        .running
        .at(&["interfaces"])
        .into_iter()
        .flat_map(|it| it.each("interface"))
    {
        let up = if interface.text("enabled") == Some("false") {
            "down"
        } else {
            "up"
        };
        let address = interface.at(&["ipv4", "address"]);
        let address = address.map_or_else(String::new, |it| {
            format!(
                "{}/{}",
                it.text("ip").unwrap_or_default(),
                it.text("prefix-length").unwrap_or_default()
            )
        });
        let _ = writeln!(
            out,
            "{:<15} {up:<7} default         {address}",
            interface.text("name").unwrap_or_default()
        );
    }
    out
}
