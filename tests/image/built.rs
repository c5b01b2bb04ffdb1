//! What is in the image, and what it says of itself.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

/// The most bytes that the image may have.
const LIMIT: u64 = 25_000_000;

pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

pub(crate) fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The archive of the image, built first if need be.
pub(crate) fn archive() -> &'static Path {
    static ARCHIVE: OnceLock<PathBuf> = OnceLock::new();
    ARCHIVE.get_or_init(|| {
        let mut build = Command::new(path("image/build.sh"));
        let output = build
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "image/build.sh failed; it said why on stderr"
        );
        String::from_utf8(output.stdout).unwrap().trim().into()
    })
}

/// What the image holds, as files.
pub(crate) fn rootfs() -> PathBuf {
    archive().with_file_name("rootfs")
}

/// buildah with the storage that the image is in.
pub(crate) fn buildah(args: &[&str]) -> Command {
    let folder = archive().parent().unwrap();
    let mut command = Command::new("buildah");
    command.arg("--root").arg(folder.join("storage"));
    command.arg("--runroot").arg(folder.join("run"));
    command.args(["--storage-driver", "vfs"]).args(args);
    command
}

pub(crate) fn buildah_says(args: &[&str]) -> String {
    let output = buildah(args).output().unwrap();
    assert!(
        output.status.success(),
        "{args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// What the image says of itself, as the OCI writes it.
fn configuration() -> Value {
    let told = buildah_says(&[
        "inspect",
        "--type",
        "image",
        &format!("localhost/bindguard:{VERSION}"),
    ]);
    let told: Value = serde_json::from_str(&told).unwrap();
    told["OCIv1"].clone()
}

#[test]
fn the_image_holds_the_program_its_licence_and_what_it_is_made_of() {
    let mut found: Vec<String> = fs::read_dir(rootfs())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    found.sort();
    assert_eq!(found, ["LICENSE", "bindguard", "bindguard.cdx.json"]);
    for file in &found {
        let data = fs::metadata(rootfs().join(file)).unwrap();
        let may_run = data.mode() & 0o111 != 0;
        assert_eq!(
            (data.uid(), data.gid(), may_run),
            (0, 0, file == "bindguard"),
            "{file}"
        );
        // Whoever gets into the container can change nothing.
        assert_eq!(data.mode() & 0o022, 0, "{file}");
        eprintln!("{file}: {} bytes", data.len());
    }
    assert_eq!(
        fs::read(rootfs().join("LICENSE")).unwrap(),
        fs::read(path("LICENSE")).unwrap()
    );
}

#[test]
fn it_is_small() {
    let whole: u64 = ["bindguard", "bindguard.cdx.json", "LICENSE"]
        .map(|file| fs::metadata(rootfs().join(file)).unwrap().len())
        .iter()
        .sum();
    let to_pull = fs::metadata(archive()).unwrap().len();
    eprintln!("{whole} bytes unpacked, {to_pull} bytes to pull");
    assert!(whole < LIMIT && to_pull < LIMIT, "{whole} {to_pull}");
}

#[test]
fn it_says_who_it_is_and_runs_as_nobody_in_particular() {
    let config = configuration()["config"].clone();
    assert_eq!(config["User"], "65532:65532");
    assert_eq!(config["Entrypoint"], serde_json::json!(["/bindguard"]));
    assert_eq!(config["Cmd"], serde_json::json!(["serve"]));
    let label = |name: &str| {
        config["Labels"][format!("org.opencontainers.image.{name}")]
            .as_str()
            .unwrap_or_default()
    };
    assert_eq!(label("title"), "bindguard");
    assert_eq!(label("version"), VERSION);
    assert_eq!(label("licenses"), env!("CARGO_PKG_LICENSE"));
    let chart = fs::read_to_string(path("charts/bindguard/Chart.yaml")).unwrap();
    assert!(
        chart.contains(&format!("\ndescription: {}\n", label("description"))),
        "{}",
        label("description")
    );
    let head = Command::new("git")
        .args(["rev-parse", "HEAD"])
        .current_dir(path(""))
        .output()
        .unwrap();
    assert_eq!(
        label("revision"),
        String::from_utf8(head.stdout).unwrap().trim()
    );
}

#[test]
fn every_time_in_it_is_that_of_the_commit() {
    let commit = Command::new("git")
        .args(["log", "-1", "--format=%ct"])
        .current_dir(path(""))
        .output()
        .unwrap();
    let commit: i64 = String::from_utf8(commit.stdout)
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    let created: jiff::Timestamp = configuration()["created"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    assert_eq!(created.as_second(), commit);
    for file in ["bindguard", "bindguard.cdx.json", "LICENSE"] {
        assert_eq!(
            fs::metadata(rootfs().join(file)).unwrap().mtime(),
            commit,
            "{file}"
        );
    }
}

#[test]
fn the_program_needs_no_library_and_names_no_folder_of_the_machine_that_built_it() {
    let program = fs::read(rootfs().join("bindguard")).unwrap();
    assert!(program.starts_with(b"\x7fELF"));
    let has = |text: &str| {
        program
            .windows(text.len())
            .any(|bytes| bytes == text.as_bytes())
    };
    // What names the loader of shared libraries, and what would name them.
    assert!(!has("ld-linux") && !has("ld-musl") && !has("libc.so"));
    let home = std::env::var("HOME").unwrap();
    for folder in [
        env!("CARGO_MANIFEST_DIR"),
        &home,
        "/toolchain/",
        "/source/target",
    ] {
        assert!(
            folder.len() < 2 || !has(&format!("{}/", folder.trim_end_matches('/'))),
            "{folder}"
        );
    }
    // It would say where it was built if nobody had replaced it.
    assert!(has("/crates/"));
}
