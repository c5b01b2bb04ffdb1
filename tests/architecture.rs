//! Holds the map of `ARCHITECTURE.md`: which module may use which.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// What each module may use. `domain` and `yaml` use nothing.
const ALLOWED: [(&str, &[&str]); 13] = [
    ("domain", &[]),
    ("yaml", &[]),
    ("telemetry", &[]),
    ("manifest", &["domain", "yaml"]),
    ("policy_file", &["domain", "manifest", "yaml", "telemetry"]),
    ("kubernetes", &["telemetry"]),
    (
        "state",
        &[
            "domain",
            "manifest",
            "policy_file",
            "kubernetes",
            "telemetry",
        ],
    ),
    ("audit", &["domain", "kubernetes", "telemetry"]),
    (
        "provisioning",
        &["domain", "state", "kubernetes", "audit", "telemetry"],
    ),
    (
        "admission",
        &[
            "domain",
            "state",
            "kubernetes",
            "audit",
            "provisioning",
            "telemetry",
        ],
    ),
    ("certificates", &["kubernetes", "telemetry"]),
    (
        "report",
        &[
            "domain",
            "manifest",
            "policy_file",
            "yaml",
            "kubernetes",
            "state",
            "audit",
            "provisioning",
            "telemetry",
        ],
    ),
    (
        "server",
        &[
            "domain",
            "telemetry",
            "manifest",
            "policy_file",
            "kubernetes",
            "state",
            "audit",
            "provisioning",
            "admission",
            "certificates",
            "report",
        ],
    ),
];

/// What the pure core must not know, as it would appear in its code.
const IMPURE: [&str; 12] = [
    "tokio",
    "kube::",
    "k8s_openapi",
    "axum",
    "hyper",
    "std::fs",
    "std::io",
    "std::net",
    "std::env",
    "jiff",
    "Instant",
    "SystemTime",
];

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// The module of a file below `src`, and the code of the file without comments.
fn sources() -> Vec<(String, PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    rust_files(&root)
        .into_iter()
        .map(|path| {
            let below = path.strip_prefix(&root).unwrap().to_path_buf();
            let first = below
                .components()
                .next()
                .unwrap()
                .as_os_str()
                .to_str()
                .unwrap();
            let module = first.trim_end_matches(".rs").to_owned();
            let code = fs::read_to_string(&path)
                .unwrap()
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"))
                .collect::<Vec<_>>()
                .join("\n");
            (module, below, code)
        })
        .collect()
}

/// The modules that code names after `crate::`, in `use` lines and in paths alike.
fn used_modules(code: &str) -> Vec<String> {
    let mut used = Vec::new();
    for (position, found) in code.match_indices("crate::") {
        let is_path = code[..position]
            .chars()
            .next_back()
            .is_none_or(|before| !before.is_alphanumeric() && before != '_' && before != '$');
        if !is_path {
            continue;
        }
        let rest = &code[position + found.len()..];
        match rest.strip_prefix('{') {
            Some(group) => {
                let group = group.split('}').next().unwrap();
                used.extend(group.split(',').map(first_word));
            }
            None => used.push(first_word(rest)),
        }
    }
    used.retain(|module| !module.is_empty());
    used
}

fn first_word(text: &str) -> String {
    text.trim_start()
        .chars()
        .take_while(|character| character.is_alphanumeric() || *character == '_')
        .collect()
}

#[test]
fn no_module_uses_one_that_the_map_forbids() {
    let allowed: BTreeMap<_, _> = ALLOWED.into_iter().collect();
    let mut wrong = Vec::new();
    for (module, path, code) in sources() {
        if ["lib", "main", "cli"].contains(&module.as_str()) {
            continue;
        }
        let Some(may_use) = allowed.get(module.as_str()) else {
            wrong.push(format!(
                "{}: module `{module}` is not on the map",
                path.display()
            ));
            continue;
        };
        for used in used_modules(&code) {
            if used != module && !may_use.contains(&used.as_str()) {
                wrong.push(format!("{}: {module} may not use {used}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_domain_is_pure() {
    let mut wrong = Vec::new();
    for (module, path, code) in sources() {
        let is_test = path.components().any(|part| part.as_os_str() == "tests");
        if module != "domain" || is_test {
            continue;
        }
        let code = code.split("#[cfg(test)]").next().unwrap();
        for word in IMPURE.into_iter().filter(|word| code.contains(word)) {
            wrong.push(format!("{}: {word}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_the_command_line_prints_or_ends_the_process() {
    let mut wrong = Vec::new();
    for (module, path, code) in sources() {
        let is_test = path.components().any(|part| part.as_os_str() == "tests");
        if is_test || ["main", "cli"].contains(&module.as_str()) {
            continue;
        }
        for word in [
            "println!",
            "print!(",
            "eprintln!",
            "process::exit",
            "stdout()",
        ] {
            if code.contains(word) {
                wrong.push(format!("{}: {word}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_map_that_people_read_names_every_module() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let map = fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    for (module, path, _) in sources() {
        if ["lib", "main"].contains(&module.as_str()) {
            continue;
        }
        assert!(
            map.contains(&format!("`{module}")),
            "{} is not in ARCHITECTURE.md",
            path.display()
        );
    }
}
