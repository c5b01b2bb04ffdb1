//! What was created a moment ago counts.

use serde_json::Value;

use crate::objects::{companions, group, role_binding, user};
use crate::stage::stage;
use crate::support::unique;

#[test]
fn persona_bindings_that_follow_their_companions_at_once_are_never_refused() {
    let stage = stage();
    let namespace = stage.plane.namespace();
    let mut objects: Vec<Value> = Vec::new();
    for number in 0..50 {
        let name = format!("{number}@{namespace}");
        let subject = if number % 2 == 0 {
            user(&name)
        } else {
            group(&name)
        };
        objects.extend(companions(&unique("companion"), &subject));
        let binding = format!("vm-{number}");
        objects.push(role_binding(
            &namespace,
            &binding,
            "spectro-vm-user",
            [subject],
        ));
    }
    // One call after the other over one connection, as fast as the API server answers.
    stage.kubectl_file(&["create"], &objects).expect_silence();
}

#[test]
fn companions_that_many_make_at_the_same_time_cover_at_once() {
    let stage = stage();
    let namespace = stage.plane.namespace();
    std::thread::scope(|scope| {
        for number in 0..8 {
            let namespace = &namespace;
            scope.spawn(move || {
                let mut objects: Vec<Value> = Vec::new();
                for part in 0..5 {
                    let name = format!("{number}-{part}");
                    let subject = user(&format!("{name}@{namespace}"));
                    objects.extend(companions(&unique("companion"), &subject));
                    objects.push(role_binding(namespace, &name, "edit", [subject]));
                }
                stage.kubectl_file(&["create"], &objects).expect_silence();
            });
        }
    });
}

#[test]
fn a_companion_that_is_gone_no_longer_covers() {
    let stage = stage();
    let namespace = stage.plane.namespace();
    let name = format!("alice@{namespace}");
    let made = companions(&unique("companion"), &user(&name));
    stage.kubectl_file(&["create"], &made).expect_silence();
    let binding = |number: usize| {
        let subjects = [user(&name)];
        role_binding(
            &namespace,
            &format!("vm-{number}"),
            "spectro-vm-user",
            subjects,
        )
    };
    stage
        .kubectl_file(&["create"], &[binding(0)])
        .expect_silence();
    let deleted = stage.kubectl_file(&["delete"], &made[1..]);
    let loses = format!("User {name} loses spectro-list-vmtemplates");
    assert!(deleted.warnings()[0].starts_with(&loses), "{deleted}");
    deleted.expect_success();
    // The deletion may come a moment after its answer, as it may for RBAC itself.
    let mut number = 0;
    let refused = crate::support::eventually(std::time::Duration::from_secs(5), || {
        number += 1;
        let output = stage.kubectl_file(&["create"], &[binding(number)]);
        (!output.succeeded()).then_some(output)
    });
    let output = refused.expect("the deletion is noticed");
    output.expect_denied(&[&format!("User {name} lacks spectro-list-vmtemplates")]);
}
