//! Compaction: a journal is rewritten without what is needed no longer, and the new file takes the old one's name.

use super::{World, points_of};

impl World {
    pub(super) fn compact_controller(&mut self, at: usize) {
        if !self.controllers[at].alive || self.controllers[at].epoch != self.lease {
            return;
        }
        let forgotten = self.controllers[at].forgotten.clone();
        let mut records = self.journal.records();
        records.retain(|it| !forgotten.contains(&it.transaction()));
        let [sync, rename, directory, after] = points_of("coordinator");
        let file = self.journal.rewrite(records);
        if self.is_killed_at(sync) {
            return self.kill_controller(at);
        }
        self.journal.sync_rewritten(file);
        if self.is_killed_at(rename) {
            return self.kill_controller(at);
        }
        self.journal.rename(file);
        if self.is_killed_at(directory) {
            return self.kill_controller(at);
        }
        self.journal.sync_directory();
        if self.is_killed_at(after) {
            self.kill_controller(at);
        }
    }

    pub(super) fn compact_agent(&mut self, at: usize) {
        if !self.agents[at].alive {
            return;
        }
        let now = self.moment();
        let records = self.agents[at].participant.records(now);
        let [sync, rename, directory, after] = points_of("participant");
        let file = self.agents[at].journal.rewrite(records);
        if self.is_killed_at(sync) {
            return self.kill_agent(at);
        }
        self.agents[at].journal.sync_rewritten(file);
        if self.is_killed_at(rename) {
            return self.kill_agent(at);
        }
        self.agents[at].journal.rename(file);
        if self.is_killed_at(directory) {
            return self.kill_agent(at);
        }
        self.agents[at].journal.sync_directory();
        if self.is_killed_at(after) {
            self.kill_agent(at);
        }
    }
}
