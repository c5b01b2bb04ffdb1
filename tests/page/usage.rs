//! What one does with the page.

use fantoccini::key::Key;
use serde_json::json;

use super::browser::{Browser, open};
use super::manifests::{binding, page_of, teams};

/// The findings that are shown.
const SHOWN: &str = "Array.from(document.querySelectorAll('#findings > li')).filter((row) => row.checkVisibility())";

async fn titles(browser: &Browser) -> Vec<String> {
    let titles = format!("{SHOWN}.map((row) => row.querySelector('h3').textContent)");
    let titles = browser.value(&titles).await;
    serde_json::from_value(titles).unwrap()
}

async fn choose(browser: &Browser, name: &str, value: &str) {
    let option = format!("select[name={name}] option[value='{value}']");
    browser.find(&option).await.click().await.unwrap();
}

#[test]
fn findings_are_filtered_by_text_and_by_every_choice() {
    open(&page_of(&teams()), async |browser| {
        let all = titles(&browser).await;
        assert_eq!(all.len(), 6, "{all:?}");
        let filter = browser.find("#filter").await;
        filter.send_keys("ALICE").await.unwrap();
        assert_eq!(titles(&browser).await, ["User alice"]);
        assert_eq!(
            browser
                .value("document.getElementById('shown').textContent")
                .await,
            "1 of 6 findings"
        );
        filter.clear().await.unwrap();
        // What is in a fix, and in every one of them, is not what one looks for.
        filter.send_keys("apiVersion").await.unwrap();
        assert_eq!(titles(&browser).await, [""; 0]);
        assert_eq!(
            browser
                .value("document.getElementById('shown').textContent")
                .await,
            "None fits."
        );
        filter.clear().await.unwrap();
        assert_eq!(titles(&browser).await, all);

        choose(&browser, "level", "warning").await;
        assert_eq!(titles(&browser).await, ["User frank", "User grace"]);
        choose(&browser, "namespace", "green").await;
        assert_eq!(titles(&browser).await, ["User grace"]);
        choose(&browser, "level", "").await;
        choose(&browser, "namespace", "/").await;
        assert_eq!(titles(&browser).await, ["User heidi"]);
        choose(&browser, "namespace", "").await;
        choose(&browser, "persona", "spectro-vm-user").await;
        assert_eq!(titles(&browser).await, ["User alice", "User bob"]);
        // Enter in the filter sends nothing anywhere.
        let before = browser.value("location.href").await;
        filter.send_keys(&("bob" + &Key::Enter)).await.unwrap();
        assert_eq!(titles(&browser).await, ["User bob"]);
        assert_eq!(browser.value("location.href").await, before);
    });
}

