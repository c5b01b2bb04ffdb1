//! The commands in a denial are the mend: pasted into a shell, they make the same apply pass.

use serde_json::{Value, json};

use crate::objects::{account, account_here, group, role_binding, user};
use crate::stage::{platform, stage};
use crate::support::fresh_folder;

/// Applies a binding of this subject, pastes the commands of the denial, and applies it again.
fn is_mended_by_its_own_denial(subject: impl FnOnce(&str) -> Vec<Value>) {
    let stage = stage();
    let namespace = stage.plane.namespace();
    let subjects = subject(&namespace);
    let binding = role_binding(&namespace, "vm", "spectro-vm-user", subjects);
    let apply = || stage.kubectl_file(&["apply"], std::slice::from_ref(&binding));

    let denial = apply().denial();
    assert_eq!(denial.commands.len(), 2, "{denial:?}");
    let script = denial.commands.join("\n");
    let pasted = stage.plane.bash(platform(), &script);
    assert!(pasted.succeeded(), "{pasted}");
    assert_eq!(pasted.stdout.matches(" created").count(), 2, "{pasted}");
    apply().expect_silence();

    // Pasted twice, they say that the work is done.
    let again = stage.plane.bash(platform(), &script).expect_failure();
    assert!(again.contains("already exists"), "{again}");
}

#[test]
fn the_commands_mend_a_binding_of_a_user() {
    is_mended_by_its_own_denial(|namespace| vec![user(&format!("alice@{namespace}"))]);
}

#[test]
fn the_commands_mend_a_binding_of_a_group_with_spaces() {
    is_mended_by_its_own_denial(|namespace| vec![group(&format!("Team Blue, {namespace}"))]);
}

#[test]
fn the_commands_mend_a_binding_of_service_accounts_in_every_spelling() {
    is_mended_by_its_own_denial(|namespace| {
        vec![
            account_here("one"),
            account(namespace, "two"),
            user(&format!("system:serviceaccount:{namespace}:three")),
            group(&format!("system:serviceaccounts:{namespace}")),
        ]
    });
}

#[test]
fn the_commands_mend_a_binding_of_users_whose_names_a_shell_would_act_on() {
    let bait = fresh_folder("bait").join("taken");
    let taker = format!("$(touch {0}) `touch {0}` $HOME", bait.display());
    is_mended_by_its_own_denial(|namespace| {
        let names = [
            "O'Neil \"the\" Great",
            &taker,
            "semi; colon | & > < * ? ~ #!",
            "back\\slash",
            "--clusterrole=cluster-admin",
        ];
        names
            .map(|name| user(&format!("{name} {namespace}")))
            .into()
    });
    assert!(!bait.exists(), "a name was run as a command");
}

#[test]
fn the_commands_mend_a_binding_of_users_whose_names_a_terminal_would_act_on() {
    is_mended_by_its_own_denial(|namespace| {
        let names = [
            "two\nlines",
            "tab\tESC\u{1b}[31m",
            "\u{202e}reversed\u{200b}",
            "Zoë 🚀 Ünïcode",
        ];
        names
            .map(|name| user(&format!("{name} {namespace}")))
            .into()
    });
}

#[test]
fn the_commands_mend_the_one_companion_that_is_missing() {
    let stage = stage();
    let namespace = stage.plane.namespace();
    let (alice, devs) = (
        user(&format!("alice@{namespace}")),
        group(&format!("devs of {namespace}")),
    );
    stage.complete(&devs);
    let binding = role_binding(&namespace, "vm", "edit", [devs, alice.clone()]);
    let has = crate::stage::fresh_cluster_role_binding("spectro-list-vmtemplates", [alice]);
    stage.kubectl_file(&["create"], &[has]).expect_success();

    let apply = || stage.kubectl_file(&["apply"], std::slice::from_ref(&binding));
    let denial = apply().denial();
    let [command] = &denial.commands[..] else {
        panic!("one command is enough: {denial:?}");
    };
    stage.plane.bash(platform(), command).expect_success();
    apply().expect_silence();

    let made: Value = stage.stored(&["clusterrolebinding", command.split(' ').nth(3).unwrap()]);
    let subjects = json!([user(&format!("alice@{namespace}"))]);
    assert_eq!(made["subjects"], subjects);
}
