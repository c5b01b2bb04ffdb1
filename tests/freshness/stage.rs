//! A control plane with a bindguard registered, for the tests that stop neither.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::support::{Bindguard, ControlPlane, Registration, Serve};

pub(crate) struct Stage {
    pub(crate) plane: &'static ControlPlane,
    pub(crate) bindguard: Bindguard,
    _registration: Registration<'static>,
}

/// The stage, set on first use.
pub(crate) fn stage() -> &'static Stage {
    static STAGE: OnceLock<Stage> = OnceLock::new();
    STAGE.get_or_init(|| {
        let plane = ControlPlane::shared();
        let bindguard = serve(&furnish(plane)).start();
        let registration = bindguard.register(plane);
        Stage {
            plane,
            bindguard,
            _registration: registration,
        }
    })
}

/// Makes the roles that tests need, and returns the kubeconfig of the account that the chart makes
/// for bindguard.
pub(crate) fn furnish(plane: &ControlPlane) -> PathBuf {
    plane.install_roles();
    plane.accounts().serve.clone()
}

/// `bindguard serve` with a kubeconfig.
pub(crate) fn serve(kubeconfig: &Path) -> Serve {
    Serve::new(env!("CARGO_BIN_EXE_bindguard")).kubeconfig(kubeconfig)
}

/// The value of a metric.
pub(crate) fn metric(bindguard: &Bindguard, series: &str) -> i64 {
    let (_, text) = bindguard.admin("/metrics").expect("metrics are served");
    let prefix = format!("bindguard_{series} ");
    let value = text.lines().find_map(|line| line.strip_prefix(&prefix));
    let value = value.unwrap_or_else(|| panic!("no {series} in\n{text}"));
    value.parse().unwrap()
}
