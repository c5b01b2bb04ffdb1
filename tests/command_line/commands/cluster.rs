use crate::sandbox::Sandbox;

const COMMANDS: [&str; 3] = ["verify", "unregister", "denials"];

#[test]
fn without_a_cluster_commands_for_one_say_so_and_fail() {
    let sandbox = Sandbox::new();
    for command in COMMANDS {
        let output = sandbox.run(&[command]);
        assert_eq!(output.status.code(), Some(2), "{output}");
        assert_eq!(output.stdout, "", "{output}");
        for words in ["no cluster is configured", "name one with --kubeconfig"] {
            assert!(output.stderr.contains(words), "{output}");
        }
    }
}

#[test]
fn a_group_to_impersonate_needs_a_user() {
    let sandbox = Sandbox::new();
    for command in COMMANDS {
        let output = sandbox.run(&[command, "--as-group", "devs"]);
        assert_eq!(output.status.code(), Some(2), "{output}");
        assert!(output.stderr.contains("--as <USER>"), "{output}");
    }
}

#[test]
fn a_cluster_that_cannot_be_reached_is_no_answer() {
    let sandbox = Sandbox::new();
    let port = crate::support::reserve_port();
    let config = format!(
        "{{apiVersion: v1, kind: Config, current-context: x, users: [],
           contexts: [{{name: x, context: {{cluster: x, user: ''}}}}],
           clusters: [{{name: x, cluster: {{server: 'https://127.0.0.1:{port}'}}}}]}}"
    );
    sandbox.write("config", config);
    let verify = ["verify", "--kubeconfig", "config", "--timeout", "1s"];
    let output = sandbox.run(&verify);
    assert_eq!(output.status.code(), Some(2), "{output}");
    for words in [
        "waiting: ",
        "cannot tell within 1s",
        "the API server cannot be asked",
    ] {
        assert!(output.stderr.contains(words), "{output}");
    }

    let output = sandbox.run(&["unregister", "--kubeconfig", "config", "-o", "json"]);
    assert_eq!(output.status.code(), Some(2), "{output}");
    assert_eq!(output.stdout, "{\"absent\":[],\"deleted\":[]}\n");
    let words = "cannot delete ValidatingWebhookConfiguration \"bindguard\"";
    assert!(output.stderr.contains(words), "{output}");
}

#[test]
fn a_policy_that_nobody_can_see_at_work_is_not_waited_for() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "audit.yaml",
        "apiVersion: bindguard.dev/v1alpha1\nkind: BindingPolicy\nmetadata: {name: a}\n\
         spec: {action: Audit}\n",
    );
    sandbox.write(
        "config",
        "{apiVersion: v1, kind: Config, current-context: x, users: [],
          contexts: [{name: x, context: {cluster: x, user: ''}}],
          clusters: [{name: x, cluster: {server: 'https://127.0.0.1:1'}}]}",
    );
    let verify = |more: &[&str]| {
        let output = sandbox.run(&[&["verify", "--kubeconfig", "config"], more].concat());
        assert_eq!(output.status.code(), Some(2), "{output}");
        output.stderr
    };
    let audit = verify(&["--policy", "audit.yaml"]);
    assert!(
        audit.contains("action is Audit for every persona"),
        "{audit}"
    );
    let exempt = verify(&["--namespace", "kube-system"]);
    assert!(
        exempt.contains("exempts namespace \"kube-system\""),
        "{exempt}"
    );
}
