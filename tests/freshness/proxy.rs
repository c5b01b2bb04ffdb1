//! A way to the API server that can be made slow, or to end in nothing.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

/// A relay of TCP connections. It lives as long as the test process.
pub(crate) struct Proxy {
    port: u16,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    /// How many connections there have been.
    connections: AtomicU64,
    /// Those before this one deliver nothing any more.
    held_before: AtomicU64,
    /// Whether new connections deliver nothing.
    blocked: AtomicBool,
    /// The port of 127.0.0.1 to which new connections go.
    target: AtomicU16,
    /// How long each part of an answer takes longer, in milliseconds.
    delay: AtomicU64,
}

impl Proxy {
    /// A way to this port of 127.0.0.1.
    pub(crate) fn to(target: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::<State>::default();
        state.target.store(target, Ordering::SeqCst);
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let number = shared.connections.fetch_add(1, Ordering::SeqCst);
                let target = shared.target.load(Ordering::SeqCst);
                // Closed at once, as by a machine whose server is not there.
                if let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, target)) {
                    relay(&client, &server, number, &shared);
                }
            }
        });
        Self { port, state }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// New connections go to this port, as behind a load balancer; those that there are stay.
    pub(crate) fn turn_to(&self, target: u16) {
        self.state.target.store(target, Ordering::SeqCst);
    }

    /// The connections that there are deliver nothing any more, and stay open. New ones do.
    pub(crate) fn hold(&self) {
        let connections = self.state.connections.load(Ordering::SeqCst);
        self.state.held_before.store(connections, Ordering::SeqCst);
    }

    /// Like `hold`, for new connections as well, until `unblock`.
    pub(crate) fn block(&self) {
        self.hold();
        self.state.blocked.store(true, Ordering::SeqCst);
    }

    pub(crate) fn unblock(&self) {
        self.hold();
        self.state.blocked.store(false, Ordering::SeqCst);
    }

    /// From now on each part of an answer comes so much later.
    pub(crate) fn delay(&self, delay: Duration) {
        let milliseconds = u64::try_from(delay.as_millis()).unwrap();
        self.state.delay.store(milliseconds, Ordering::SeqCst);
    }
}

impl State {
    fn is_held(&self, connection: u64) -> bool {
        self.blocked.load(Ordering::SeqCst) || connection < self.held_before.load(Ordering::SeqCst)
    }
}

fn relay(client: &TcpStream, server: &TcpStream, number: u64, state: &Arc<State>) {
    let pairs = [(client, server, false), (server, client, true)];
    for (from, to, is_answer) in pairs {
        let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
        let state = Arc::clone(state);
        thread::spawn(move || copy(from, to, number, is_answer, &state));
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream, number: u64, is_answer: bool, state: &State) {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = from.read(&mut buffer).unwrap_or(0);
        while state.is_held(number) {
            // Neither delivers nor closes, as a machine that has lost its line.
            thread::sleep(Duration::from_millis(20));
        }
        if is_answer {
            let delay = state.delay.load(Ordering::SeqCst);
            thread::sleep(Duration::from_millis(delay));
        }
        if read == 0 || to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}
