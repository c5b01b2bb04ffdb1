//! The rule, written another way: by the names that RBAC compares, as plain text, read from plain
//! JSON. Shares no code, no type and no constant with the rule.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::verdict::{Lack, Verdict};

/// The built-in policy, from its documentation.
fn built_in(field: &str) -> Value {
    match field {
        "action" => json!("Deny"),
        "personas" => json!([
            {
                "clusterRoles": [
                    "spectro-vm-admin", "spectro-vm-power-user", "spectro-vm-user",
                    "spectro-vm-viewer",
                ],
                "subjectKinds": ["User", "Group", "ServiceAccount"],
            },
            {
                "clusterRoles": ["cluster-admin", "admin", "edit", "view"],
                "subjectKinds": ["User", "Group"],
            },
        ]),
        "companions" => json!([
            {"clusterRole": "spectro-list-namespaces"},
            {"clusterRole": "spectro-list-vmtemplates"},
        ]),
        "matchRoles" => json!(false),
        "dryRun" => json!("Enforce"),
        "coverage" => json!({"umbrellaGroups": "Honour"}),
        "exempt" => json!({
            "namespaces": ["kube-system"],
            "subjects": [
                {"kind": "Group", "name": "system:masters"},
                {"kind": "Group", "name": "kubeadm:cluster-admins"},
            ],
            "requesters": [],
        }),
        other => panic!("the oracle knows no field {other}"),
    }
}

/// Who is bound to which ClusterRole by a ClusterRoleBinding.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bound(BTreeMap<String, BTreeSet<String>>);

impl Bound {
    pub(crate) fn of<'v>(bindings: impl IntoIterator<Item = &'v Value>) -> Self {
        let mut bound = Self::default();
        for binding in bindings {
            bound.add(binding);
        }
        bound
    }

    fn add(&mut self, binding: &Value) {
        if binding["kind"] == "ClusterRoleBinding"
            && let Some(("ClusterRole", role)) = role(binding)
        {
            let names = self.0.entry(role.to_owned()).or_default();
            names.extend(list(&binding["subjects"]).filter_map(|subject| who(subject, "")));
        }
    }

    /// Whether exactly this name is bound to the role.
    pub(crate) fn holds(&self, role: &str, who: &str) -> bool {
        self.0.get(role).is_some_and(|names| names.contains(who))
    }
}

/// What happens to a call.
pub(crate) fn judge(spec: &Value, bound: &Bound, review: &[u8]) -> Verdict {
    let review: Value = serde_json::from_slice(review).expect("a generated review is JSON");
    let request = &review["request"];
    let (new, old) = (&request["object"], &request["oldObject"]);
    if request["operation"] == "DELETE" {
        return Verdict::allow();
    }
    let field = |name| spec.get(name).cloned().unwrap_or_else(|| built_in(name));
    let kind = text(&request["kind"]["kind"]);
    let namespace = match kind {
        "RoleBinding" => text(&request["namespace"]),
        _ => "",
    };
    let exempt = field("exempt");
    if kind == "RoleBinding" && has(&exempt["namespaces"], namespace) {
        return Verdict::allow();
    }
    let Some((role_kind, role_name)) = role(new) else {
        return Verdict::allow();
    };
    let judged = role_kind == "ClusterRole" || kind == "RoleBinding" && field("matchRoles") == true;
    let personas = field("personas");
    let persona = list(&personas).find(|persona| has(&persona["clusterRoles"], role_name));
    let (true, Some(persona)) = (judged, persona) else {
        return Verdict::allow();
    };

    // What the binding gives counts, also to itself.
    let mut bound = bound.clone();
    bound.add(new);
    let before: BTreeSet<String> = if role(old) == Some((role_kind, role_name)) {
        names(old, namespace).collect()
    } else {
        BTreeSet::new()
    };
    let exempt_names: BTreeSet<String> = names(&exempt, "").collect();
    let honour = field("coverage")["umbrellaGroups"] == "Honour";
    let companions = field("companions");
    let mut missing: Vec<Lack> = vec![];
    for who in names(new, namespace) {
        if !has(&persona["subjectKinds"], kind_of(&who))
            || exempt_names.contains(&who)
            || missing.iter().any(|lack| lack.who == who)
        {
            continue;
        }
        let mut reach = vec![who.clone()];
        if honour {
            reach.extend(groups_of(&who));
        }
        let lacks = list(&companions).filter(|companion| {
            let wanted = persona["companions"].is_null()
                || has(&persona["companions"], text(&companion["clusterRole"]));
            let mut givers =
                std::iter::once(&companion["clusterRole"]).chain(list(&companion["impliedBy"]));
            wanted && !givers.any(|giver| reach.iter().any(|name| bound.holds(text(giver), name)))
        });
        let companions: Vec<String> = lacks
            .map(|companion| text(&companion["clusterRole"]).to_owned())
            .collect();
        if !companions.is_empty() {
            let before = before.contains(&who);
            missing.push(Lack {
                who,
                companions,
                before,
            });
        }
    }
    let action = match persona.get("action") {
        Some(action) => action.clone(),
        None => field("action"),
    };
    let forgiven = request["dryRun"] == true && field("dryRun") == "Warn";
    conclude(
        text(&action),
        forgiven,
        exempt_requester(&exempt, request),
        missing,
    )
}

