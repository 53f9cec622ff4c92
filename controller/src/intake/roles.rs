//! Who may do what: a table of roles and rights, and the right that each request needs.

use axum::http::Method;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Looks at everything, changes nothing.
    Viewer,
    /// Plans, commits, withdraws.
    Operator,
    /// Approves what others plan.
    Approver,
    /// Everything, and lets others in.
    Admin,
}

/// What a request needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// To look.
    Read,
    /// To change the network.
    Operate,
    /// To approve a change.
    Approve,
    /// To change the controller and who it lets in.
    Administer,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Operator, Self::Approver, Self::Admin];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Approver => "approver",
            Self::Admin => "admin",
        }
    }

    /// The role of this word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.word() == word)
    }

    /// Whether who has this role may do what needs `right`.
    pub fn may(self, right: Right) -> bool {
        match right {
            Right::Read => true,
            Right::Operate => matches!(self, Self::Operator | Self::Admin),
            Right::Approve => matches!(self, Self::Approver | Self::Admin),
            Right::Administer => self == Self::Admin,
        }
    }
}

impl Right {
    /// The role that has this right and least beside it.
    pub fn role(self) -> Role {
        match self {
            Self::Read => Role::Viewer,
            Self::Operate => Role::Operator,
            Self::Approve => Role::Approver,
            Self::Administer => Role::Admin,
        }
    }
}

/// What is the admin's alone, also to look at.
const ADMINISTERED: [&str; 4] = ["/v1/tokens", "/v1/backup", "/v1/log", "/v1/classes/reload"];
/// How the paths of approving end.
const APPROVED: [&str; 2] = ["/approve", "/refuse"];
/// How the paths end that change how sentences are read for everybody.
const TAUGHT: [&str; 3] = ["/activate", "/withdraw", "/revert"];

/// What a request needs. What is not named here and only looks is for everybody, what changes something for operators.
pub fn needed(method: &Method, path: &str) -> Right {
    let under = |prefix: &str| path == prefix || path.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('/'));
    if ADMINISTERED.iter().any(|prefix| under(prefix)) {
        return Right::Administer;
    }
    if *method == Method::GET || *method == Method::HEAD {
        return Right::Read;
    }
    if under("/v1/agents") || under("/v1/certificates") || under("/v1/broker") || under("/v1/classes") {
        return Right::Administer;
    }
    let rules = under("/v1/rules") || under("/v1/rule-versions");
    if rules && TAUGHT.iter().any(|end| path.ends_with(end)) {
        return Right::Approve;
    }
    if APPROVED.iter().any(|end| path.ends_with(end)) {
        return Right::Approve;
    }
    Right::Operate
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_may_what_it_is_for_and_no_more() {
        let check = |method: Method, path: &str, may: &[Role]| {
            let right = needed(&method, path);
            let able: Vec<Role> = Role::ALL.into_iter().filter(|role| role.may(right)).collect();
            assert_eq!(able, may, "{method} {path}");
        };
        use Role::{Admin, Approver, Operator, Viewer};
        check(Method::GET, "/v1/devices", &[Viewer, Operator, Approver, Admin]);
        check(Method::GET, "/metrics", &[Viewer, Operator, Approver, Admin]);
        check(Method::POST, "/v1/plans", &[Operator, Admin]);
        check(Method::POST, "/v1/plans/p/commit", &[Operator, Admin]);
        check(Method::POST, "/v1/plans/p/approve", &[Approver, Admin]);
        check(Method::POST, "/v1/plans/p/refuse", &[Approver, Admin]);
        check(Method::POST, "/v1/agents/a/invitation", &[Admin]);
        check(Method::POST, "/v1/agents/a/approve", &[Admin]);
        check(Method::POST, "/v1/broker/certificate", &[Admin]);
        check(Method::GET, "/v1/broker", &[Viewer, Operator, Approver, Admin]);
        check(Method::POST, "/v1/classes/reload", &[Admin]);
        check(Method::POST, "/v1/rules", &[Operator, Admin]);
        check(Method::POST, "/v1/rules/1/try", &[Operator, Admin]);
        check(Method::POST, "/v1/rules/1/activate", &[Approver, Admin]);
        check(Method::POST, "/v1/rules/1/withdraw", &[Approver, Admin]);
        check(Method::POST, "/v1/rule-versions/1/revert", &[Approver, Admin]);
        check(Method::POST, "/v1/intents/i/withdraw", &[Operator, Admin]);
        check(Method::GET, "/v1/tokens", &[Admin]);
        check(Method::POST, "/v1/tokens/t/revoke", &[Admin]);
        check(Method::PUT, "/v1/log", &[Admin]);
        check(Method::POST, "/v1/backup", &[Admin]);
        check(Method::DELETE, "/v1/anything", &[Operator, Admin]);
    }
}
