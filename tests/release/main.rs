//! Whether a tree that can be released is told from one that cannot, and that one command gives everything its version.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a panic is how a test fails, and stderr is where it speaks"
)]
#![allow(
    clippy::format_collect,
    reason = "the text is short, and reads better so"
)]

#[path = "../support/mod.rs"]
mod support;

use std::fs;
use std::path::{Path, PathBuf};

use support::{Output, fresh_folder, guarded, run};

/// A copy of this repository with a history of one commit.
struct Tree {
    folder: PathBuf,
}

impl Tree {
    fn new() -> Self {
        let tree = Self {
            folder: fresh_folder("release"),
        };
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let listed = command(
            here,
            "git",
            &["ls-files", "--cached", "--others", "--exclude-standard"],
        );
        for file in listed.expect_success().lines() {
            let is_data = file.starts_with("fuzz/found/") || file.starts_with("fuzz/seeds/");
            if is_data || !here.join(file).is_file() {
                continue;
            }
            let copy = tree.folder.join(file);
            fs::create_dir_all(copy.parent().unwrap()).unwrap();
            fs::copy(here.join(file), copy).unwrap();
        }
        tree.git(&["init", "--quiet"]);
        tree.git(&["config", "user.name", "somebody"]);
        tree.git(&["config", "user.email", "somebody@example.com"]);
        tree.commit();
        tree
    }

    /// One that has been made ready to release 98.7.6.
    fn ready() -> Self {
        let tree = Self::new();
        tree.version("98.7.6").expect_success();
        tree.commit();
        tree
    }

    fn git(&self, args: &[&str]) {
        command(&self.folder, "git", args).expect_success();
    }

    fn commit(&self) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", "all of it"]);
    }

    fn version(&self, new: &str) -> Output {
        command(&self.folder, "release/version.sh", &[new])
    }

    fn check(&self) -> Output {
        command(&self.folder, "release/check.sh", &[])
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.folder.join(file)).unwrap()
    }

    #[track_caller]
    fn replace(&self, file: &str, old: &str, new: &str) {
        let text = self.read(file);
        assert!(text.contains(old), "{file} has no {old:?}");
        fs::write(self.folder.join(file), text.replacen(old, new, 1)).unwrap();
    }

    /// What `release/check.sh` says is wrong, once this was replaced and committed.
    #[track_caller]
    fn wrong_with(file: &str, old: &str, new: &str) -> String {
        let tree = Self::ready();
        tree.replace(file, old, new);
        tree.commit();
        tree.check().expect_failure()
    }
}

fn command(folder: &Path, program: &str, args: &[&str]) -> Output {
    let path = folder.join(program);
    let mut command = guarded(if path.is_file() {
        path.as_path()
    } else {
        Path::new(program)
    });
    command.args(args).current_dir(folder);
    // A repository that is worked on while this runs must not be taken for this one.
    for name in ["GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE"] {
        command.env_remove(name);
    }
    run(format!("{program} {}", args.join(" ")), command, "")
}

#[test]
fn a_tree_that_got_its_version_by_the_one_command_can_be_released() {
    let told = Tree::ready().check().expect_success();
    assert!(
        told.starts_with("bindguard 98.7.6 can be released"),
        "{told}"
    );
}

#[test]
fn the_one_command_reaches_every_place_that_tells_a_version() {
    let tree = Tree::ready();
    let places = command(&tree.folder, "release/places.sh", &[]).expect_success();
    assert!(places.lines().count() >= 8, "{places}");
    for line in places.lines() {
        assert!(line.ends_with("\t98.7.6"), "{line}");
    }
    // No place is left that the script does not know of.
    let old = env!("CARGO_PKG_VERSION");
    for file in [
        "Cargo.toml",
        "Dockerfile",
        "README.md",
        "charts/bindguard/Chart.yaml",
        "docs/install.md",
    ] {
        assert!(!tree.read(file).contains(old), "{file}");
    }
}

#[test]
fn what_was_unreleased_gets_a_heading_with_the_day() {
    let changelog = Tree::ready().read("CHANGELOG.md");
    let headings: Vec<&str> = changelog
        .lines()
        .filter(|line| line.starts_with("## "))
        .collect();
    assert_eq!(headings[0], "## [Unreleased]");
    let day = headings[1].strip_prefix("## [98.7.6] - 20").unwrap();
    assert_eq!(day.len(), "26-11-24".len(), "{day}");
}

#[test]
fn no_version_is_given_twice_and_none_that_is_no_version() {
    let tree = Tree::ready();
    let told = tree.version("98.7.6").expect_failure();
    assert_eq!(told, "version: CHANGELOG.md has 98.7.6 already\n");
    for wrong in ["", "1.2", "v1.2.3", "1.2.3-rc1", "1.2.3; id"] {
        let output = tree.version(wrong);
        assert_eq!(output.status.code(), Some(2), "{output}");
    }
    tree.check().expect_success();
}

