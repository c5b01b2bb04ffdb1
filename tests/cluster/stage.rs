//! One control plane and one bindguard with the built-in policy, for all tests that can share.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use crate::objects::{BOTH, cluster_role_binding, companions, file, namespace, role_binding, user};
use crate::outcome::BEFORE;
use crate::support::{ADMIN, Bindguard, ControlPlane, Output, Registration, Serve, User, unique};
use crate::table::{self, Case};

/// How many broken bindings are made before bindguard is there.
const OLD_BINDINGS: usize = 24;

pub(crate) struct Stage {
    pub(crate) plane: &'static ControlPlane,
    _bindguard: Bindguard,
    pub(crate) cases: Vec<Case>,
    old: Vec<OldBinding>,
    taken: AtomicUsize,
    _registration: Registration<'static>,
}

/// A RoleBinding to `spectro-vm-user` that was there before bindguard, alone in its namespace,
/// whose only subject, a user, has no companion.
#[derive(Clone, Debug)]
pub(crate) struct OldBinding {
    pub(crate) namespace: String,
    pub(crate) user: String,
}

impl OldBinding {
    /// What all of them are called.
    pub(crate) const NAME: &str = "old";

    /// The binding with these subjects instead of its own.
    pub(crate) fn with(&self, subjects: impl Into<Vec<Value>>) -> Value {
        role_binding(&self.namespace, Self::NAME, "spectro-vm-user", subjects)
    }

    /// The warning about its own subject.
    pub(crate) fn warning(&self) -> String {
        format!(
            "RoleBinding {}/{}: User {} lacks {BOTH}{BEFORE}",
            self.namespace,
            Self::NAME,
            self.user
        )
    }
}

/// The stage, set on first use.
pub(crate) fn stage() -> &'static Stage {
    static STAGE: OnceLock<Stage> = OnceLock::new();
    STAGE.get_or_init(|| {
        let plane = ControlPlane::shared();
        let kubeconfig = furnish(plane);
        let old: Vec<OldBinding> = (0..OLD_BINDINGS).map(|_| old_binding()).collect();
        let cases = table::built_in::cases();
        let mut before = table::world(&cases);
        for binding in &old {
            before.push(namespace(&binding.namespace));
            before.push(binding.with([user(&binding.user)]));
        }
        create(plane, &before);

        let bindguard = serve(kubeconfig).start();
        let registration = bindguard.register(plane);
        Stage {
            plane,
            _bindguard: bindguard,
            cases,
            old,
            taken: AtomicUsize::new(0),
            _registration: registration,
        }
    })
}

impl Stage {
    /// A broken binding for the calling test alone.
    pub(crate) fn old_binding(&self) -> OldBinding {
        let next = self.taken.fetch_add(1, Ordering::SeqCst);
        let binding = self.old.get(next);
        binding.expect("OLD_BINDINGS is enough").clone()
    }

    /// Runs kubectl as the platform team.
    pub(crate) fn kubectl(&self, args: &[&str]) -> Output {
        self.plane.kubectl(platform(), args)
    }

    /// Runs kubectl as the platform team, with these objects as the file `-`.
    pub(crate) fn kubectl_file(&self, args: &[&str], objects: &[Value]) -> Output {
        let args = [args, &["--filename", "-"]].concat();
        self.plane.kubectl_stdin(platform(), &args, &file(objects))
    }

    /// Binds both companions to a subject.
    pub(crate) fn complete(&self, subject: &Value) {
        let companions = companions(&unique("companion"), subject);
        self.kubectl_file(&["create"], &companions).expect_success();
    }

    /// An object as it is stored.
    pub(crate) fn stored(&self, args: &[&str]) -> Value {
        let args = [&["get", "--output", "json", "--show-managed-fields"], args].concat();
        let text = self.plane.kubectl(ADMIN, &args).expect_success();
        serde_json::from_str(&text).expect("kubectl prints JSON")
    }
}

fn old_binding() -> OldBinding {
    let namespace = unique("old");
    let user = format!("mallory@{namespace}");
    OldBinding { namespace, user }
}

/// One of the platform team, who may do everything, by a role that is no persona.
pub(crate) fn platform() -> User {
    User::named("dana@example.com").in_group("platform")
}

/// Makes the roles and accounts that tests need, and returns the kubeconfig of the account that the
/// chart makes for bindguard.
pub(crate) fn furnish(plane: &ControlPlane) -> PathBuf {
    plane.install_roles();
    plane
        .apply(ADMIN, include_str!("world.yaml"))
        .expect_success();
    plane.accounts().serve.clone()
}

/// `bindguard serve` as it is built for these tests.
pub(crate) fn serve(kubeconfig: PathBuf) -> Serve {
    Serve::new(env!("CARGO_BIN_EXE_bindguard")).kubeconfig(kubeconfig)
}

/// Creates objects as a member of `system:masters`.
pub(crate) fn create(plane: &ControlPlane, objects: &[Value]) {
    let args = ["create", "--validate=ignore", "--filename", "-"];
    plane
        .kubectl_stdin(ADMIN, &args, &file(objects))
        .expect_success();
}

/// A ClusterRoleBinding with a name of its own.
pub(crate) fn fresh_cluster_role_binding(role: &str, subjects: impl Into<Vec<Value>>) -> Value {
    cluster_role_binding(&unique("cluster-wide"), role, subjects)
}