fn conclude(action: &str, forgiven: bool, exempt: bool, missing: Vec<Lack>) -> Verdict {
    if missing.is_empty() || exempt {
        return Verdict::allow();
    }
    let decision = match action {
        "Audit" => "audit",
        "Warn" => "warn",
        "Deny" if forgiven || missing.iter().all(|lack| lack.before) => "warn",
        "Deny" => "deny",
        other => panic!("no action {other}"),
    };
    Verdict { decision, missing }
}

fn exempt_requester(exempt: &Value, request: &Value) -> bool {
    let user = format!("user {}", text(&request["userInfo"]["username"]));
    let groups = list(&request["userInfo"]["groups"]).map(|group| format!("group {}", text(group)));
    let all: Vec<String> = groups.chain([user]).collect();
    list(&exempt["requesters"])
        .filter_map(|requester| who(requester, ""))
        .any(|requester| all.contains(&requester))
}

/// Kind and name of the role, if RBAC knows it.
fn role(binding: &Value) -> Option<(&str, &str)> {
    let role = &binding["roleRef"];
    let known = matches!(text(&role["apiGroup"]), "" | "rbac.authorization.k8s.io");
    known.then(|| (text(&role["kind"]), text(&role["name"])))
}

fn names<'v>(binding: &'v Value, namespace: &'v str) -> impl Iterator<Item = String> + 'v {
    list(&binding["subjects"]).filter_map(move |subject| who(subject, namespace))
}

/// The name that RBAC compares for a subject, if it compares any.
fn who(subject: &Value, binding_namespace: &str) -> Option<String> {
    let name = text(&subject["name"]);
    match (text(&subject["kind"]), text(&subject["apiGroup"])) {
        ("User", "" | "rbac.authorization.k8s.io") => Some(format!("user {name}")),
        ("Group", "" | "rbac.authorization.k8s.io") => Some(format!("group {name}")),
        ("ServiceAccount", "") => {
            let namespace = match text(&subject["namespace"]) {
                "" => binding_namespace,
                own => own,
            };
            (!namespace.is_empty())
                .then(|| format!("user system:serviceaccount:{namespace}:{name}"))
        }
        _ => None,
    }
}

/// Namespace and name of the ServiceAccount that a name means, if it means one.
pub(crate) fn account(who: &str) -> Option<(&str, &str)> {
    let rest = who.strip_prefix("user system:serviceaccount:")?;
    let colon = rest.rfind(':')?;
    let (namespace, name) = (&rest[..colon], &rest[colon + 1..]);
    (!namespace.is_empty() && !name.is_empty()).then_some((namespace, name))
}

pub(crate) fn kind_of(who: &str) -> &'static str {
    if who.starts_with("group ") {
        "Group"
    } else if account(who).is_some() {
        "ServiceAccount"
    } else {
        "User"
    }
}

/// The groups that Kubernetes itself gives the bearer of a name, or the members of a group.
fn groups_of(who: &str) -> Vec<String> {
    if ["user system:anonymous", "group system:unauthenticated"].contains(&who) {
        return vec![];
    }
    let mut groups = vec!["group system:authenticated".to_owned()];
    let of_one_namespace = who
        .strip_prefix("group system:serviceaccounts:")
        .is_some_and(|namespace| !namespace.is_empty());
    if let Some((namespace, _)) = account(who) {
        groups.push(format!("group system:serviceaccounts:{namespace}"));
    }
    if account(who).is_some() || of_one_namespace {
        groups.push("group system:serviceaccounts".to_owned());
    }
    groups
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> std::slice::Iter<'_, Value> {
    value.as_array().map_or([].iter(), |items| items.iter())
}

fn has(texts: &Value, wanted: &str) -> bool {
    list(texts).any(|text| text == wanted)
}
