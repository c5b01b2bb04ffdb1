//! What the guard of orders refuses, and what it lets pass.

use serde_json::{Value, json};

use crate::support::{ADMIN, ControlPlane, Output, User, unique};
use crate::world::{
    ORDER, ORDERED_BY, ORDERS, both, cluster_role_binding, guarded, namespace_admin, ordered,
    role_binding, user,
};

const HINT: &str = "To copy or restore a binding, remove its annotations bindguard.dev/order and \
                    bindguard.dev/ordered-by";
const NO_CREATE: &str = "an order for companions needs what making them by hand does: \"create\" \
                         on clusterrolebindings, in the whole cluster";

fn no_bind(companion: &str) -> String {
    format!(
        "an order for companions needs the verb \"bind\" on ClusterRole {companion}, in the whole \
         cluster; holding its permissions is not enough"
    )
}

fn create(plane: &ControlPlane, as_user: impl Into<User>, object: &Value) -> Output {
    plane.kubectl_stdin(as_user, &["create", "--filename", "-"], &object.to_string())
}

/// Merges a patch into an object, as a user.
fn patch(plane: &ControlPlane, as_user: impl Into<User>, object: &Value, patch: &Value) -> Output {
    let patch = format!("--patch={patch}");
    let args = ["patch", "--filename", "-", "--type=merge", &patch];
    plane.kubectl_stdin(as_user, &args, &object.to_string())
}

fn annotations(order: &Value, by: &Value) -> Value {
    json!({"metadata": {"annotations": {ORDER: order, ORDERED_BY: by}}})
}

#[track_caller]
fn refused(output: &Output, message: &str) {
    assert_eq!(output.refusal_by(ORDERS), format!("{message}. {HINT}"));
}

/// One binding of each kind, of the same name.
fn of_each_kind(plane: &ControlPlane) -> [Value; 2] {
    let name = unique("binding");
    [
        role_binding(&plane.namespace(), &name),
        cluster_role_binding(&name),
    ]
}

#[test]
fn a_new_order_takes_the_right_to_create_companions_and_to_bind_every_one() {
    let plane = guarded();
    let lacking = [
        (user("norman", &[]), NO_CREATE.to_owned()),
        (user("bea", &["bind"]), NO_CREATE.to_owned()),
        (
            user("carol", &["create"]),
            no_bind("spectro-list-namespaces"),
        ),
        (
            user("otto", &["create", "bind-one"]),
            no_bind("spectro-list-vmtemplates"),
        ),
        // RBAC would let them bind what they hold. Whether they hold it, no guard can ask.
        (
            user("hugo", &["create", "hold"]),
            no_bind("spectro-list-namespaces"),
        ),
    ];
    for object in of_each_kind(plane) {
        let is_cluster_wide = object["kind"] == "ClusterRoleBinding";
        for (who, message) in &lacking {
            let order = ordered(object.clone(), "an order", who.name());
            let may_create = who.groups().iter().any(|group| group == "create");
            // Whoever may not create the object at all is refused that.
            if !is_cluster_wide || may_create {
                refused(&create(plane, who, &order), message);
            }
            // An empty order is an order that is new.
            if may_create {
                refused(
                    &create(plane, who, &ordered(object.clone(), "", who.name())),
                    message,
                );
            }
        }
        create(plane, ADMIN, &object).expect_success();
        for (who, message) in &lacking {
            let order = annotations(&json!("an order"), &json!(who.name()));
            refused(&patch(plane, who, &object, &order), message);
        }
        let order = annotations(&json!("an order"), &json!("boris"));
        patch(plane, both(), &object, &order).expect_success();
        let order = annotations(&json!("another"), &json!(ADMIN));
        patch(plane, ADMIN, &object, &order).expect_success();
    }
}

#[test]
fn rights_in_the_binding_s_own_namespace_are_not_enough() {
    let plane = guarded();
    for namespace in [plane.namespace(), "kube-system".to_owned()] {
        let nora = if namespace == "kube-system" {
            user("norman", &[])
        } else {
            namespace_admin(plane, &namespace)
        };
        let object = role_binding(&namespace, &unique("binding"));
        let order = ordered(object, "an order", nora.name());
        refused(&create(plane, &nora, &order), NO_CREATE);
    }
}

