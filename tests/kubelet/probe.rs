//! The probes of a container, over HTTP to the Pod's address.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::lock;
use super::spec::{Container, Probe};

/// What the probes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Health {
    pub(super) started: bool,
    pub(super) ready: bool,
    /// It is to be killed, and started again if the Pod's policy wants that.
    pub(super) dead: bool,
}

/// Probes one process. Dropping it ends them.
pub(super) struct Probes {
    health: Arc<Mutex<Health>>,
    _tasks: JoinSet<()>,
}

impl Probes {
    pub(super) fn start(container: &Container, address: &str) -> Self {
        let health = Arc::new(Mutex::new(Health {
            started: container.startup.is_none(),
            ready: container.readiness.is_none() && container.startup.is_none(),
            dead: false,
        }));
        let mut tasks = JoinSet::new();
        let has_readiness = container.readiness.is_some();
        if let Some(probe) = container.startup.clone() {
            tasks.spawn(watch(
                probe,
                address.to_owned(),
                health.clone(),
                move |health, ok| {
                    health.started |= ok;
                    health.ready |= ok && !has_readiness;
                    health.dead |= !ok && !health.started;
                },
            ));
        }
        if let Some(probe) = container.readiness.clone() {
            tasks.spawn(watch(
                probe,
                address.to_owned(),
                health.clone(),
                |health, ok| {
                    health.ready = ok && health.started;
                },
            ));
        }
        if let Some(probe) = container.liveness.clone() {
            tasks.spawn(watch(
                probe,
                address.to_owned(),
                health.clone(),
                |health, ok| {
                    health.dead |= !ok && health.started;
                },
            ));
        }
        Self {
            health,
            _tasks: tasks,
        }
    }

    pub(super) fn health(&self) -> Health {
        *lock(&self.health)
    }
}

/// Tells when the threshold of successes or of failures is reached.
async fn watch(
    probe: Probe,
    address: String,
    health: Arc<Mutex<Health>>,
    tell: impl Fn(&mut Health, bool),
) {
    sleep(probe.delay).await;
    let (mut good, mut bad) = (0, 0);
    loop {
        if timeout(probe.timeout, is_well(&probe, &address)).await == Ok(true) {
            (good, bad) = (good + 1, 0);
        } else {
            (good, bad) = (0, bad + 1);
        }
        if good >= probe.successes || bad >= probe.failures {
            tell(&mut lock(&health), bad == 0);
        }
        sleep(probe.period).await;
    }
}

async fn is_well(probe: &Probe, address: &str) -> bool {
    let ask = async {
        let mut stream = TcpStream::connect((address, probe.port)).await.ok()?;
        let request = format!(
            "GET {} HTTP/1.0\r\nHost: {address}\r\nUser-Agent: kube-probe/1.37\r\n\r\n",
            probe.path
        );
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.ok()?;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let status: u16 = answer.split(' ').nth(1)?.parse().ok()?;
        Some((200..400).contains(&status))
    };
    ask.await.unwrap_or(false)
}
