//! Policy files, and how they are watched.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;

use crate::domain::policy::{Action, Policy};
use crate::policy_file::{self, MAX_FILE_BYTES, Outcome, PolicyFileError, load};

fn policy_with(action: &str) -> String {
    format!("apiVersion: bindguard.dev/v1alpha1\nkind: BindingPolicy\nspec: {{action: {action}}}\n")
}

#[test]
fn a_broken_file_gives_a_line_for_each_error_that_editors_can_follow() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("policy.yaml");
    std::fs::write(&path, "apiVersion: bindguard.dev/v1alpha1\nkind: BindingPolicy\nspec:\n  actoin: Deny\n  dryRun: On\n").unwrap();
    let path_text = path.display();
    assert_eq!(
        load(&path).unwrap_err().to_string(),
        format!(
            "{path_text}:4:3: spec.actoin: unknown field; did you mean \"action\"?\n\
             {path_text}:5:11: spec.dryRun: a boolean was read here; write \"Enforce\" or \"Warn\""
        )
    );
}

#[test]
fn what_cannot_be_a_policy_file_is_told_apart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("policy.yaml");
    let error = |path: &Path| load(path).unwrap_err();
    assert!(matches!(error(&path), PolicyFileError::Unreadable { .. }));
    assert!(matches!(
        error(directory.path()),
        PolicyFileError::IsDirectory { .. }
    ));
    std::fs::write(
        &path,
        vec![b'#'; usize::try_from(MAX_FILE_BYTES).unwrap() + 1],
    )
    .unwrap();
    assert!(matches!(error(&path), PolicyFileError::TooLarge { .. }));
    std::fs::write(&path, b"# \xc3\xa9\n a\xff").unwrap();
    assert_eq!(
        error(&path).to_string(),
        format!("{}:2:3: this is not UTF-8", path.display())
    );
}

/// A file under watch, and what came of each change.
struct Watched {
    policies: watch::Receiver<Arc<Policy>>,
    outcomes: Arc<Mutex<Vec<String>>>,
}

impl Watched {
    fn start(path: &Path) -> Self {
        let loaded = load(path).unwrap();
        let (sender, policies) = watch::channel(Arc::new(loaded.policy));
        let outcomes = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&outcomes);
        tokio::spawn(policy_file::watch(
            path.to_owned(),
            loaded.digest,
            Duration::from_millis(2),
            sender,
            move |outcome| {
                seen.lock().unwrap().push(match outcome {
                    Outcome::InForce(policy) => format!("{:?}", policy.action),
                    Outcome::Rejected(error) => error.to_string(),
                });
            },
        ));
        Self { policies, outcomes }
    }

    /// Waits until so many changes have been seen and returns the last.
    async fn outcome(&self, number: usize) -> String {
        for _ in 0..5000 {
            if let Some(outcome) = self.outcomes.lock().unwrap().get(number - 1) {
                return outcome.clone();
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        panic!("change {number} was never seen");
    }

    fn action(&self) -> Action {
        self.policies.borrow().action
    }
}

#[tokio::test]
async fn an_edit_comes_into_force_and_a_broken_one_keeps_what_was() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("policy.yaml");
    std::fs::write(&path, policy_with("Deny")).unwrap();
    let mut watched = Watched::start(&path);

    std::fs::write(&path, policy_with("Warn")).unwrap();
    // A write is not atomic: the watch may have seen the file empty first.
    watched
        .policies
        .wait_for(|policy| policy.action == Action::Warn)
        .await
        .unwrap();

    let before = watched.outcomes.lock().unwrap().len();
    let broken = directory.path().join("broken");
    std::fs::write(&broken, policy_with("Refuse")).unwrap();
    std::fs::rename(&broken, &path).unwrap();
    assert!(
        watched
            .outcome(before + 1)
            .await
            .contains("\"Refuse\" is not one of")
    );
    tokio::time::sleep(Duration::from_millis(30)).await;
    assert_eq!(
        watched.outcomes.lock().unwrap().len(),
        before + 1,
        "told once"
    );
    assert_eq!(watched.action(), Action::Warn);

    std::fs::remove_file(&path).unwrap();
    assert!(
        watched
            .outcome(before + 2)
            .await
            .starts_with("cannot read policy file")
    );
    assert_eq!(watched.action(), Action::Warn);
}

#[cfg(unix)]
#[tokio::test]
async fn a_swapped_symlink_is_seen_as_a_config_map_volume_swaps_it() {
    use std::os::unix::fs::symlink;
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    for (version, action) in [("..1", "Deny"), ("..2", "Audit")] {
        std::fs::create_dir(at(version)).unwrap();
        std::fs::write(at(version).join("policy.yaml"), policy_with(action)).unwrap();
    }
    symlink("..1", at("..data")).unwrap();
    symlink("..data/policy.yaml", at("policy.yaml")).unwrap();
    let mut watched = Watched::start(&at("policy.yaml"));

    symlink("..2", at("..data_tmp")).unwrap();
    std::fs::rename(at("..data_tmp"), at("..data")).unwrap();
    watched
        .policies
        .wait_for(|policy| policy.action == Action::Audit)
        .await
        .unwrap();
    assert_eq!(*watched.outcomes.lock().unwrap(), ["Audit"]);
}

#[tokio::test]
async fn an_edit_that_changes_no_policy_wakes_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("policy.yaml");
    std::fs::write(&path, policy_with("Deny")).unwrap();
    let watched = Watched::start(&path);
    let edited = directory.path().join("edited");
    std::fs::write(&edited, policy_with("Deny") + "# a comment\n").unwrap();
    std::fs::rename(&edited, &path).unwrap();
    assert_eq!(watched.outcome(1).await, "Deny");
    assert!(!watched.policies.has_changed().unwrap());
}
