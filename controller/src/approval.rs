//! Approval: which plans somebody else must look at first, and what they said. What is approved is what is committed,
//! by hash; where the network moved on, an approval approves nothing.

use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::app::{App, AppError, Asker, missing, read_plan, stamp};
use crate::network::Known;
use crate::plan::{self, Plan};
use crate::policy::{Subject, risk_of};
use crate::store::Said;

/// What a plan still needs before it is committed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Approval {
    /// The plan.
    pub plan: String,
    /// Its hash: what is approved is what is committed.
    pub hash: String,
    /// `open`, `committing`, `refused`, or how it ended.
    pub state: String,
    /// The rules that it falls under now.
    pub rules: Vec<RuleView>,
    /// What was said about it.
    pub said: Vec<Said>,
}

/// What somebody says about a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The hash of the plan that he looked at.
    pub hash: String,
    /// Whether it is a yes.
    pub approved: bool,
    /// Why.
    pub reason: String,
}

/// A rule that a plan falls under.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct RuleView {
    /// Its name.
    pub name: String,
    /// How many approvals it asks for.
    pub approvals: usize,
    /// Who has given one that counts.
    pub given: Vec<String>,
    /// Who may; nothing means anybody but who asked for the plan.
    pub by: Vec<String>,
}

impl RuleView {
    /// What is still needed, in words; nothing where it is met.
    pub fn wants(&self) -> Option<String> {
        let left = self.approvals.saturating_sub(self.given.len());
        let by = match self.by.is_empty() {
            true => "anybody but who asked for it".to_owned(),
            false => self.by.join(", "),
        };
        (left > 0).then(|| format!("{}: {left} more by {by}", self.name))
    }
}

/// Why a yes does not count.
const UNPROVEN: &str = "the admin token does not say who approves: approve with a token of your own (`entente token create NAME --role approver`) or a certificate";

impl App {
    /// What a plan needs, and what was said about it.
    pub async fn approval(&self, id: &str) -> Result<Approval, AppError> {
        let kept = self.store.plan(id).await?.ok_or_else(|| missing("plan", id))?;
        let plan = read_plan(&kept)?;
        Ok(Approval {
            rules: self.rules(&plan).await?,
            said: self.store.said(id).await?,
            plan: plan.id,
            hash: plan.hash,
            state: kept.state,
        })
    }

    /// The rules that a plan falls under at this moment, with what they have.
    pub(crate) async fn rules(&self, plan: &Plan) -> Result<Vec<RuleView>, AppError> {
        let asked_by = self.store.plan_asker(&plan.id).await?;
        let devices = self.changing(plan).await;
        let subject = Subject {
            risk: risk_of(&plan.risk).unwrap_or(intents::Risk::High),
            devices: &devices,
            asked_by: &asked_by,
        };
        let said = self.store.said(&plan.id).await?;
        let good = said.into_iter().filter(|it| it.approved && it.hash == plan.hash);
        let approvers: Vec<String> = good.map(|it| it.who).collect();
        let view = |rule: &crate::policy::Rule| RuleView {
            name: rule.name.clone(),
            approvals: rule.approvals,
            given: rule
                .counted(&approvers, &asked_by)
                .into_iter()
                .map(str::to_owned)
                .collect(),
            by: rule.by.clone(),
        };
        Ok(self.policy.asks(&subject, stamp()).into_iter().map(view).collect())
    }

    /// The devices that a plan touches.
    pub(crate) async fn changing(&self, plan: &Plan) -> Vec<Known> {
        let network = self.network.lock().await;
        plan.touched()
            .filter_map(|device| network.named(&device.name).cloned())
            .collect()
    }

    /// Whether a plan may be committed now: nothing is wanted that nobody approved.
    pub(crate) async fn approved(&self, plan: &Plan) -> Result<(), AppError> {
        let wanting: Vec<String> = self.rules(plan).await?.iter().filter_map(RuleView::wants).collect();
        if wanting.is_empty() {
            return Ok(());
        }
        Err(AppError::Unapproved {
            id: plan.id.clone(),
            wanting,
        })
    }

    /// Approves a plan, or refuses it for good.
    pub async fn judge(&self, id: &str, verdict: Verdict, asker: &Asker) -> Result<Approval, AppError> {
        let Verdict { hash, approved, reason } = verdict;
        let kept = self.store.plan(id).await?.ok_or_else(|| missing("plan", id))?;
        let plan = read_plan(&kept)?;
        if hash != plan.hash || plan.digest() != plan.hash {
            return Err(AppError::Changed { id: id.to_owned() });
        }
        if kept.state != "open" {
            return Err(AppError::Spent {
                id: id.to_owned(),
                state: kept.state,
            });
        }
        if approved {
            self.current(&plan).await?;
            if self.store.plan_asker(id).await? == asker.who {
                return Err(AppError::Unapproved {
                    id: id.to_owned(),
                    wanting: vec![format!("{} asked for it, somebody else has to approve it", asker.who)],
                });
            }
            if !asker.proven {
                return Err(AppError::Unapproved {
                    id: id.to_owned(),
                    wanting: vec![UNPROVEN.to_owned()],
                });
            }
        }
        let said = Said {
            who: asker.who.clone(),
            approved,
            hash: plan.hash.clone(),
            reason: reason.clone(),
            at: stamp(),
        };
        self.store.say(id, &said).await?;
        if !approved {
            self.store.move_plan(id, "open", "refused").await?;
        }
        let what = if approved { "approve" } else { "refuse" };
        self.note(asker, what, id, json!({ "hash": plan.hash, "reason": reason }))
            .await?;
        self.approval(id).await
    }

    /// Whether a plan is still what it was made to be: no intent came beside it, no device moved on.
    async fn current(&self, plan: &Plan) -> Result<(), AppError> {
        let mut what = plan::gone(plan, &[], &*self.network.lock().await);
        for moved in self.moves(plan).await? {
            what.push(format!("{} {}", moved.device, moved.path));
        }
        if what.is_empty() {
            return Ok(());
        }
        Err(AppError::Moved {
            id: plan.id.clone(),
            what,
        })
    }
}
