//! Free ports on the loopback address.

use std::net::{Ipv4Addr, TcpListener, TcpStream};

/// A port of 127.0.0.1 that the kernel hands to nobody else for the next minute.
///
/// A port that was merely free a moment ago may be given to another test before its server binds
/// it. So a connection is made and closed from the server's side: while it lingers in `TIME_WAIT`, the
/// kernel passes the port over, yet a server that binds it by number (with `SO_REUSEADDR`, as Go and
/// Rust do) gets it.
pub fn reserve_port() -> u16 {
    let reserve = || -> std::io::Result<u16> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let client = TcpStream::connect(address)?;
        let (server, _) = listener.accept()?;
        drop(server);
        drop(client);
        Ok(address.port())
    };
    reserve().expect("a free port on 127.0.0.1")
}
