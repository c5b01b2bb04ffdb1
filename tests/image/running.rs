//! The image run as a container, in a root of its own with nothing but what it holds.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::built::{VERSION, archive, buildah, buildah_says, path};
use crate::support::{
    Output, Process, clean_command, eventually, fresh_folder, guarded, http_get, reserve_port, run,
    send_signal,
};

/// The user that the image names.
const USER: u32 = 65532;

/// A container of the image; it goes when it is dropped.
struct Container(String);

impl Container {
    fn new() -> Self {
        archive();
        let image = format!("localhost/bindguard:{VERSION}");
        Self(
            buildah_says(&["from", "--pull-never", &image])
                .trim()
                .to_owned(),
        )
    }

    /// A command in it, which sees a folder of this machine as `/data`. The user, the folder that is the root and the
    /// entry point are those of the image.
    fn command(&self, data: &Path, args: &[&str]) -> std::process::Command {
        let volume = format!("{}:/data", data.display());
        let with = buildah(&[
            "run",
            "--isolation",
            "chroot",
            "--volume",
            &volume,
            &self.0,
            "--",
            "/bindguard",
        ]);
        let mut command = guarded(with.get_program());
        command.args(with.get_args()).args(args);
        command
    }

    fn run(&self, data: &Path, args: &[&str]) -> Output {
        run(
            format!("bindguard {} in its image", args.join(" ")),
            self.command(data, args),
            "",
        )
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let _ = buildah(&["rm", &self.0]).output();
    }
}

/// The process that has these words in its command line and is not the tool that started it.
fn inside(words: &str) -> Option<u32> {
    let mut ids = fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    ids.find(|id| {
        let line = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        line.starts_with("/bindguard ") && line.contains(words)
    })
}

fn ids(status: &str, name: &str) -> Vec<u32> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .unwrap_or_default();
    line.split_whitespace()
        .map(|id| id.parse().unwrap())
        .collect()
}

fn examples(folder: &Path) -> PathBuf {
    let manifests = folder.join("manifests");
    fs::create_dir_all(&manifests).unwrap();
    for file in [
        "companion-roles.yaml",
        "covered-team.yaml",
        "uncovered-team.yaml",
    ] {
        fs::copy(path("examples").join(file), manifests.join(file)).unwrap();
    }
    manifests
}

/// The answer to a review of the examples, asked as the API server would.
fn ask(folder: &Path, port: u16, review: &str) -> Value {
    let mut command = clean_command(Path::new("curl"), folder);
    command
        .args(["--silent", "--show-error", "--fail", "--cacert"])
        .arg(folder.join("ca.pem"));
    command.arg("--json").arg(format!(
        "@{}",
        path("examples/reviews").join(review).display()
    ));
    command.arg(format!("https://127.0.0.1:{port}/validate"));
    let text = run("curl".to_owned(), command, "").expect_success();
    serde_json::from_str::<Value>(&text).unwrap()["response"].clone()
}

#[test]
fn it_answers_a_denial_and_a_yes_over_tls_as_a_user_without_rights() {
    let folder = fresh_folder("image");
    // The user of the container is somebody else, who writes one file here and reads the rest.
    for open in [folder.as_path(), folder.parent().unwrap()] {
        fs::set_permissions(open, fs::Permissions::from_mode(0o777)).unwrap();
    }
    examples(&folder);
    let (port, admin) = (reserve_port(), reserve_port());
    let (listen, admin_listen) = (format!("127.0.0.1:{port}"), format!("127.0.0.1:{admin}"));
    let container = Container::new();
    let args = [
        "serve",
        "--manifests",
        "/data/manifests",
        "--listen",
        &listen,
        "--admin-listen",
        &admin_listen,
        "--write-ca",
        "/data/ca.pem",
    ];
    let process = Process::start("bindguard", container.command(&folder, &args), &folder);
    let ready = eventually(Duration::from_secs(30), || {
        assert!(process.exited().is_none(), "{}", process.log_tail());
        matches!(http_get(admin, "/readyz"), Ok((200, _))).then_some(())
    });
    assert!(ready.is_some(), "{}", process.log_tail());

    let denied = ask(&folder, port, "uncovered.json");
    assert_eq!(denied["allowed"], false, "{denied}");
    let message = denied["status"]["message"].as_str().unwrap();
    assert!(
        message.contains("User bob@example.com lacks spectro-list-namespaces"),
        "{message}"
    );
    let allowed = ask(&folder, port, "covered.json");
    assert_eq!(allowed["allowed"], true, "{allowed}");

    let id = inside(&listen).expect("it runs");
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    assert_eq!(ids(&status, "Uid:"), [USER; 4]);
    assert_eq!(ids(&status, "Gid:"), [USER; 4]);
    let effective = status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))
        .unwrap()
        .trim();
    assert_eq!(u64::from_str_radix(effective, 16).unwrap(), 0, "{status}");

    // It ends as it is told, and says so by its exit code.
    send_signal("TERM", &id.to_string());
    let ended = process.wait(Duration::from_secs(40)).expect("it ends");
    assert!(ended.success(), "{ended} {}", process.log_tail());
}

#[test]
fn every_command_is_in_it_and_there_is_no_shell() {
    let (container, folder) = (Container::new(), fresh_folder("image"));
    // buildah loses what a command prints that ends at once, now and then.
    let says = |args: &[&str], expected: &str| {
        let told = eventually(Duration::from_secs(30), || {
            let told = container.run(&folder, args).expect_success();
            (!told.is_empty()).then_some(told)
        });
        let told = told.unwrap_or_default();
        assert!(told.contains(expected), "{told}");
    };
    says(&["version"], &format!("bindguard {VERSION}\n"));
    says(&["controller", "--help"], "Usage: bindguard controller");

    let shell = buildah(&[
        "run",
        "--isolation",
        "chroot",
        &container.0,
        "--",
        "/bin/sh",
        "-c",
        "true",
    ])
    .output()
    .unwrap();
    assert!(!shell.status.success());
    let told = String::from_utf8_lossy(&shell.stderr);
    assert!(told.contains("no such file or directory"), "{told}");
}
