//! An authorizer that the API server asks of whomever RBAC gives nothing, and whose mood depends on
//! who it is.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::fresh_folder;

/// Longer than anybody waits for an answer about rights.
const TOO_LONG: Duration = Duration::from_secs(8);
/// Long, and not too long.
const A_WHILE: Duration = Duration::from_millis(700);

/// Starts it, for as long as the test process lives. The flags by which an API server asks it after
/// RBAC.
pub(crate) fn start() -> Vec<String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // Who has hung up by now needs no answer.
            thread::spawn(move || answer(&stream).ok());
        }
    });
    vec![
        "--authorization-mode=Webhook".to_owned(),
        "--authorization-webhook-version=v1".to_owned(),
        "--authorization-webhook-cache-authorized-ttl=0s".to_owned(),
        "--authorization-webhook-cache-unauthorized-ttl=0s".to_owned(),
        format!(
            "--authorization-webhook-config-file={}",
            kubeconfig(port).display()
        ),
    ]
}

fn kubeconfig(port: u16) -> PathBuf {
    let config = json!({
        "apiVersion": "v1", "kind": "Config",
        "clusters": [{"name": "moody", "cluster": {"server": format!("http://127.0.0.1:{port}")}}],
        "users": [{"name": "api-server", "user": {}}],
        "contexts": [{"name": "moody", "context": {"cluster": "moody", "user": "api-server"}}],
        "current-context": "moody",
    });
    let file = fresh_folder("moody").join("kubeconfig");
    std::fs::write(&file, config.to_string()).unwrap();
    file
}

fn answer(mut stream: &TcpStream) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let line = line.trim().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let mut review: Value = serde_json::from_slice(&body)?;
    let spec = &review["spec"];
    let user = spec["user"].as_str().unwrap_or_default();
    let (mood, _) = user.split_once('-').unwrap_or_default();
    let is_about_companions = spec["resourceAttributes"]["verb"] == "bind"
        && spec["resourceAttributes"]["name"]
            .as_str()
            .is_some_and(|name| name.starts_with("spectro-list-"));
    let (code, allowed) = match mood {
        _ if !is_about_companions => ("200 OK", false),
        "slow" => {
            thread::sleep(TOO_LONG);
            ("200 OK", true)
        }
        "late" => {
            thread::sleep(A_WHILE);
            ("200 OK", true)
        }
        // One that the API server does not repeat, as it would a 500.
        "broken" => ("400 Bad Request", false),
        "granted" => ("200 OK", true),
        _ => ("200 OK", false),
    };
    review["status"] = json!({"allowed": allowed});
    let body = review.to_string();
    write!(
        stream,
        "HTTP/1.1 {code}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    )
}
