//! Directories.

use std::fs;
use std::path::Path;

use crate::manifest::Directory;

fn binding(name: &str) -> String {
    format!(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {{name: {name}}}\nroleRef: {{kind: Role, name: r}}\n"
    )
}

/// Writes files into a directory, folders included.
fn write(directory: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = directory.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

fn names(directory: &Directory) -> Vec<&str> {
    directory
        .bindings()
        .map(|(_, binding)| binding.name.as_str())
        .collect()
}

#[test]
fn manifests_are_read_in_the_order_of_their_paths_however_deep() {
    let root = tempfile::tempdir().unwrap();
    write(
        root.path(),
        &[
            ("b.yaml", &binding("two")),
            ("a.yml", &binding("one")),
            (
                "c/d/e.json",
                r#"{"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "three"}, "roleRef": {"kind": "Role", "name": "r"}}"#,
            ),
            ("readme.md", "kind: RoleBinding"),
            (".git/f.yaml", &binding("hidden")),
        ],
    );
    let directory = Directory::read(root.path());
    assert_eq!(names(&directory), ["one", "two", "three"]);
    assert_eq!(directory.problems().count(), 0);
}

#[test]
fn the_templates_of_a_helm_chart_are_no_manifests() {
    let root = tempfile::tempdir().unwrap();
    write(
        root.path(),
        &[
            ("chart/Chart.yaml", "apiVersion: v2\nname: chart\n"),
            (
                "chart/templates/binding.yaml",
                "name: {{ .Release.Name }}\n",
            ),
            ("chart/crds/binding.yaml", &binding("beside")),
            ("templates/binding.yaml", &binding("no-chart")),
        ],
    );
    let directory = Directory::read(root.path());
    assert_eq!(names(&directory), ["beside", "no-chart"]);
    assert_eq!(directory.problems().count(), 0);
}

#[test]
fn a_single_file_is_read_whatever_its_name() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), &[("manifest", &binding("one"))]);
    assert_eq!(
        names(&Directory::read(&root.path().join("manifest"))),
        ["one"]
    );
}

#[test]
fn what_cannot_be_read_is_told_with_its_file_and_hides_nothing() {
    let root = tempfile::tempdir().unwrap();
    write(
        root.path(),
        &[("a.yaml", "a: [\n"), ("b.yaml", &binding("one"))],
    );
    fs::write(
        root.path().join("c.yaml"),
        [binding("two").as_bytes(), b"---\n\xff\n"].concat(),
    )
    .unwrap();
    let directory = Directory::read(root.path());
    assert_eq!(names(&directory), ["one", "two"]);
    let problems: Vec<_> = directory
        .problems()
        .map(|problem| problem.to_string())
        .collect();
    let at = root.path().display();
    assert_eq!(
        problems,
        [
            format!("{at}/a.yaml:1:4: unclosed bracket '['"),
            format!(
                "{at}/c.yaml:6:1: this is not UTF-8; from this document on the file is not read"
            ),
        ]
    );
}

#[test]
fn a_directory_that_is_not_there_is_a_problem() {
    let root = tempfile::tempdir().unwrap();
    let problems: Vec<_> = Directory::read(&root.path().join("none"))
        .problems()
        .collect();
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].position, None);
}

#[test]
fn a_change_of_content_changes_the_fingerprint_and_nothing_else_does() {
    let root = tempfile::tempdir().unwrap();
    write(
        root.path(),
        &[("a.yaml", &binding("one")), ("b.yaml", &binding("two"))],
    );
    let first = Directory::read(root.path());
    assert!(!first.listing_changed());
    let again = first.read_again();
    assert_eq!(again.fingerprint(), first.fingerprint());
    // What did not change is shared.
    for (one, other) in first.files().zip(again.files()) {
        assert!(std::ptr::eq(one, other));
    }

    write(root.path(), &[("b.yaml", &binding("three"))]);
    assert!(first.listing_changed());
    let third = again.read_again();
    assert_ne!(third.fingerprint().content, first.fingerprint().content);
    assert_eq!(names(&third), ["one", "three"]);

    fs::rename(root.path().join("b.yaml"), root.path().join("c.yaml")).unwrap();
    assert_ne!(
        third.read_again().fingerprint().content,
        third.fingerprint().content
    );
    fs::remove_file(root.path().join("c.yaml")).unwrap();
    assert_eq!(names(&third.read_again()), ["one"]);
}

#[cfg(unix)]
mod links {
    use std::os::unix::fs::symlink;

    use super::{Directory, binding, fs, names, write};

    #[test]
    fn a_config_map_volume_is_read_once_and_its_swap_is_seen() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        write(
            root.path(),
            &[
                ("..1/a.yaml", &binding("old")),
                ("..2/a.yaml", &binding("new")),
            ],
        );
        symlink("..1", at("..data")).unwrap();
        symlink("..data/a.yaml", at("a.yaml")).unwrap();
        let directory = Directory::read(root.path());
        assert_eq!(names(&directory), ["old"]);
        symlink("..2", at("..new")).unwrap();
        fs::rename(at("..new"), at("..data")).unwrap();
        assert!(directory.listing_changed());
        assert_eq!(names(&directory.read_again()), ["new"]);
    }

    #[test]
    fn links_lead_to_files_but_into_no_loop_and_to_no_file_twice() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        write(
            root.path(),
            &[("a.yaml", &binding("one")), ("elsewhere", &binding("two"))],
        );
        symlink(".", at("loop")).unwrap();
        symlink(".", at("loop.yaml")).unwrap();
        symlink("a.yaml", at("b.yaml")).unwrap();
        symlink("elsewhere", at("c.yaml")).unwrap();
        symlink("nowhere", at("d.yaml")).unwrap();
        symlink("e.yaml", at("e.yaml")).unwrap();
        let directory = Directory::read(root.path());
        assert_eq!(names(&directory), ["one", "two"]);
        let broken: Vec<_> = directory.problems().map(|problem| problem.path).collect();
        assert_eq!(broken, [at("d.yaml"), at("e.yaml")]);
    }
}
