//! What must come of a case, as the pages say it. It shares nothing with the program.

use super::case::{Away, Case, Kind, Regime, Requester, Sent};

/// Who places the orders that are copied, kept or left over.
pub(super) const WHO_ORDERED: &str = "boris";

/// What comes of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    /// Whether the binding is stored with the subject that the requester gives it.
    pub(super) stored: bool,
    /// By whose order the subject gets its companions, if it gets any.
    pub(super) made_by: Option<String>,
}

/// The order on the binding when the API server's guard sees it.
enum Order {
    None,
    /// `/mutate` stamped it, by the requester and for whoever lacks something.
    Stamped,
    /// As the requester sent it, or as it was.
    Left,
}

/// What must come of it, where this is the requester's name.
pub(super) fn expect(case: Case, name: &str) -> Outcome {
    let nothing = Outcome {
        stored: false,
        made_by: None,
    };
    if !rbac_lets_write(case) {
        return nothing;
    }
    let order = order(case);
    let (counts, signer) = match order {
        Order::None => (false, None),
        Order::Stamped => (true, Some(name.to_owned())),
        Order::Left => (is_good(case.sent), signer(case.sent, name)),
    };
    // The guard asks only of what is new, and what `/mutate` stamps it has no reason to refuse.
    let is_asked = matches!(order, Order::Left) && is_new(case.sent);
    if is_asked && !(may_order(case.requester) && signer.as_deref() == Some(name)) {
        return nothing;
    }
    let lacks = case.regime != Regime::Covered;
    let is_refused = case.regime == Regime::Enforce && lacks && validates(case.away) && !counts;
    if is_refused {
        return nothing;
    }
    let is_made = counts && lacks && case.regime != Regime::ExemptNamespace;
    Outcome {
        stored: true,
        made_by: signer.filter(|_| is_made),
    }
}

/// Whether RBAC lets them write the persona binding itself.
fn rbac_lets_write(case: Case) -> bool {
    match case.kind {
        Kind::RoleBinding => true,
        Kind::ClusterRoleBinding if case.requester == Requester::NamespaceAdmin => false,
        Kind::ClusterRoleBinding => case.is_update() || may_create(case.requester),
    }
}

/// Whether they may create ClusterRoleBindings.
fn may_create(requester: Requester) -> bool {
    !matches!(
        requester,
        Requester::None | Requester::BindOnly | Requester::NamespaceAdmin
    )
}

/// Whether RBAC would let them make the companions by hand.
pub(super) fn could_by_hand(requester: Requester) -> bool {
    may_create(requester) && requester != Requester::CreateOnly
}

/// Whether they may order companions: they have `create` and `bind`, and the policy lets them.
fn may_order(requester: Requester) -> bool {
    matches!(
        requester,
        Requester::ListedAccount | Requester::Both | Requester::ClusterAdmin
    )
}

fn mutates(away: Away) -> bool {
    matches!(away, Away::Neither | Away::Validating)
}

fn validates(away: Away) -> bool {
    matches!(away, Away::Neither | Away::Mutating)
}

/// Whether the request puts an order on the binding, or another than it had.
fn is_new(sent: Sent) -> bool {
    match sent {
        Sent::Absent | Sent::KeptWhileSubjectsChange | Sent::FromBeforeTheGuard => false,
        Sent::ForgedInOwnName
        | Sent::ForgedInAnothersName
        | Sent::Copied
        | Sent::DatedAhead
        | Sent::OfAnotherCluster
        | Sent::Canary
        | Sent::RecreatedAfterDelete => true,
    }
}

fn order(case: Case) -> Order {
    let left = match case.sent {
        Sent::Absent => Order::None,
        _ => Order::Left,
    };
    if !mutates(case.away) || case.sent == Sent::Canary {
        return left;
    }
    let lacks = !matches!(case.regime, Regime::Covered | Regime::ExemptNamespace);
    if lacks && may_order(case.requester) {
        Order::Stamped
    } else if is_new(case.sent) {
        Order::None
    } else {
        left
    }
}

/// Whether the order that is sent or kept is one of this epoch and time for the subject.
fn is_good(sent: Sent) -> bool {
    matches!(
        sent,
        Sent::ForgedInOwnName
            | Sent::ForgedInAnothersName
            | Sent::Copied
            | Sent::RecreatedAfterDelete
    )
}

/// In whose name the order is that is sent or kept.
pub(super) fn signer(sent: Sent, name: &str) -> Option<String> {
    let signer = match sent {
        Sent::Absent => return None,
        Sent::ForgedInOwnName | Sent::DatedAhead | Sent::OfAnotherCluster | Sent::Canary => name,
        Sent::ForgedInAnothersName if name == WHO_ORDERED => "admin",
        Sent::ForgedInAnothersName
        | Sent::Copied
        | Sent::KeptWhileSubjectsChange
        | Sent::RecreatedAfterDelete
        | Sent::FromBeforeTheGuard => WHO_ORDERED,
    };
    Some(signer.to_owned())
}
