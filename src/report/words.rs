//! What a finding says, in words. Every name in it is safe to show.

use crate::domain::companion_set::CompanionSet;
use crate::domain::policy::Policy;
use crate::domain::shown::ShownIdentity;
use crate::domain::text::ShownName;

use super::fault::Fault;
use super::finding::Finding;

impl Finding {
    /// What is wrong, where the subject and the binding are shown beside it.
    #[must_use]
    pub fn what(&self, policy: &Policy) -> String {
        match &self.fault {
            Fault::Missing(lacks) => format!("lacks {}", names(policy, *lacks)),
            Fault::Umbrella(given) => {
                format!(
                    "holds {}, and so does everybody in it",
                    names(policy, *given)
                )
            }
            Fault::NoRole(role) => format!("there is no ClusterRole {}", names(policy, *role)),
            Fault::RoleWithoutList(role) => format!(
                "ClusterRole {} has no rule with the verb list",
                names(policy, *role)
            ),
            Fault::NoPersonaRole { bindings } => {
                let role = ShownName(self.role());
                match bindings {
                    1 => format!("there is no ClusterRole {role}, and 1 binding is to it"),
                    many => {
                        format!("there is no ClusterRole {role}, and {many} bindings are to it")
                    }
                }
            }
            Fault::Unneeded {
                companion,
                subjects,
                is_ours,
            } => {
                let companion = names(policy, *companion);
                let prune = if *is_ours {
                    "; bindguard made it, and bindguard prune takes it away"
                } else {
                    ""
                };
                match subjects {
                    1 => format!("holds {companion}, and no persona binding needs it{prune}"),
                    many => {
                        format!("{many} subjects hold {companion}, and no persona binding needs it")
                    }
                }
            }
            Fault::Drift {
                configuration,
                difference,
            } => format!("{configuration} is not as the policy wants it: {difference}"),
            Fault::OrderWaits(reason) => format!("its order for companions waits: {reason}"),
            Fault::OrderExpired => {
                "its order for companions has expired, and companions are missing".to_owned()
            }
            Fault::OrderDoesNotCount(reason) => {
                format!("its order for companions does not count: {reason}")
            }
        }
    }

    /// What is wrong, as a sentence without its full stop.
    #[must_use]
    pub fn message(&self, policy: &Policy) -> String {
        let what = self.what(policy);
        let who = self.who.as_ref();
        let who = who.map(|who| format!("{} ", ShownIdentity(who.identity())));
        let (who, shown) = (who.unwrap_or_default(), self.shown_binding());
        let message = match self.fault {
            Fault::Missing(_) => {
                let role = ShownName(self.role());
                format!(
                    "{who}{what}, without which the VM console does not work: {role} by {shown}"
                )
            }
            Fault::Umbrella(_) => {
                format!("{who}{what}, so that nobody in it is found to lack it: by {shown}")
            }
            Fault::NoRole(_) => format!("{what}: bindings to it give nothing"),
            Fault::RoleWithoutList(_) => format!("{what}: whoever holds it can list nothing"),
            Fault::NoPersonaRole { .. } => format!("{what}, such as {shown}: it gives nothing"),
            Fault::Unneeded { .. } => format!("{who}{what}: by {shown}"),
            Fault::Drift { .. } => what,
            Fault::OrderWaits(_) | Fault::OrderExpired | Fault::OrderDoesNotCount(_) => {
                format!("{shown}: {what}")
            }
        };
        match &self.cluster {
            Some(cluster) => format!("cluster {}: {message}", ShownName(cluster)),
            None => message,
        }
    }

    fn shown_binding(&self) -> String {
        let binding = self.binding.as_ref();
        binding.map_or_else(String::new, |binding| binding.shown().to_string())
    }

    fn role(&self) -> &str {
        self.binding.as_ref().map_or("", |binding| &binding.role)
    }
}

fn names(policy: &Policy, set: CompanionSet) -> String {
    let names = policy.companion_names(set);
    names
        .map(|name| ShownName(name).to_string())
        .collect::<Vec<_>>()
        .join(", ")
}
