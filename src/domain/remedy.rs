//! What adds the missing companions: names, subjects and commands.

use std::borrow::Cow;
use std::fmt::Write;

use sha2::{Digest, Sha256};

use super::assess::Missing;
use super::identity::{
    Identity, SERVICE_ACCOUNT_USER_PREFIX, SERVICE_ACCOUNTS_PREFIX, SubjectKind,
};
use super::policy::Policy;
use super::text::{ShellWord, is_overlong};

/// How many characters of a companion's name go into the name of a binding to it.
const LONGEST_PREFIX: usize = 200;

/// The command that binds one companion to everybody in `missing` who lacks it, and for whom a
/// command can be written.
///
/// None, if there is nobody: a command cannot be given a NUL, and an overlong name does not
/// belong into a message.
#[must_use]
pub fn command(
    policy: &Policy,
    companion_position: usize,
    missing: &[Missing<'_>],
) -> Option<String> {
    let companion = policy.companions.get(companion_position)?;
    let identities: Vec<Identity<'_>> = missing
        .iter()
        .filter(|one| one.lacks.contains(companion_position))
        .map(|one| one.identity)
        .filter(can_be_commanded)
        .collect();
    if identities.is_empty() {
        return None;
    }
    let role = companion.cluster_role.as_str();
    let name = binding_name(role, &identities);
    Some(command_that_binds(&name, role, &identities))
}

/// The command that makes a binding of this name to a ClusterRole, for identities that
/// [can be commanded](can_be_commanded).
#[must_use]
pub fn command_that_binds(name: &str, role: &str, identities: &[Identity<'_>]) -> String {
    let mut command = format!(
        "kubectl create clusterrolebinding {} --clusterrole={}",
        ShellWord(name),
        ShellWord(role)
    );
    for identity in identities {
        write_flag(&mut command, *identity);
    }
    command
}

/// Whether a shell command can name the identity.
#[must_use]
pub fn can_be_commanded(identity: &Identity<'_>) -> bool {
    let (_, name) = identity.name();
    let parts = [name, identity.namespace().unwrap_or_default()];
    parts
        .iter()
        .all(|part| !part.contains('\0') && !is_overlong(part))
}

/// A name for a binding of one companion to these identities: the same for the same identities
/// in any order, and another for others.
#[must_use]
pub fn binding_name(companion: &str, identities: &[Identity<'_>]) -> String {
    let mut sorted = identities.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let mut digest = Sha256::new();
    for identity in sorted {
        let (prefix, name) = identity.name();
        let kind = identity.kind().as_str();
        for part in [kind, identity.namespace().unwrap_or_default(), prefix, name] {
            digest.update(part);
            digest.update([0]);
        }
    }
    let prefix: String = companion.chars().take(LONGEST_PREFIX).collect();
    let [a, b, c, d, ..] = <[u8; 32]>::from(digest.finalize());
    format!("{prefix}-{:08x}", u32::from_be_bytes([a, b, c, d]))
}

/// A subject as a new binding is to name it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NewSubject<'a> {
    /// Its kind.
    pub kind: SubjectKind,
    /// The namespace of a ServiceAccount.
    pub namespace: Option<&'a str>,
    /// Its name.
    pub name: Cow<'a, str>,
}

impl<'a> NewSubject<'a> {
    /// The subject that stands for the identity. A ServiceAccount whose name the API server would
    /// not take is named in the user form, which is the same identity.
    #[must_use]
    pub fn of(identity: Identity<'a>) -> Self {
        let (namespace, name) = match identity {
            Identity::User(name) | Identity::Group(name) => (None, Cow::Borrowed(name)),
            Identity::ServiceAccountsOf(namespace) => {
                let name = format!("{SERVICE_ACCOUNTS_PREFIX}{namespace}");
                (None, Cow::Owned(name))
            }
            Identity::ServiceAccount { namespace, name } if is_service_account(namespace, name) => {
                (Some(namespace), Cow::Borrowed(name))
            }
            Identity::ServiceAccount { namespace, name } => {
                return Self {
                    kind: SubjectKind::User,
                    namespace: None,
                    name: format!("{SERVICE_ACCOUNT_USER_PREFIX}{namespace}:{name}").into(),
                };
            }
        };
        Self {
            kind: identity.kind(),
            namespace,
            name,
        }
    }
}

/// The flag of `kubectl create clusterrolebinding` that names the identity.
fn write_flag(command: &mut String, identity: Identity<'_>) {
    let subject = NewSubject::of(identity);
    let flag = match subject.kind {
        SubjectKind::User => "user",
        SubjectKind::Group => "group",
        SubjectKind::ServiceAccount => "serviceaccount",
    };
    let value = match subject.namespace {
        Some(namespace) => format!("{namespace}:{}", subject.name),
        None => subject.name.into_owned(),
    };
    // Writing to a String cannot fail.
    let _ = write!(command, " --{flag}={}", ShellWord(&value));
}

/// Whether a binding can name it as a ServiceAccount. kubectl splits the flag's value at its colon,
/// and the API server takes only names that a ServiceAccount can have, of which a User's name need
/// know nothing.
///
/// Source: `k8s.io/apimachinery/pkg/api/validation`, `ValidateServiceAccountName`.
fn is_service_account(namespace: &str, name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_label = |part: &str| {
        part.bytes().all(|byte| inner(byte) || byte == b'-')
            && part.bytes().next().is_some_and(inner)
            && part.bytes().next_back().is_some_and(inner)
    };
    !namespace.contains(':') && name.len() <= 253 && name.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::{binding_name, command};
    use crate::domain::assess::{Missing, Since};
    use crate::domain::companion_set::CompanionSet;
    use crate::domain::identity::Identity;
    use crate::domain::policy::Policy;

    fn missing<'a>(identity: Identity<'a>, companions: &[usize]) -> Missing<'a> {
        Missing {
            identity,
            lacks: companions.iter().copied().collect::<CompanionSet>(),
            since: Since::ThisChange,
        }
    }

    #[test]
    fn the_command_names_those_who_lack_the_companion_and_nobody_else() {
        let builder = Identity::ServiceAccount {
            namespace: "ci",
            name: "builder",
        };
        let all = [
            missing(Identity::User("alice"), &[0, 1]),
            missing(Identity::Group("Team Blue"), &[1]),
            missing(builder, &[1]),
        ];
        assert_eq!(
            command(&Policy::built_in(), 0, &all).unwrap(),
            "kubectl create clusterrolebinding spectro-list-namespaces-f30855b4 \
             --clusterrole=spectro-list-namespaces --user=alice"
        );
        let second = command(&Policy::built_in(), 1, &all).unwrap();
        assert!(
            second.ends_with("--user=alice --group='Team Blue' --serviceaccount=ci:builder"),
            "{second}"
        );
    }

    #[test]
    fn names_that_no_command_can_carry_are_left_out() {
        let long = "x".repeat(300);
        let all = [
            missing(Identity::User("nul\0"), &[0]),
            missing(Identity::User(&long), &[0]),
        ];
        assert_eq!(command(&Policy::built_in(), 0, &all), None);
    }

    #[test]
    fn a_namespace_with_a_colon_is_given_in_the_user_form() {
        let odd = Identity::ServiceAccount {
            namespace: "a:b",
            name: "c",
        };
        let command = command(&Policy::built_in(), 0, &[missing(odd, &[0])]).unwrap();
        assert!(command.ends_with("--user=system:serviceaccount:a:b:c"));
    }

    #[test]
    fn a_name_that_no_service_account_can_have_is_given_in_the_user_form() {
        for (name, flag) in [
            ("bot-1.2", "--serviceaccount=ci:bot-1.2"),
            ("My_Bot", "--user=system:serviceaccount:ci:My_Bot"),
            ("-bot", "--user=system:serviceaccount:ci:-bot"),
            ("bot.", "--user=system:serviceaccount:ci:bot."),
            ("b t", "--user='system:serviceaccount:ci:b t'"),
        ] {
            let identity = Identity::ServiceAccount {
                namespace: "ci",
                name,
            };
            let command = command(&Policy::built_in(), 0, &[missing(identity, &[0])]).unwrap();
            assert!(command.ends_with(flag), "{command}");
        }
    }

    #[test]
    fn the_name_depends_on_who_but_not_on_the_order() {
        let alice = Identity::User("alice");
        let group = Identity::Group("alice");
        let both = binding_name("c", &[alice, group]);
        assert_eq!(both, binding_name("c", &[group, alice, alice]));
        assert_ne!(binding_name("c", &[alice]), binding_name("c", &[group]));
    }
}
