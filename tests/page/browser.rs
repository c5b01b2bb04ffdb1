//! A real Chromium without a window, driven by Debian's driver.

use std::future::Future;
use std::net::{Ipv4Addr, TcpStream};
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use futures::FutureExt;
use serde_json::{Value, json};
use thirtyfour::{
    By, ChromiumLikeCapabilities, DesiredCapabilities, Key, LoggingPrefsLogLevel, WebDriver,
    WebElement,
};

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
pub(crate) struct Browser(WebDriver);

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
        driver.quit().await.unwrap();
        if let Err(panic) = result {
            resume_unwind(panic);
        }
    });
}

async fn start() -> WebDriver {
    let mut capabilities = DesiredCapabilities::chrome();
    let profile = fresh_folder(&unique("profile"));
    for argument in [
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
    ] {
        capabilities.add_arg(argument).unwrap();
    }
    capabilities
        .set_logging_prefs("browser", LoggingPrefsLogLevel::All)
        .unwrap();
    let url = format!("http://127.0.0.1:{}", driver().1);
    let driver = WebDriver::builder(url, capabilities)
        .request_timeout(LIMIT * 2)
        .await
        .unwrap();
    driver.set_script_timeout(LIMIT).await.unwrap();
    driver
}

impl Browser {
    /// The value of an expression in the page.
    pub(crate) async fn value(&self, expression: &str) -> Value {
        let script = format!("return ({expression});");
        let value = self.0.execute(script, vec![]).await.unwrap();
        value.json().clone()
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

    pub(crate) async fn find(&self, selector: &str) -> WebElement {
        let found = self.0.find(By::Css(selector)).await;
        found.unwrap_or_else(|error| panic!("{selector}: {error}"))
    }

    /// Types into whatever has the keyboard.
    pub(crate) async fn press(&self, keys: impl AsRef<str>) {
        let chain = self.0.action_chain();
        chain.send_keys(keys.as_ref()).perform().await.unwrap();
    }

    pub(crate) async fn tab(&self) {
        self.press(Key::Tab.value().to_string()).await;
    }

    pub(crate) async fn tab_back(&self) {
        let chain = self.0.action_chain().key_down(Key::Shift);
        let chain = chain.send_keys(Key::Tab.value().to_string());
        chain.key_up(Key::Shift).perform().await.unwrap();
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
        let answer = self.0.cdp().send_raw(command, parameters).await;
        answer.unwrap_or_else(|error| panic!("{command}: {error}"))
    }

    /// Keeps a picture of the page if `PAGE_PICTURES` names a folder for it.
    pub(crate) async fn picture(&self, name: &str) {
        if let Some(folder) = std::env::var_os("PAGE_PICTURES") {
            let path = Path::new(&folder).join(format!("{name}.png"));
            self.0.screenshot(&path).await.unwrap();
        }
    }

    async fn is_quiet(&self) {
        let log = self.0.get_log("browser").await.unwrap();
        assert!(log.is_empty(), "{log:?}");
        let fetched = "performance.getEntriesByType('resource').map((one) => one.name)";
        assert_eq!(self.value(fetched).await, json!([]));
    }
}
