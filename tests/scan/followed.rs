//! The page in a browser: it follows what changes, and keeps what its reader has set.

use serde_json::json;

use crate::browser::Browser;
use crate::world::World;

/// The findings that are shown, by their headings.
const SHOWN: &str = "return Array.from(document.querySelectorAll('#findings li'))
    .filter((item) => !item.hidden).map((item) => item.querySelector('h3').textContent).join()";

fn shows(expected: &str) -> String {
    format!("{SHOWN} === '{expected}'")
}

#[test]
fn an_open_page_follows_what_changes_and_keeps_what_its_reader_has_set() {
    let world = World::new();
    let browser = Browser::start();
    let url = format!("http://localhost:{}/", world.controller.report_port());
    browser.open(&url);
    let drift = "Webhook configuration is not as the policy wants it";
    let both = format!("{drift},{drift}");
    browser.wait_for(&shows(&both));
    browser.wait_for("return document.getElementById('live').textContent === 'As it is now'");

    world.take_away();
    browser.wait_for(&shows(&format!("User alice,{both}")));
    browser.wait_for("return document.title.includes('1 error')");

    // Its reader looks at one, and opens its fix.
    browser.type_into("filter", "alice");
    browser.wait_for(&shows("User alice"));
    browser.run("document.querySelector('details').open = true");
    world.bind("carol");
    browser.wait_for("return document.title.includes('2 errors')");
    browser.wait_for(&shows("User alice"));
    let kept = browser.run(
        "return [document.getElementById('filter').value, document.activeElement.id,
            document.querySelectorAll('details[open]').length]",
    );
    assert_eq!(kept, json!(["alice", "filter", 1]));
    let counted = browser.run("return document.getElementById('shown').textContent");
    assert_eq!(counted, "1 of 4 findings");

    world.mend();
    browser.wait_for(&shows(""));
    assert_eq!(browser.complaints(), Vec::<serde_json::Value>::new());

    world.controller.process.kill();
    browser.wait_for(
        "return document.getElementById('live').textContent === \
         'As it was when the controller answered last'",
    );
}

#[test]
fn a_page_with_hostile_names_runs_nothing_and_asks_nobody() {
    let world = World::new();
    let name = "<img src=x onerror=\"window.hit=1\"><script>window.hit=1</script>\u{202e}";
    world.bind(name);
    world.wait_until(|| world.page().is_some_and(|page| page.contains("onerror")));
    let browser = Browser::start();
    browser.open(&format!(
        "http://127.0.0.1:{}/",
        world.controller.report_port()
    ));
    browser.wait_for("return document.getElementById('live').textContent === 'As it is now'");
    assert_eq!(browser.run("return window.hit === undefined"), true);
    assert_eq!(
        browser.run("return document.querySelectorAll('img').length"),
        0
    );
    let asked = browser.run(
        "return performance.getEntriesByType('resource').map((one) => one.name)
            .filter((name) => !name.startsWith(location.origin))",
    );
    assert_eq!(asked, json!([]));
    assert_eq!(browser.complaints(), Vec::<serde_json::Value>::new());
}
