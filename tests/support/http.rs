//! Just enough HTTP to ask a local port whether it is well.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(5);

/// Status and body of a plain GET to 127.0.0.1.
pub fn get(port: u16, path: &str) -> io::Result<(u16, String)> {
    // HTTP/1.0, so that the body ends with the connection and never comes in chunks.
    exchange(
        port,
        &format!("GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n"),
    )
}

/// Status and body of a plain POST of JSON to 127.0.0.1.
pub fn post(port: u16, path: &str, json: &str) -> io::Result<(u16, String)> {
    let length = json.len();
    let head = format!("POST {path} HTTP/1.0\r\nHost: 127.0.0.1\r\nContent-Type: application/json");
    exchange(
        port,
        &format!("{head}\r\nContent-Length: {length}\r\n\r\n{json}"),
    )
}

/// Status and body of a plain GET to any address.
pub fn get_at(host: &str, port: u16, path: &str) -> io::Result<(u16, String)> {
    let stream = TcpStream::connect((host, port))?;
    let request = format!("GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n");
    speak(stream, &request)
}

fn exchange(port: u16, request: &str) -> io::Result<(u16, String)> {
    speak(TcpStream::connect((Ipv4Addr::LOCALHOST, port))?, request)
}

fn speak(mut stream: TcpStream, request: &str) -> io::Result<(u16, String)> {
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
    stream.write_all(request.as_bytes())?;
    let mut response = String::new();
    stream.read_to_string(&mut response)?;

    let parse = || {
        let (head, body) = response.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some((status, body.to_owned()))
    };
    parse().ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::InvalidData,
            format!("not HTTP: {response:?}"),
        )
    })
}
