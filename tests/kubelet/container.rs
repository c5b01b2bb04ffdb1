//! Starts the process of a container: in the Pod's network, as the image's user, with a root that
//! holds the program, what it is linked with, and the volumes.

use std::path::Path;

use super::environment::{variables, words};
use super::image::Image;
use super::network::Sandbox;
use super::spec::Container;
use crate::support::{Process, guarded};

/// Builds the root in a mount namespace of the container's own, so that it goes with it. The image
/// is one static program; the one under test is linked with the machine's libraries.
const ROOT: &str = r#"
root=$1 binary=$2 readonly=$3
mount -t tmpfs -o mode=0755 root "$root"
mkdir -p "$root/usr" "$root/proc" "$root/dev" "$root/etc"
for folder in lib lib64 bin sbin; do ln -s "usr/$folder" "$root/$folder"; done
mount --bind /usr "$root/usr"
mount -o remount,bind,ro "$root/usr"
mount -t proc proc "$root/proc" 2>/dev/null || mount --rbind /proc "$root/proc"
for device in null zero urandom; do
  touch "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
touch "$root/bindguard"
mount --bind "$binary" "$root/bindguard"
shift 3
while [ "$1" != -- ]; do
  mkdir -p "$root/$2"
  mount --bind "$1" "$root/$2"
  if [ "$3" = ro ]; then mount -o remount,bind,ro "$root/$2"; fi
  shift 3
done
shift
if [ "$readonly" = ro ]; then mount -o remount,ro "$root"; fi
exec /usr/sbin/chroot "$root" "$@"
"#;

/// What a container needs beside its spec.
pub(super) struct Surroundings<'p> {
    pub(super) pod: &'p serde_json::Value,
    pub(super) sandbox: &'p Sandbox,
    pub(super) image: &'p Image,
    pub(super) api_server: &'p (String, u16),
    /// Where its volumes are.
    pub(super) volumes: &'p Path,
    /// Where its output goes, and its root is mounted.
    pub(super) folder: &'p Path,
}

/// Who the container runs as.
pub(super) fn identity(container: &Container, image: &Image) -> Result<(u32, u32), String> {
    let user = container.user.unwrap_or(image.user);
    if container.non_root && user == 0 {
        return Err("runAsNonRoot, and the user is root".to_owned());
    }
    Ok((user, container.group.unwrap_or(image.group)))
}

pub(super) fn start(container: &Container, around: &Surroundings<'_>) -> Result<Process, String> {
    let Surroundings { image, folder, .. } = around;
    let (user, group) = identity(container, image)?;
    let environment = variables(
        &container.env,
        around.pod,
        &around.sandbox.address,
        around.api_server,
    )?;
    let root = folder.join("root");
    std::fs::create_dir_all(&root).map_err(|error| error.to_string())?;

    let mut command = guarded("/usr/bin/nsenter");
    command.arg(format!("--net={}", around.sandbox.path()));
    command.args(["--", "/usr/bin/unshare", "--mount", "--"]);
    command.args(["/bin/sh", "-euc", ROOT, "root"]);
    let read_only = |is: bool| if is { "ro" } else { "rw" };
    command.arg(&root).arg(&image.binary);
    command.arg(read_only(container.read_only_root));
    for mount in &container.mounts {
        command.arg(around.volumes.join(&mount.volume));
        command.args([&*mount.path, read_only(mount.read_only)]);
    }
    command.args(["--", "/usr/bin/setpriv", "--clear-groups"]);
    command.args(["--reuid", &user.to_string(), "--regid", &group.to_string()]);
    if container.no_new_privileges {
        command.arg("--no-new-privs");
    }
    if container.drop_capabilities {
        command.args(["--bounding-set=-all", "--inh-caps=-all"]);
    }
    // A change of user takes it away.
    command.args(["--pdeathsig", "KILL", "--"]);
    let program = container.command.as_ref().unwrap_or(&image.entrypoint);
    command.args(words(program, &environment));
    let own = (container.command.is_none()).then_some(&image.command);
    if let Some(args) = container.args.as_ref().or(own) {
        command.args(words(args, &environment));
    }
    command.env_clear().envs(environment);
    command.current_dir("/");
    Ok(Process::start("container", command, folder))
}
