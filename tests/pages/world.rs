//! Where the commands of the pages are run: a real cluster with bindguard registered, and for each page a folder with what it
//! talks about.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::path;
use crate::support::{ADMIN, Bindguard, ControlPlane, Output, Registration, Serve, fresh_folder};

const BINARY: &str = env!("CARGO_BIN_EXE_bindguard");

/// Whom and what the pages name: a namespace, and a user who holds both companions, which some page takes away.
const NAMED: &str = "
anew() { kubectl create \"$@\" --dry-run=client --output yaml | kubectl apply --filename -; }
anew namespace red
anew clusterrolebinding alice-namespaces --clusterrole=spectro-list-namespaces --user=alice
anew clusterrolebinding alice-templates --clusterrole=spectro-list-vmtemplates --user=alice
anew rolebinding alice --namespace red --clusterrole=spectro-vm-user --user=alice
";

pub(crate) struct World {
    plane: ControlPlane,
    bindguard: Bindguard,
    bin: PathBuf,
}

/// The world, made on first use, with bindguard registered as long as the process runs.
pub(crate) fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    static REGISTERED: OnceLock<Registration<'static>> = OnceLock::new();
    let world = WORLD.get_or_init(|| {
        let plane = ControlPlane::start(&[]);
        plane.with_controller_manager().install_roles();
        let bindguard = Serve::new(BINARY)
            .kubeconfig(&plane.accounts().serve)
            .start();
        let bin = fresh_folder("bin");
        std::os::unix::fs::symlink(BINARY, bin.join("bindguard")).unwrap();
        World {
            plane,
            bindguard,
            bin,
        }
    });
    REGISTERED.get_or_init(|| world.bindguard.register(&world.plane));
    world
}

impl World {
    /// Runs a script as whoever reads the pages: an administrator, in a folder of a page.
    pub(crate) fn run(&self, folder: &Path, script: &str) -> Output {
        let script = format!(
            "cd '{folder}'; export PATH='{bin}':'{folder}/.local/bin':$PATH HOME='{folder}'; set -o pipefail\n{script}",
            folder = folder.display(),
            bin = self.bin.display(),
        );
        self.plane.bash(ADMIN, &script)
    }
}

/// A folder for the commands of one page.
pub(crate) fn page_folder() -> PathBuf {
    let folder = fresh_folder("page");
    for name in ["examples", "charts", "certs"] {
        copy(&path(name), &folder.join(name));
    }
    copy(&path("examples/charts/forgets"), &folder.join("my-chart"));
    copy(&path("examples/policy-tests"), &folder.join("policy-tests"));
    fs::create_dir_all(folder.join("manifests")).unwrap();
    fs::create_dir_all(folder.join(".local/bin")).unwrap();
    fs::copy(
        path("examples/uncovered-team.yaml"),
        folder.join("manifests/team.yaml"),
    )
    .unwrap();
    let certificates = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=x \
                        -addext subjectAltName=DNS:bindguard.example.com";
    let script = format!(
        "{certificates} -keyout tls.key -out tls.crt 2>/dev/null && cp tls.crt ca.crt && cp tls.crt client-ca.crt"
    );
    world().run(&folder, &script).expect_success();
    world().run(&folder, NAMED).expect_success();
    folder
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