#[test]
fn a_place_with_another_version_is_told() {
    for (file, old, new, told) in [
        (
            "charts/bindguard/Chart.yaml",
            "version: 98.7.6",
            "version: 98.7.5",
            "Chart.yaml, version says 98.7.5",
        ),
        (
            "charts/bindguard/Chart.yaml",
            "appVersion: 98.7.6",
            "appVersion: 1.0.0",
            "Chart.yaml, appVersion says 1.0.0",
        ),
        (
            "Dockerfile",
            "ARG VERSION=98.7.6",
            "ARG VERSION=",
            "Dockerfile says nothing",
        ),
        (
            "README.md",
            "bindguard:98.7.6",
            "bindguard:0.0.1",
            "README.md, bindguard:0.0.1 says 0.0.1",
        ),
    ] {
        let all = Tree::wrong_with(file, old, new);
        assert_eq!(all, format!("release: {told}, and Cargo.toml 98.7.6\n"));
    }
}

#[test]
fn a_lock_file_that_is_not_in_step_is_told() {
    let tree = Tree::ready();
    for lock in ["Cargo.lock", "fuzz/Cargo.lock"] {
        tree.replace(
            lock,
            "name = \"bindguard\"\nversion = \"98.7.6\"",
            "name = \"bindguard\"\nversion = \"98.7.5\"",
        );
    }
    tree.commit();
    let told = tree.check().expect_failure();
    for line in [
        "Cargo.lock says 98.7.5, and Cargo.toml 98.7.6",
        "fuzz/Cargo.lock says 98.7.5, and Cargo.toml 98.7.6",
        "Cargo.toml and its lock file are not in step",
        "fuzz/Cargo.toml and its lock file are not in step",
    ] {
        assert!(told.contains(&format!("release: {line}\n")), "{told}");
    }
}

#[test]
fn a_changelog_that_does_not_tell_of_the_version_is_told() {
    let unreleased = Tree::wrong_with(
        "CHANGELOG.md",
        "## [Unreleased]\n",
        "## [Unreleased]\n\n- More.\n",
    );
    assert_eq!(
        unreleased,
        "release: CHANGELOG.md: something is unreleased\n"
    );
    let no_day = Tree::wrong_with("CHANGELOG.md", "## [98.7.6] - 20", "## [98.7.6] ");
    assert!(
        no_day.contains("the first version is not \"## [98.7.6] - YEAR-MONTH-DAY\""),
        "{no_day}"
    );
    let no_heading = Tree::wrong_with("CHANGELOG.md", "## [Unreleased]\n", "");
    assert!(
        no_heading.contains("the first heading is not"),
        "{no_heading}"
    );
    let tree = Tree::ready();
    let changelog = tree.read("CHANGELOG.md");
    let bare: String = changelog
        .lines()
        .filter(|line| !line.starts_with("- "))
        .map(|line| format!("{line}\n"))
        .collect();
    fs::write(tree.folder.join("CHANGELOG.md"), bare).unwrap();
    tree.commit();
    let nothing = tree.check().expect_failure();
    assert_eq!(
        nothing,
        "release: CHANGELOG.md: nothing is told of 98.7.6\n"
    );
}

#[test]
fn a_tree_that_is_not_clean_is_told_and_so_is_a_tag_that_is_elsewhere() {
    let tree = Tree::ready();
    tree.git(&["tag", "v98.7.6"]);
    tree.check().expect_success();
    fs::write(tree.folder.join("forgotten.txt"), "").unwrap();
    let told = tree.check().expect_failure();
    assert_eq!(told, "release: the tree is not clean:\n?? forgotten.txt\n");
    tree.commit();
    let told = tree.check().expect_failure();
    assert_eq!(told, "release: the tag v98.7.6 is on another commit\n");
}

#[test]
fn the_changelog_has_the_form_of_keep_a_changelog() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("CHANGELOG.md");
    let changelog = fs::read_to_string(path).unwrap();
    let mut of_version: Vec<&str> = Vec::new();
    let mut versions = 0;
    for line in changelog.lines() {
        if line.starts_with("## ") {
            assert!(versions > 0 || line == "## [Unreleased]", "{line}");
            versions += 1;
            of_version.clear();
        } else if let Some(kind) = line.strip_prefix("### ") {
            let kinds = [
                "Added",
                "Changed",
                "Deprecated",
                "Removed",
                "Fixed",
                "Security",
            ];
            assert!(kinds.contains(&kind), "{line}");
            assert!(!of_version.contains(&kind), "{kind} is there twice");
            of_version.push(kind);
        } else if line.starts_with("- ") {
            assert!(
                !of_version.is_empty(),
                "no heading such as \"### Added\" is above: {line}"
            );
        }
    }
    assert!(versions > 0);
}
