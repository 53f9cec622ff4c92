//! Plans that nobody commits: they are not kept for ever.

use super::{Store, StoreError, asked};

impl Store {
    /// Forgets the plans of before this time that nobody has committed, and what was said about them; how many plans.
    ///
    /// # Errors
    /// Where the store fails; then nothing is forgotten.
    pub async fn forget_plans(&self, before: i64) -> Result<u64, StoreError> {
        let act = || asked("forget plans");
        let mut all = self.pool.begin().await.map_err(act())?;
        let said = "DELETE FROM said WHERE plan IN (SELECT id FROM plan WHERE state = 'open' AND at < $1 \
            AND id NOT IN (SELECT plan FROM transaction_record))";
        let said = sqlx::query(said).bind(before).execute(&mut *all).await;
        said.map_err(act())?;
        let plans = "DELETE FROM plan WHERE state = 'open' AND at < $1 \
            AND id NOT IN (SELECT plan FROM transaction_record)";
        let gone = sqlx::query(plans).bind(before).execute(&mut *all).await;
        let gone = gone.map_err(act())?;
        all.commit().await.map_err(act())?;
        Ok(gone.rows_affected())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Said, TransactionRow};

    #[tokio::test]
    async fn only_what_nobody_commits_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).await.unwrap();
        for (id, at) in [("old", 10), ("done", 10), ("young", 30)] {
            store.add_plan(id, "h", "{}", at).await.unwrap();
            let (who, hash, reason) = ("ben".to_owned(), "h".to_owned(), String::new());
            let said = Said {
                who,
                hash,
                reason,
                approved: true,
                at,
            };
            store.say(id, &said).await.unwrap();
        }
        let row = TransactionRow {
            id: "t".to_owned(),
            plan: "done".to_owned(),
            state: "running".to_owned(),
            reason: String::new(),
            devices: "[]".to_owned(),
            asked_by: "amy".to_owned(),
            begun: 11,
            ended: None,
            carrier: None,
            faults: "[]".to_owned(),
        };
        store.begin(&row).await.unwrap();
        assert_eq!(store.forget_plans(20).await.unwrap(), 1);
        let there = async |id: &str| store.plan(id).await.unwrap().is_some();
        assert!(!there("old").await && there("done").await && there("young").await);
        assert!(store.said("old").await.unwrap().is_empty());
        assert_eq!(store.said("done").await.unwrap().len(), 1);
        assert_eq!(store.forget_plans(20).await.unwrap(), 0);
    }
}
