//! What the rule and its oracle are compared by.

/// What happens to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// `allow`, `warn`, `audit` or `deny`.
    pub(crate) decision: &'static str,
    /// Who lacks what, in the order of the subjects. Empty where the call is allowed.
    pub(crate) missing: Vec<Lack>,
}

/// One subject that lacks companions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Lack {
    /// What RBAC compares: `user NAME` or `group NAME`.
    pub(crate) who: String,
    /// The companions, in the order of the policy.
    pub(crate) companions: Vec<String>,
    /// Whether the previous version named the subject.
    pub(crate) before: bool,
}

impl Verdict {
    pub(crate) const fn allow() -> Self {
        Self {
            decision: "allow",
            missing: vec![],
        }
    }

    /// The missing pairs in an order of their own.
    pub(crate) fn sorted(mut self) -> Self {
        self.missing.sort();
        self
    }
}
