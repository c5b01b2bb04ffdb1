//! What the page looks like.

use serde_json::Value;

use super::browser::{Browser, open};
use super::manifests::{binding, page_of, teams};

/// Every text of the page that stands on a colour from which it differs too little, by WCAG 2.2's
/// contrast: 4.5 is level AA.
const FAINT: &str = "(() => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (colour) => colour.slice(0, 3).map((part) => part / 255)
    .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
  const ground = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const colour = parse(getComputedStyle(one).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) { return colour; }
    }
    return [255, 0, 255];
  };
  const faint = [];
  let looked = 0;
  for (const element of document.body.querySelectorAll('*')) {
    const own = Array.from(element.childNodes).some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || !element.checkVisibility() || element.tagName === 'SCRIPT') { continue; }
    looked += 1;
    const [a, b] = [light(parse(getComputedStyle(element).color)), light(ground(element))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) { faint.push(element.tagName + ' ' + element.textContent + ' ' + contrast); }
  }
  return [looked, faint];
})()";

async fn is_readable(browser: &Browser) {
    let found = browser.value(FAINT).await;
    assert!(found[0].as_u64().unwrap() > 50, "{found}");
    assert_eq!(found[1], Value::Array(vec![]));
}

#[test]
fn it_is_light_or_dark_as_one_likes_and_always_readable() {
    open(&page_of(&teams()), async |browser| {
        let ground = "getComputedStyle(document.body).backgroundColor";
        browser.prefer("light").await;
        let light = browser.value(ground).await;
        is_readable(&browser).await;
        browser.picture("light").await;
        browser.prefer("dark").await;
        let dark = browser.value(ground).await;
        is_readable(&browser).await;
        browser.picture("dark").await;
        assert_eq!(
            (light, dark),
            ("rgb(246, 247, 249)".into(), "rgb(18, 21, 27)".into())
        );
    });
}

/// What is wider than the window, and whether the page can be scrolled to the side.
const WIDE: &str = "(() => { const root = document.scrollingElement; \
    const wide = Array.from(document.body.querySelectorAll('*')) \
      .filter((one) => one.getBoundingClientRect().right > innerWidth + 0.5).map((one) => one.outerHTML.slice(0, 99)); \
    return [innerWidth, root.scrollWidth > root.clientWidth, wide]; })()";

#[test]
fn it_fits_a_phone() {
    let long = "a-name-that-somebody-made-as-long-as-could-be.".repeat(5);
    let manifests = [teams(), binding("red", &long, "spectro-vm-user", &[&long])].concat();
    open(&page_of(&manifests), async |browser| {
        for width in [320, 390] {
            browser.size(width, 844).await;
            let found = browser.value(WIDE).await;
            assert_eq!(found, serde_json::json!([width, false, []]));
        }
        browser.picture("phone").await;
        // Whatever is pressed is as large as WCAG 2.2 asks for.
        let small = "Array.from(document.querySelectorAll('button, select, input, summary')) \
            .filter((one) => one.checkVisibility()) \
            .filter((one) => { const box = one.getBoundingClientRect(); return box.width < 24 || box.height < 24; }).length";
        assert_eq!(browser.number(small).await, 0);
        browser
            .value("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
            .await;
        let found = browser.value(WIDE).await;
        assert_eq!(found[2], serde_json::json!([]));
        browser
            .value("document.getElementById('findings').scrollIntoView()")
            .await;
        browser.picture("phone-findings").await;
    });
}

#[test]
fn coverage_is_told_in_words_and_drawn_to_match() {
    open(&page_of(&teams()), async |browser| {
        let rows = "Array.from(document.querySelectorAll('#coverage tbody tr')).map((row) => { \
            const width = (name) => row.querySelector(name).getBoundingClientRect().width; \
            return [row.cells[0].textContent, row.cells[2].textContent, \
              Math.round(100 * width('.covered') / width('.track'))]; })";
        let rows = browser.value(rows).await;
        let expected = serde_json::json!([
            ["blue", "1 of 3", 33],
            ["red", "2 of 4", 50],
            ["by ClusterRoleBindings", "0 of 1", 0],
            ["green", "1 of 2", 50],
            ["white", "1 of 1", 100],
        ]);
        assert_eq!(rows, expected);
    });
}
