//! Writing an inventory as the YAML that is read.

use super::{Channel, Inventory};
use std::collections::BTreeSet;
use std::fmt::Write;

impl Inventory {
    /// YAML that reads back as this inventory.
    pub fn to_yaml(&self) -> String {
        let mut text = String::from("version: 1\n");
        // writing into a string cannot fail
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, text: &mut String) -> std::fmt::Result {
        self.write_devices(text)?;
        head(text, "hosts", self.hosts.len())?;
        for host in &self.hosts {
            writeln!(text, "  - name: {}", quoted(&host.name))?;
            if let Some(address) = &host.address {
                writeln!(text, "    address: {}", quoted(address))?;
            }
            whereabouts(text, &host.site, &host.tags)?;
        }
        head(text, "sites", self.sites.len())?;
        for (name, site) in &self.sites {
            let about = site
                .about
                .as_ref()
                .map_or(String::new(), |it| format!("about: {}", quoted(it)));
            writeln!(text, "  {}: {{{about}}}", quoted(name))?;
        }
        head(text, "groups", self.groups.len())?;
        for (name, group) in &self.groups {
            let about = group
                .about
                .as_ref()
                .map_or(String::new(), |it| format!("about: {}, ", quoted(it)));
            writeln!(text, "  {}: {{{about}members: {}}}", quoted(name), list(&group.members))?;
        }
        head(text, "prefixes", self.prefixes.len())?;
        for (name, prefixes) in &self.prefixes {
            let (name, at) = (quoted(name), list(&prefixes.at));
            writeln!(text, "  {name}: {{prefixes: {}, at: {at}}}", list(&prefixes.prefixes))?;
        }
        head(text, "links", self.links.len())?;
        for link in &self.links {
            let ends = link
                .ends
                .each_ref()
                .map(|it| quoted(&format!("{}:{}", it.node, it.interface)));
            let tags = if link.tags.is_empty() {
                String::new()
            } else {
                format!(", tags: {}", list(&link.tags))
            };
            let capacity = link.capacity.map(|it| format!(", capacity: {it}")).unwrap_or_default();
            let cost = link.cost;
            writeln!(
                text,
                "  - {{ends: [{}], cost: {cost}{capacity}{tags}}}",
                ends.join(", ")
            )?;
        }
        Ok(())
    }

    fn write_devices(&self, text: &mut String) -> std::fmt::Result {
        head(text, "devices", self.devices.len())?;
        for device in &self.devices {
            writeln!(text, "  - id: {}", quoted(&device.id.to_string()))?;
            writeln!(text, "    name: {}", quoted(&device.name))?;
            writeln!(text, "    address: {}", quoted(&device.address))?;
            writeln!(text, "    platforms:")?;
            for platform in &device.platforms {
                let owns = platform.owns.iter().cloned().collect();
                let owns = if platform.owns.is_empty() {
                    String::new()
                } else {
                    format!(", owns: {}", list(&owns))
                };
                writeln!(text, "      - {{name: {}{owns}}}", quoted(&platform.name))?;
            }
            writeln!(text, "    protocols:")?;
            for Channel { protocol, port } in &device.protocols {
                writeln!(text, "      - {{name: {}, port: {port}}}", protocol.word())?;
            }
            if let Some(credentials) = &device.credentials {
                writeln!(text, "    credentials: {}", quoted(credentials))?;
            }
            if let Some(guarantee) = device.guarantee {
                writeln!(text, "    guarantee: {}", guarantee.word())?;
            }
            whereabouts(text, &device.site, &device.tags)?;
        }
        Ok(())
    }
}

fn head(text: &mut String, name: &str, count: usize) -> std::fmt::Result {
    if count > 0 { writeln!(text, "{name}:") } else { Ok(()) }
}

fn whereabouts(text: &mut String, site: &Option<String>, tags: &BTreeSet<String>) -> std::fmt::Result {
    if let Some(site) = site {
        writeln!(text, "    site: {}", quoted(site))?;
    }
    if tags.is_empty() {
        Ok(())
    } else {
        writeln!(text, "    tags: {}", list(tags))
    }
}

fn list(items: &BTreeSet<String>) -> String {
    format!("[{}]", items.iter().map(|it| quoted(it)).collect::<Vec<_>>().join(", "))
}

/// A plain word where YAML takes it for text, else in quotes.
fn quoted(text: &str) -> String {
    let plain = text
        .bytes()
        .all(|it| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'_'));
    let letter = text.starts_with(|it: char| it.is_ascii_alphabetic());
    let word = matches!(
        &*text.to_ascii_lowercase(),
        "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n"
    );
    if plain && letter && !word {
        text.to_owned()
    } else {
        serde_json::Value::from(text).to_string()
    }
}
