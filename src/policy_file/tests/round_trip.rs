//! A policy that is written is read back as it was.

use proptest::prelude::{ProptestConfig, any, proptest};

use crate::domain::identity::SubjectKind;
use crate::domain::policy::{Action, Policy, PolicySubject};
use crate::policy_file::{parse, to_yaml};

use super::arbitrary::policy;

const SHORTEST: &str = "apiVersion: bindguard.dev/v1alpha1\nkind: BindingPolicy\n";

/// The document of design 3.3, word for word.
const DESIGN: &str = r#"
apiVersion: bindguard.dev/v1alpha1
kind: BindingPolicy
metadata: {name: vmo}
spec:
  action: Deny                 # Deny | Warn | Audit
  personas:
  - name: vm
    clusterRoles: [spectro-vm-admin, spectro-vm-power-user, spectro-vm-user, spectro-vm-viewer]
    subjectKinds: [User, Group, ServiceAccount]
    # action: Warn             # may differ for each persona: roll out gradually
    # companions: [name, ...]  # may be fewer than all
  - name: kubernetes           # operators bind ServiceAccounts to these all the time
    clusterRoles: [cluster-admin, admin, edit, view]
    subjectKinds: [User, Group]
  companions:
  - clusterRole: spectro-list-namespaces
    impliedBy: []              # ClusterRoles that serve as well when bound cluster-wide
  - clusterRole: spectro-list-vmtemplates
    impliedBy: []
  matchRoles: false            # also judge `kind: Role` with a persona's name
  companionRemoval: Warn       # Deny | Warn | Audit
  dryRun: Enforce              # Enforce | Warn (GitOps tools that dry-run a whole stage first)
  coverage: {umbrellaGroups: Honour}   # Honour | Ignore
  provisioning:
    mode: OnRequest            # Disabled | OnRequest | Always
    serviceAccounts: []        # [{namespace, name}] that may order; a listed GitOps controller
                               # delegates to everyone who can write its sources
    notOrdering: []            # [{kind: User|Group, name}]: outside automation that never orders
    orderLifetime: 10m
    maxSubjectsPerBinding: 20
    maxCompanions: 50000
  exempt:
    namespaces: [kube-system]  # the binding's namespace
    subjects: [{kind: Group, name: system:masters}, {kind: Group, name: "kubeadm:cluster-admins"}]
    requesters: []             # the same form
"#;

#[test]
fn the_built_in_policy_is_the_document_of_the_design() {
    assert_eq!(parse(DESIGN), Ok(Policy::built_in()));
}

#[test]
fn what_is_left_out_is_as_in_the_built_in_policy() {
    for text in [
        SHORTEST.to_owned(),
        format!("{SHORTEST}metadata: {{}}\nspec: {{}}\n"),
        format!("{SHORTEST}spec: {{coverage: {{}}, provisioning: {{}}, exempt: {{}}}}\n"),
    ] {
        assert_eq!(parse(&text), Ok(Policy::built_in()), "{text}");
    }
}

#[test]
fn a_field_that_is_given_replaces_its_default_whole() {
    let text = format!("{SHORTEST}spec: {{action: Warn, exempt: {{subjects: []}}}}\n");
    let mut expected = Policy::built_in();
    expected.action = Action::Warn;
    expected.exempt.subjects.clear();
    assert_eq!(parse(&text), Ok(expected));
}

#[test]
fn a_policy_may_be_written_in_json() {
    let text = r#"{"apiVersion": "bindguard.dev/v1alpha1", "kind": "BindingPolicy"}"#;
    assert_eq!(parse(text), Ok(Policy::built_in()));
}

#[test]
fn a_user_in_the_form_of_a_service_account_is_one() {
    let text = format!(
        "{SHORTEST}spec: {{exempt: {{subjects: [{{kind: User, name: 'system:serviceaccount:a:b'}}]}}}}\n"
    );
    let subject = PolicySubject {
        kind: SubjectKind::ServiceAccount,
        name: "b".to_owned(),
        namespace: "a".to_owned(),
    };
    assert_eq!(parse(&text).unwrap().exempt.subjects, [subject]);
}

#[test]
fn the_policy_in_force_reads_well() {
    insta::assert_snapshot!(to_yaml(&Policy::built_in()), @r"
    apiVersion: bindguard.dev/v1alpha1
    kind: BindingPolicy
    metadata:
      name: vmo
    spec:
      action: Deny
      personas:
      - name: vm
        clusterRoles:
        - spectro-vm-admin
        - spectro-vm-power-user
        - spectro-vm-user
        - spectro-vm-viewer
        subjectKinds:
        - User
        - Group
        - ServiceAccount
      - name: kubernetes
        clusterRoles:
        - cluster-admin
        - admin
        - edit
        - view
        subjectKinds:
        - User
        - Group
      companions:
      - clusterRole: spectro-list-namespaces
        impliedBy: []
      - clusterRole: spectro-list-vmtemplates
        impliedBy: []
      matchRoles: false
      companionRemoval: Warn
      dryRun: Enforce
      coverage:
        umbrellaGroups: Honour
      provisioning:
        mode: OnRequest
        serviceAccounts: []
        notOrdering: []
        orderLifetime: 10m
        maxSubjectsPerBinding: 20
        maxCompanions: 50000
      exempt:
        namespaces:
        - kube-system
        subjects:
        - kind: Group
          name: system:masters
        - kind: Group
          name: kubeadm:cluster-admins
        requesters: []
    ");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_policy_is_read_back_as_it_was_written(policy in policy()) {
        let text = to_yaml(&policy);
        let read = parse(&text);
        assert_eq!(read, Ok(policy), "{text}");
    }

    #[test]
    fn no_text_whatever_panics(text in any::<String>()) {
        let _ = parse(&text);
    }

    #[test]
    fn no_policy_with_a_hole_in_it_panics(from in 0_usize..1200, length in 0_usize..40, filler in "[-\\[\\]{}:,a0\"'\n ]{0,8}") {
        let mut text: Vec<char> = DESIGN.chars().collect();
        let from = from.min(text.len());
        let to = (from + length).min(text.len());
        text.splice(from..to, filler.chars());
        let _ = parse(&text.into_iter().collect::<String>());
    }
}
