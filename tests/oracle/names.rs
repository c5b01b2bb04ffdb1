//! The names that generated policies, clusters and reviews are made of: few, so that they meet, and
//! odd, so that they meet where they should not.

pub(crate) const ROLES: [&str; 7] = [
    "spectro-vm-user",
    "spectro-vm-admin",
    "view",
    "cluster-admin",
    "Team Role",
    "super",
    "unheard-of",
];
pub(crate) const COMPANIONS: [&str; 4] = [
    "spectro-list-namespaces",
    "spectro-list-vmtemplates",
    "list-third",
    "list fourth",
];
pub(crate) const NAMESPACES: [&str; 4] = ["dev", "ci", "kube-system", "prod"];
pub(crate) const USERS: [&str; 20] = [
    "alice",
    "alice",
    "Alice",
    "bob",
    "carol@example.com",
    "devs",
    "Team Blue",
    "it's \"x\"",
    "$(id)",
    "line\nbreak",
    "\u{202e}evil",
    "e\u{301}",
    "system:anonymous",
    "system:serviceaccounts",
    "system:serviceaccount:ci:bot",
    "system:serviceaccount:dev:bot",
    "system:serviceaccount:ci:",
    "system:serviceaccount:ci",
    "system:serviceaccount::bot",
    "system:serviceaccount:a:b:c",
];
pub(crate) const GROUPS: [&str; 14] = [
    "devs",
    "devs",
    "alice",
    "Team Blue",
    "system:authenticated",
    "system:unauthenticated",
    "system:masters",
    "kubeadm:cluster-admins",
    "system:serviceaccounts",
    "system:serviceaccounts:ci",
    "system:serviceaccounts:dev",
    "system:serviceaccounts:",
    "system:serviceaccounts:a:b",
    "system:serviceaccount:ci:bot",
];
pub(crate) const ACCOUNTS: [&str; 3] = ["bot", "builder", "default"];
pub(crate) const ACCOUNT_NAMESPACES: [&str; 5] = ["ci", "dev", "a:b", "*", "Bad NS!"];
pub(crate) const ACTIONS: [&str; 3] = ["Deny", "Warn", "Audit"];

/// Every name that a subject of kind User or Group may have.
pub(crate) fn all() -> impl Iterator<Item = &'static str> {
    USERS.into_iter().chain(GROUPS)
}
