use std::process::Command;

use crate::sandbox::Sandbox;

#[test]
fn the_shell_takes_its_completions() {
    let sandbox = Sandbox::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = sandbox.run(&["completion", shell]).expect_success();
        for word in ["serve", "manifests", "policy", "--write-ca", "--log-level"] {
            let word = if shell == "fish" {
                word.trim_start_matches("--")
            } else {
                word
            };
            assert!(script.contains(word), "no {word} for {shell}");
        }
        sandbox.write(shell, &script);
        match Command::new(shell)
            .arg("-n")
            .arg(sandbox.path(shell))
            .output()
        {
            Ok(output) => assert!(output.status.success(), "{shell}: {output:?}"),
            // bash is everywhere the harness is, the others are not.
            Err(error) => assert!(shell != "bash", "{error}"),
        }
    }
}

#[test]
fn bash_completes_commands_flags_and_values() {
    let sandbox = Sandbox::new();
    let script = sandbox.run(&["completion", "bash"]).expect_success();
    sandbox.write("completion.bash", script);
    let complete = |words: &[&str]| {
        let count = words.len();
        let script = format!(
            "source completion.bash; COMP_WORDS=({}); COMP_CWORD={}; \
             _bindguard bindguard '{}' '{}'; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            words.join(" "),
            count - 1,
            words[count - 1],
            words[count - 2],
        );
        let output = Command::new("bash")
            .args(["-c", &script])
            .current_dir(sandbox.path(""))
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(complete(&["bindguard", "pol"]), "policy\n");
    assert_eq!(complete(&["bindguard", "serve", "--lin"]), "--linger\n");
    assert_eq!(
        complete(&["bindguard", "serve", "--log-format", "j"]),
        "json\n"
    );
    assert_eq!(complete(&["bindguard", "policy", "sch"]), "schema\n");
}
