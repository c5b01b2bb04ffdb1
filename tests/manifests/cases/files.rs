//! Which files are read.

use super::case::{Case, check, files};
use super::{ALICE, companions, role_binding};

#[test]
fn files_and_folders() {
    check("files", &cases());
}

pub(super) fn cases() -> Vec<Case> {
    let binding = || role_binding("view", &[ALICE]);
    vec![
        files(
            "files at any depth, in the order of their paths",
            &[
                ("b.yml", binding()),
                ("a/b/c.yaml", binding()),
                ("a/a.json", "{}".to_owned()),
            ],
        ),
        files(
            "files of other names are passed over",
            &[
                ("README.md", binding()),
                ("m.yaml.bak", binding()),
                ("m.txt", binding()),
            ],
        ),
        files(
            "hidden folders are passed over",
            &[(".git/m.yaml", binding()), ("a/.hidden/m.yaml", binding())],
        ),
        files(
            "the templates of a chart are passed over, and the rest is not",
            &[
                ("chart/Chart.yaml", "name: x\n".to_owned()),
                (
                    "chart/templates/rb.yaml",
                    format!("{{{{ if }}}}\n{}", binding()),
                ),
                ("chart/crds/m.yaml", binding()),
            ],
        ),
        files(
            "a folder that is called templates without a chart",
            &[("templates/m.yaml", binding())],
        ),
        files(
            "spaces and odd characters in names",
            &[("a b/ü'$x.yaml", binding())],
        ),
        files(
            "companions in a file that is passed over do not count",
            &[
                ("m.yaml", binding()),
                ("companions.txt", companions(&[ALICE])),
            ],
        ),
        files::<&str>("no files at all", &[]),
    ]
}
