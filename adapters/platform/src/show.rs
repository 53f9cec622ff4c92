//! A configuration as the device would show it.

use crate::instance::{instances, tree_of};
use crate::platform::Platform;
use crate::slot::Bindings;
use crate::text::Text;
use knowledge_model::Tree;

impl Platform {
    /// What the device shows of a configuration, in its own language. Secrets stand there as references.
    pub fn show(&self, tree: &Tree) -> String {
        let (lines, _) = instances(self, tree);
        let mut text = String::new();
        let mut open: Vec<(usize, Bindings)> = Vec::new();
        for line in lines.values() {
            let mut wanted = line.context.clone();
            if self.rules[line.rule].traits.header {
                wanted.push((line.rule, line.bindings.clone()));
            }
            let common = open.iter().zip(&wanted).take_while(|(a, b)| a == b).count();
            if common == 0 && !open.is_empty() && !self.syntax.separator.is_empty() {
                text.push_str(&self.syntax.separator);
                text.push('\n');
            }
            open.truncate(common);
            for header in &wanted[common..] {
                self.show_line(header.0, &header.1, open.len(), &mut text);
                open.push(header.clone());
            }
            if !self.rules[line.rule].traits.header {
                self.show_line(line.rule, &line.bindings, open.len(), &mut text);
            }
        }
        text
    }

    fn show_line(&self, rule: usize, bindings: &Bindings, depth: usize, text: &mut String) {
        let rule = &self.rules[rule];
        let line: Text = rule.print(&rule.shown, bindings).unwrap_or_default();
        text.push_str(&format!("{:depth$}{line}\n", ""));
    }

    /// The part of a configuration that the device shows, as it shows it: defaults that it hides are gone, entries that
    /// it implies are there, addresses are in its form. Applying it twice changes nothing.
    pub fn normal(&self, tree: &Tree) -> Tree {
        let (lines, _) = instances(self, tree);
        tree_of(self, lines.values())
    }
}
