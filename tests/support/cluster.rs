//! A cluster to play with: a control plane with bindguard registered, until Ctrl-C.
//!
//! `make cluster` builds bindguard and runs this with `BINDGUARD_BIN`.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for people to read"
)]

#[path = "mod.rs"]
mod support;

use std::error::Error;

use support::{ADMIN, ControlPlane, Serve};
use tokio::signal::unix::{SignalKind, signal};

fn main() -> Result<(), Box<dyn Error>> {
    let binary = std::env::var("BINDGUARD_BIN")
        .map_err(|_| "BINDGUARD_BIN must name the bindguard binary")?;
    let binary = std::fs::canonicalize(&binary)
        .map_err(|error| format!("BINDGUARD_BIN={binary}: {error}"))?;

    eprintln!("Starting etcd, kube-apiserver and kube-controller-manager ...");
    let control_plane = ControlPlane::start(&[]);
    control_plane.with_controller_manager().install_roles();
    eprintln!("Starting bindguard ...");
    let kubeconfig = control_plane.kubeconfig(ADMIN);
    let account = &control_plane.accounts().serve;
    let bindguard = Serve::new(binary).kubeconfig(account).start();
    let registration = bindguard.register(&control_plane);

    let kubectl = control_plane.assets().join("kubectl");
    print_guide(
        &kubeconfig.display().to_string(),
        &kubectl.display().to_string(),
        bindguard.log_folder(),
    );
    wait_for_interrupt()?;

    eprintln!("Stopping ...");
    drop(registration);
    drop(bindguard);
    drop(control_plane);
    Ok(())
}

fn print_guide(kubeconfig: &str, kubectl: &str, logs: &std::path::Path) {
    let logs = logs.display();
    println!(
        "
The cluster runs. In another terminal:

    export KUBECONFIG={kubeconfig}
    alias kubectl={kubectl}

This is denied, because jane could not list namespaces or templates:

    kubectl create rolebinding jane --clusterrole=spectro-vm-user --user=jane

This works, because the companions come first:

    kubectl create clusterrolebinding jane-namespaces --clusterrole=spectro-list-namespaces --user=jane
    kubectl create clusterrolebinding jane-templates --clusterrole=spectro-list-vmtemplates --user=jane
    kubectl create rolebinding jane --clusterrole=spectro-vm-user --user=jane

Audit lines and log of bindguard: {logs}/bindguard.stdout and bindguard.stderr
Ctrl-C stops everything and removes it."
    );
}

fn wait_for_interrupt() -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        Ok(())
    })
}
