//! Names that are attacks on whoever reads them.

use super::review::{create, role_binding, user};
use super::world::World;

/// Whether a terminal could be fooled by the text: anything but printable characters and line
/// feeds. Written apart from the program's own idea of it.
fn is_clean(text: &str) -> bool {
    text.chars().all(|character| {
        character == '\n'
            || !(character.is_control()
                || ('\u{200b}'..='\u{200f}').contains(&character)
                || ('\u{2028}'..='\u{202e}').contains(&character)
                || ('\u{2060}'..='\u{206f}').contains(&character)
                || character == '\u{feff}')
    })
}

fn hostile_names() -> Vec<String> {
    let mut names: Vec<String> = [
        "new\nline",
        "return\rover",
        "\u{1b}[2J\u{1b}]0;title\u{7}",
        "nul\0",
        "c1 \u{9b}31m",
        "\u{202e}gnisrever",
        "\u{2066}isolate\u{2069}",
        "zero\u{200b}width",
        "\u{feff}mark",
        "separator\u{2028}x\u{2029}",
        "quote\" '; rm -rf $HOME `id` $(id) #",
        "\\backslash\\",
        "emoji 🚀 漢 é",
        " spaces ",
        "*",
        "-f",
        "--as=admin",
    ]
    .map(str::to_owned)
    .into();
    names.push("x".repeat(64 * 1024));
    names.push("\u{1b}".repeat(5_000));
    names
}

#[test]
fn hostile_names_are_escaped_in_the_answer_and_whole_in_the_audit_line() {
    let world = World::new();
    let names = hostile_names();
    let reviews: Vec<_> = names
        .iter()
        .map(|name| {
            let mut binding = role_binding("spectro-vm-user", &[user(name)]);
            binding["metadata"]["name"] = name.as_str().into();
            let mut review = create(&binding);
            review["request"]["userInfo"]["username"] = name.as_str().into();
            review
        })
        .collect();
    for (name, verdict) in names.iter().zip(world.ask_all(&reviews)) {
        assert_eq!(verdict.decision(), "deny");
        assert!(
            is_clean(&verdict.message),
            "{name:?}: {:?}",
            verdict.message
        );
        assert!(verdict.message.len() < 20_000, "{}", verdict.message.len());
        let record = verdict.annotations["record"].as_str().unwrap();
        assert!(is_clean(record), "{name:?}: {record:?}");
    }
    let mut told: Vec<String> = world
        .bindguard
        .audit_lines()
        .iter()
        .filter_map(|line| Some(line["missing"][0]["subject"]["name"].as_str()?.to_owned()))
        .collect();
    assert!(is_clean(
        &std::fs::read_to_string(world.bindguard.log_folder().join("bindguard.stdout")).unwrap()
    ));
    told.sort();
    let mut expected: Vec<String> = names
        .into_iter()
        .filter(|name| name.len() < 4_000)
        .collect();
    expected.sort();
    assert_eq!(told, expected);
    world.check_health();
}

#[test]
fn warnings_with_hostile_names_are_not_dropped_by_the_api_server() {
    let world = World::with_policy(&super::world::policy("action: Warn"));
    let reviews: Vec<_> = hostile_names()
        .iter()
        .map(|name| create(&role_binding("spectro-vm-user", &[user(name)])))
        .collect();
    for verdict in world.ask_all(&reviews) {
        assert_eq!(verdict.decision(), "warn");
        for warning in &verdict.warnings {
            assert!(is_clean(warning) && !warning.contains('\n'), "{warning:?}");
            assert!(warning.chars().count() <= 256, "{warning:?}");
            assert!(!warning.is_empty());
        }
    }
    world.check_health();
}