#[test]
fn a_fix_and_the_command_for_all_are_copied() {
    open(&page_of(&teams()), async |browser| {
        let permissions = json!({"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]});
        browser.tell("Browser.grantPermissions", permissions).await;
        let command = browser.find(".remedy .copy").await;
        command.click().await.unwrap();
        browser
            .becomes(
                "document.querySelector('.remedy .copy').textContent",
                json!("Copied"),
            )
            .await;
        assert_eq!(clipboard(&browser).await, "bindguard fix -f m.yaml");
        browser
            .find("#findings > li .copy")
            .await
            .click()
            .await
            .unwrap();
        browser
            .becomes(
                "document.querySelector('#findings .copy').textContent",
                json!("Copied"),
            )
            .await;
        let fix = browser
            .value("document.querySelector('#findings pre').textContent")
            .await;
        let copied = clipboard(&browser).await;
        assert_eq!(json!(copied), fix);
        assert!(copied.starts_with("# needed for "), "{copied}");
        assert_eq!(
            copied.matches("kind: ClusterRoleBinding").count(),
            2,
            "{copied}"
        );
        // Told to those who do not see it, and offered again.
        assert_eq!(
            browser
                .value("document.getElementById('said').textContent")
                .await,
            "Copied"
        );
        browser
            .becomes(
                "document.querySelector('#findings .copy').textContent",
                json!("Copy fix"),
            )
            .await;
    });
}

async fn clipboard(browser: &Browser) -> String {
    let read = json!({
        "expression": "navigator.clipboard.readText()", "awaitPromise": true, "userGesture": true,
    });
    let read = browser.tell("Runtime.evaluate", read).await;
    read["result"]["value"]
        .as_str()
        .unwrap_or_else(|| panic!("{read}"))
        .to_owned()
}

#[test]
fn where_there_is_no_clipboard_the_fix_is_selected() {
    open(&page_of(&teams()), async |browser| {
        browser
            .value("navigator.clipboard.writeText = () => Promise.reject(new Error('no'))")
            .await;
        browser.value("document.execCommand = () => false").await;
        browser
            .find("#findings > li .copy")
            .await
            .click()
            .await
            .unwrap();
        browser
            .becomes(
                "document.querySelector('#findings .copy').textContent",
                json!("Press Ctrl+C"),
            )
            .await;
        let (selected, fix) = (
            browser.value("getSelection().toString().trim()").await,
            browser
                .value("document.querySelector('#findings pre').textContent.trim()")
                .await,
        );
        assert_eq!(selected, fix);
    });
}

/// What has the keyboard, and whether one sees it.
const FOCUSED: &str = "(() => { const one = document.activeElement; const look = getComputedStyle(one); \
    return [one.id || one.name || one.className || one.tagName, \
      look.outlineStyle !== 'none' ? parseFloat(look.outlineWidth) >= 2 : false]; })()";

#[test]
fn all_of_it_works_by_keyboard_and_one_sees_where_one_is() {
    open(&page_of(&teams()), async |browser| {
        let mut seen = Vec::new();
        for _ in 0..8 {
            browser.tab().await;
            let focused = browser.value(FOCUSED).await;
            assert_eq!(focused[1], true, "{focused}");
            seen.push(focused[0].as_str().unwrap().to_owned());
        }
        let expected = [
            "copy",
            "filter",
            "level",
            "persona",
            "namespace",
            "copy",
            "SUMMARY",
            "copy",
        ];
        assert_eq!(seen, expected);
        // Back to the first finding's fix, which opens by Enter.
        browser.tab_back().await;
        browser.press(Key::Enter).await;
        browser
            .becomes(
                "document.querySelector('#findings details').open",
                json!(true),
            )
            .await;
    });
}

#[test]
fn names_that_are_attacks_are_text() {
    let hostile = [
        "</pre><script>document.title = 'broken'</script>",
        "<img src=x onerror=\"document.title = 'broken'\">",
        "\"' onfocus='document.title = 1' autofocus x='",
        "</option></select><h1>free</h1>",
        "\u{1b}[31m\u{202e}gnp.exe\u{0}",
        "مرحبا",
    ];
    let manifests = [
        binding("red", "\"<b>bold</b>\"", "spectro-vm-user", &hostile),
        binding("blue", "plain", "view", &["alice"]),
    ]
    .concat();
    open(&page_of(&manifests), async |browser| {
        let titles = titles(&browser).await;
        assert_eq!(titles.len(), 7, "{titles:?}");
        assert!(
            titles[0].contains("</pre><script>document.title"),
            "{titles:?}"
        );
        assert!(
            titles[4].contains("\\u{1b}[31m\\u{202e}gnp.exe\\u{0}"),
            "{titles:?}"
        );
        let title = browser.value("document.title").await;
        assert!(
            title.as_str().unwrap().starts_with("bindguard: "),
            "{title}"
        );
        for (selector, number) in [
            ("script", 1),
            ("img, b, [autofocus], [onfocus]", 0),
            ("h1", 1),
        ] {
            let found = format!("document.querySelectorAll(\"{selector}\").length");
            assert_eq!(browser.number(&found).await, number, "{selector}");
        }
        browser
            .find("#filter")
            .await
            .send_keys("<img src")
            .await
            .unwrap();
        let shown = format!("{SHOWN}.length");
        assert_eq!(browser.number(&shown).await, 1);
    });
}

#[test]
fn ten_thousand_findings_stay_usable() {
    let manifests: String = (0..10_000)
        .map(|number| {
            let name = format!("user-{number}");
            binding(
                &format!("team-{}", number % 300),
                &format!("b-{number}"),
                "view",
                &[&name],
            )
        })
        .collect();
    open(&page_of(&manifests), async |browser| {
        let all = "document.querySelectorAll('#findings > li').length";
        assert_eq!(browser.number(all).await, 10_000);
        let shown = format!("{SHOWN}.length");
        assert_eq!(browser.number(&shown).await, 100);
        let namespaces = "Array.from(document.querySelectorAll('#coverage tbody tr')).filter((row) => !row.hidden).length";
        assert_eq!(browser.number(namespaces).await, 10);
        browser.picture("many").await;
        browser
            .find("#filter")
            .await
            .send_keys("user-777")
            .await
            .unwrap();
        assert_eq!(browser.number(&shown).await, 11);
        assert_eq!(
            browser
                .value("document.getElementById('shown').textContent")
                .await,
            "11 of 10000 findings"
        );
        browser.find("#filter").await.clear().await.unwrap();
        choose(&browser, "namespace", "team-7").await;
        assert_eq!(browser.number(&shown).await, 34);
        choose(&browser, "namespace", "").await;
        // More of them on request, and the keyboard goes on where they begin.
        browser
            .find("#findings + .more")
            .await
            .click()
            .await
            .unwrap();
        assert_eq!(browser.number(&shown).await, 200);
        let focused = "Array.from(document.querySelectorAll('#findings > li')).indexOf(document.activeElement)";
        assert_eq!(browser.number(focused).await, 100);
    });
}
