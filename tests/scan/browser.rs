//! A Chromium without a window, spoken to by `WebDriver`.
//!
//! Source: <https://www.w3.org/TR/webdriver2/>

use std::io::{BufRead, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Process, clean_command, eventually, fresh_folder, reserve_port, send_signal};

/// How long one step may take on a busy machine.
const LIMIT: Duration = Duration::from_mins(1);

/// A browser with one window. Dropping it ends it.
pub(crate) struct Browser {
    driver: Process,
    port: u16,
    session: String,
}

impl Browser {
    pub(crate) fn start() -> Self {
        let (folder, port) = (fresh_folder("browser"), reserve_port());
        let mut command = clean_command(Path::new("chromedriver"), &folder);
        command.arg(format!("--port={port}"));
        let driver = Process::start("chromedriver", command, &folder);
        let mut browser = Self {
            driver,
            port,
            session: String::new(),
        };
        let ready = eventually(LIMIT, || {
            let (_, answer) = browser.ask("GET", "/status", &Value::Null)?;
            (answer["ready"] == true).then_some(())
        });
        assert!(ready.is_some(), "{}", browser.driver.log_tail());
        let profile = format!("--user-data-dir={}", folder.join("profile").display());
        let capabilities = json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:loggingPrefs": {"browser": "ALL"},
            "goog:chromeOptions": {"args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                "--disable-background-networking", "--disable-component-update",
                // It reaches this machine and nothing else.
                "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
                profile,
            ]},
        }}});
        let session = browser.tell("POST", "/session", &capabilities);
        session["sessionId"]
            .as_str()
            .expect("a session")
            .clone_into(&mut browser.session);
        browser
    }

    /// Opens a page.
    pub(crate) fn open(&self, url: &str) {
        self.in_session("POST", "/url", &json!({"url": url}));
    }

    /// What a script returns.
    pub(crate) fn run(&self, script: &str) -> Value {
        let body = json!({"script": script, "args": []});
        self.in_session("POST", "/execute/sync", &body)
    }

    /// Types into the element of this id, which has the focus then.
    pub(crate) fn type_into(&self, id: &str, text: &str) {
        let selector = json!({"using": "css selector", "value": format!("#{id}")});
        let found = self.in_session("POST", "/element", &selector);
        let element = found.as_object().and_then(|found| found.values().next());
        let element = element.and_then(Value::as_str).expect("an element");
        let path = format!("/element/{element}/value");
        self.in_session("POST", &path, &json!({"text": text}));
    }

    /// Waits until a script returns true.
    #[track_caller]
    pub(crate) fn wait_for(&self, script: &str) {
        let come = eventually(LIMIT, || (self.run(script) == true).then_some(()));
        let page = || self.run("return document.documentElement.outerHTML");
        assert!(
            come.is_some(),
            "{script}\n{}\n{:?}",
            page(),
            self.complaints()
        );
    }

    /// What the browser has had to say of the page since it was asked last: errors of scripts, and
    /// what a policy held off.
    pub(crate) fn complaints(&self) -> Vec<Value> {
        let log = self.in_session("POST", "/se/log", &json!({"type": "browser"}));
        log.as_array().cloned().unwrap_or_default()
    }

    fn in_session(&self, method: &str, path: &str, body: &Value) -> Value {
        self.tell(method, &format!("/session/{}{path}", self.session), body)
    }

    fn tell(&self, method: &str, path: &str, body: &Value) -> Value {
        match self.ask(method, path, body) {
            Some((200, value)) => value,
            other => panic!(
                "{method} {path} {body}: {other:?}\n{}",
                self.driver.log_tail()
            ),
        }
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Option<(u16, Value)> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).ok()?;
        stream.set_read_timeout(Some(LIMIT)).ok()?;
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Connection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).ok()?;
        let (status, body) = read_answer(&mut BufReader::new(stream))?;
        let mut answer: Value = serde_json::from_slice(&body).ok()?;
        Some((status, answer["value"].take()))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let path = format!("/session/{}", self.session);
        let _ = self.ask("DELETE", &path, &Value::Null);
        send_signal("KILL", &format!("-{}", self.driver.id()));
    }
}

/// Status and body of an answer. chromedriver keeps the connection, whatever it is asked.
fn read_answer(stream: &mut impl BufRead) -> Option<(u16, Vec<u8>)> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let head = head.to_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"))?;
    let mut body = vec![0; length.trim().parse().ok()?];
    stream.read_exact(&mut body).ok()?;
    Some((status, body))
}