#[test]
fn an_order_of_somebody_else_is_not_changed_copied_or_revived_by_who_may_not_order() {
    let plane = guarded();
    let namespace = plane.namespace();
    let nora = namespace_admin(plane, &namespace);
    let object = role_binding(&namespace, "ordered");
    let order = ordered(object.clone(), "an order", "boris");
    create(plane, both(), &order).expect_success();

    for changed in [
        annotations(&json!("another"), &json!("boris")),
        annotations(&json!("an order"), &json!(nora.name())),
        annotations(&json!("an order"), &Value::Null),
        annotations(&json!(""), &json!("boris")),
    ] {
        refused(&patch(plane, &nora, &object, &changed), NO_CREATE);
    }
    let copy = ordered(role_binding(&namespace, "copy"), "an order", "boris");
    refused(&create(plane, &nora, &copy), NO_CREATE);
    plane
        .kubectl(
            &nora,
            &[
                "delete",
                "rolebinding",
                "ordered",
                "--namespace",
                &namespace,
            ],
        )
        .expect_success();
    refused(&create(plane, &nora, &order), NO_CREATE);
    // As the message says.
    create(plane, &nora, &object).expect_success();
}

#[test]
fn who_may_order_does_so_in_their_own_name() {
    let plane = guarded();
    let not_yours = "bindguard.dev/ordered-by must be the user name of whoever places the order, \
                     and it is not yours";
    for object in of_each_kind(plane) {
        for (who, by) in [(both(), "admin"), (User::from(ADMIN), "boris")] {
            refused(
                &create(plane, &who, &ordered(object.clone(), "an order", by)),
                not_yours,
            );
            let mut unsigned = object.clone();
            unsigned["metadata"]["annotations"] = json!({ORDER: "an order"});
            refused(&create(plane, &who, &unsigned), not_yours);
        }
        let order = ordered(object.clone(), "an order", "boris");
        create(plane, both(), &order).expect_success();
        // A restored binding, in which the order is another's.
        let kind = object["kind"].as_str().unwrap();
        let mut args = vec!["delete", kind, object["metadata"]["name"].as_str().unwrap()];
        if let Some(namespace) = object["metadata"]["namespace"].as_str() {
            args.extend(["--namespace", namespace]);
        }
        plane.kubectl(ADMIN, &args).expect_success();
        refused(&create(plane, ADMIN, &order), not_yours);
        create(plane, ADMIN, &object).expect_success();
    }
}

#[test]
fn what_leaves_an_order_as_it_is_or_takes_it_away_passes() {
    let plane = guarded();
    let anybody = user("norman", &[]);
    for object in of_each_kind(plane) {
        let order = ordered(object.clone(), "an order", "boris");
        create(plane, both(), &order).expect_success();
        for change in [
            json!({"metadata": {"labels": {"team": "blue"}}}),
            json!({"subjects": null}),
            json!({"metadata": {"finalizers": ["example.com/wait"]}}),
            json!({"metadata": {"finalizers": null}}),
            annotations(&Value::Null, &json!("boris")),
            annotations(&Value::Null, &Value::Null),
            // Without an order it means nothing, and companions carry one.
            annotations(&Value::Null, &json!("anybody at all")),
        ] {
            patch(plane, &anybody, &object, &change).expect_success();
        }
        let order = annotations(&json!("an order"), &json!("anybody at all"));
        refused(&patch(plane, &anybody, &object, &order), NO_CREATE);
    }
}

#[test]
fn service_accounts_order_only_if_the_policy_lists_them() {
    let plane = guarded();
    let namespace = plane.namespace();
    let as_account = |name: &str| {
        let by = format!("system:serviceaccount:ci:{name}");
        let order = ordered(role_binding(&namespace, name), "an order", &by);
        let kubeconfig = plane.service_account_kubeconfig("ci", name);
        plane.kubectl_with(
            &kubeconfig,
            &["create", "--filename", "-"],
            &order.to_string(),
        )
    };
    as_account("listed").expect_success();
    refused(
        &as_account("unlisted"),
        "a ServiceAccount may order companions only if the policy lists it in \
         spec.provisioning.serviceAccounts",
    );
}

#[test]
fn outside_automation_and_system_users_never_order_whatever_their_rights() {
    let plane = guarded();
    let namespace = plane.namespace();
    let listed = "the policy lists you in spec.provisioning.notOrdering";
    let system = "a user whose name begins with system: orders no companions";
    for (who, message) in [
        (user("it's a robot", &["create", "bind"]), listed),
        (user("rosa", &["create", "bind", "robots"]), listed),
        (user("system:custom", &["create", "bind"]), system),
    ] {
        let order = ordered(role_binding(&namespace, "x"), "an order", who.name());
        refused(&create(plane, &who, &order), message);
    }
}
