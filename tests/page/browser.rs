//! A real Chromium without a window, driven by Debian's driver.

use std::future::Future;
use std::net::{Ipv4Addr, TcpStream};
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use axum::http::Method;
use fantoccini::actions::{InputSource, KeyAction, KeyActions};
use fantoccini::elements::Element;
use fantoccini::key::Key;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use futures::FutureExt;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use url::{ParseError, Url};

use super::support::{Process, eventually, fresh_folder, guarded, reserve_port, unique};

/// No step takes longer, on a machine that does much else, unless the page hangs.
const LIMIT: Duration = Duration::from_secs(30);

/// One driver for all tests; it starts a browser for each.
fn driver() -> &'static (Process, u16) {
    static DRIVER: OnceLock<(Process, u16)> = OnceLock::new();
    DRIVER.get_or_init(|| {
        let port = reserve_port();
        let folder = fresh_folder("driver");
        let mut command = guarded("chromedriver");
        command.arg(format!("--port={port}"));
        command.env("HOME", &folder).env("TMPDIR", &folder);
        let process = Process::start("chromedriver", command, &folder);
        let is_ready = || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok();
        eventually(LIMIT, is_ready).unwrap_or_else(|| panic!("{}", process.log_tail()));
        (process, port)
    })
}

/// A page in a browser.
pub(crate) struct Browser(Client);

/// Opens a file and does something with it. Whatever it does, nothing may be logged as an error
/// and nothing fetched.
pub(crate) fn open<F: Future<Output = ()>>(file: &Path, test: impl FnOnce(Browser) -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let driver = start().await;
        let url = format!("file://{}", file.display());
        let body = async {
            let browser = Browser(driver.clone());
            browser.size(1200, 900).await;
            driver.goto(&url).await.unwrap();
            test(Browser(driver.clone())).await;
            browser.is_quiet().await;
        };
        let result = AssertUnwindSafe(body).catch_unwind().await;
        driver.close().await.unwrap();
        if let Err(panic) = result {
            resume_unwind(panic);
        }
    });
}

async fn start() -> Client {
    let profile = fresh_folder(&unique("profile"));
    let arguments = [
        "--headless=new",
        // Tests run as root in containers, where Chromium has no sandbox.
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--host-resolver-rules=MAP * ~NOTFOUND",
        &format!("--user-data-dir={}", profile.display()),
    ];
    let capabilities = json!({
        "browserName": "chrome",
        "goog:chromeOptions": {"args": arguments},
        "goog:loggingPrefs": {"browser": "ALL"},
        "timeouts": {"script": u64::try_from(LIMIT.as_millis()).unwrap()},
    });
    let url = format!("http://127.0.0.1:{}", driver().1);
    ClientBuilder::new(HttpConnector::new())
        .capabilities(capabilities.as_object().unwrap().clone())
        .connect(&url)
        .await
        .unwrap()
}

/// A command of Chromium's driver that `WebDriver` itself does not have.
#[derive(Debug)]
struct Own(&'static str, Value);

impl WebDriverCompatibleCommand for Own {
    fn endpoint(&self, base_url: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        let session = session.unwrap_or_default();
        base_url.join(&format!("session/{session}/{}", self.0))
    }

    fn method_and_body(&self, _url: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.1.to_string()))
    }
}

impl Browser {
    /// The value of an expression in the page.
    pub(crate) async fn value(&self, expression: &str) -> Value {
        let script = format!("return ({expression});");
        self.0.execute(&script, vec![]).await.unwrap()
    }

    /// Whether an expression comes to hold, within the limit.
    pub(crate) async fn becomes(&self, expression: &str, expected: Value) {
        let mut value = Value::Null;
        for _ in 0..LIMIT.as_millis() / 50 {
            value = self.value(expression).await;
            if value == expected {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{expression} is {value}, not {expected}");
    }

    pub(crate) async fn number(&self, expression: &str) -> u64 {
        let value = self.value(expression).await;
        value
            .as_u64()
            .unwrap_or_else(|| panic!("{expression}: {value}"))
    }

    pub(crate) async fn find(&self, selector: &str) -> Element {
        let found = self.0.find(Locator::Css(selector)).await;
        found.unwrap_or_else(|error| panic!("{selector}: {error}"))
    }

    /// Presses a key, for whatever has the keyboard.
    pub(crate) async fn press(&self, key: Key) {
        self.strike(&[key]).await;
    }

    pub(crate) async fn tab(&self) {
        self.strike(&[Key::Tab]).await;
    }

    pub(crate) async fn tab_back(&self) {
        self.strike(&[Key::Shift, Key::Tab]).await;
    }

    /// Presses keys one after the other, and lets them go in reverse.
    async fn strike(&self, keys: &[Key]) {
        let down = keys.iter().map(|key| KeyAction::Down {
            value: (*key).into(),
        });
        let up = keys.iter().rev().map(|key| KeyAction::Up {
            value: (*key).into(),
        });
        let actions = KeyActions::new("keyboard".to_owned());
        let actions = down.chain(up).fold(actions, InputSource::then);
        self.0.perform_actions(actions).await.unwrap();
    }

    /// The height and width that the page has.
    pub(crate) async fn size(&self, width: u32, height: u32) {
        let metrics = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600,
        });
        self.tell("Emulation.setDeviceMetricsOverride", metrics)
            .await;
    }

    /// What the user prefers: `light` or `dark`.
    pub(crate) async fn prefer(&self, scheme: &str) {
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.tell("Emulation.setEmulatedMedia", json!({"features": features}))
            .await;
    }

    /// Sends a command of Chromium's own protocol.
    pub(crate) async fn tell(&self, command: &str, parameters: Value) -> Value {
        let body = json!({"cmd": command, "params": parameters});
        let answer = self.0.issue_cmd(Own("goog/cdp/execute", body)).await;
        answer.unwrap_or_else(|error| panic!("{command}: {error}"))
    }

    /// Keeps a picture of the page if `PAGE_PICTURES` names a folder for it.
    pub(crate) async fn picture(&self, name: &str) {
        if let Some(folder) = std::env::var_os("PAGE_PICTURES") {
            let path = Path::new(&folder).join(format!("{name}.png"));
            std::fs::write(path, self.0.screenshot().await.unwrap()).unwrap();
        }
    }

    async fn is_quiet(&self) {
        let log = Own("se/log", json!({"type": "browser"}));
        assert_eq!(self.0.issue_cmd(log).await.unwrap(), json!([]));
        let fetched = "performance.getEntriesByType('resource').map((one) => one.name)";
        assert_eq!(self.value(fetched).await, json!([]));
    }
}
