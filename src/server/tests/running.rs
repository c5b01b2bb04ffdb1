//! A server that runs beside a test.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use futures::channel::mpsc::{UnboundedSender, unbounded};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::super::admin;
use super::super::readiness::{Condition, Readiness};
use super::super::run::{Server, Services};
use super::super::shutdown::{Ended, Plan, Signal};
use super::super::webhook::routes;
use super::client::Client;
use crate::admission::answer::Answer;
use crate::certificates::client_ca::ClientCa;
use crate::certificates::self_signed::{self, SelfSigned};
use crate::certificates::served::ServedCertificate;
use crate::certificates::tls::Tls;
use crate::telemetry::labels::Decision;
use crate::telemetry::metrics::Metrics;

pub(super) const H1: &str = "http/1.1";
pub(super) const H2: &str = "h2";

/// A certificate for localhost.
pub(super) fn certificate() -> SelfSigned {
    self_signed::make(&[], "2026-11-24T06:00:00Z".parse().unwrap()).unwrap()
}

pub(super) struct Running {
    pub(super) webhook: SocketAddr,
    pub(super) admin: SocketAddr,
    pub(super) ca: String,
    pub(super) certificate: Arc<ServedCertificate>,
    pub(super) tls: Arc<Tls>,
    pub(super) readiness: Readiness,
    pub(super) metrics: Metrics,
    signals: UnboundedSender<Signal>,
    ended: JoinHandle<Ended>,
}

impl Running {
    /// `/validate` echoes; `/mutate` sleeps for so many milliseconds, or panics.
    pub(super) async fn start(plan: Plan) -> Self {
        Self::start_for(plan, None).await
    }

    /// The same, for clients with a certificate of these authorities.
    pub(super) async fn start_for(plan: Plan, client_ca: Option<&ClientCa>) -> Self {
        let any = "127.0.0.1:0".parse().unwrap();
        let server = Server::bind(&any, &any).await.unwrap();
        let (webhook, admin) = (server.webhook_address(), server.admin_address());
        let SelfSigned { ca_pem, pair } = certificate();
        let certificate = Arc::new(ServedCertificate::new(pair));
        let tls = Arc::new(Tls::new(Arc::clone(&certificate), client_ca).unwrap());
        let readiness = Readiness::new(&[Condition::Listening]);
        let metrics = Metrics::new("test");
        let services = Services {
            tls: Arc::clone(&tls),
            webhook: routes(
                |body: Bytes, _| async move { Answer::review(body.into(), Decision::Allow) },
                |body: Bytes, _| async move {
                    let milliseconds = str::from_utf8(&body).unwrap().parse().unwrap();
                    sleep(Duration::from_millis(milliseconds)).await;
                    Answer::review(body.into(), Decision::Allow)
                },
                &metrics,
            ),
            admin: admin::router(readiness.clone(), metrics.clone()),
            readiness: readiness.clone(),
            metrics: metrics.clone(),
        };
        let (signals, receiver) = unbounded();
        let ended =
            tokio::spawn(async move { server.run(services, plan, receiver).await.unwrap() });
        Self {
            webhook,
            admin,
            ca: ca_pem,
            certificate,
            tls,
            readiness,
            metrics,
            signals,
            ended,
        }
    }

    pub(super) async fn client(&self, alpn: &str) -> Client {
        Client::connect(self.webhook, &self.ca, alpn).await.unwrap()
    }

    pub(super) fn signal(&self, signal: Signal) {
        self.signals.unbounded_send(signal).unwrap();
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended.is_finished()
    }

    /// How the server ended, which it must do within 5 s.
    pub(super) async fn ended(self) -> Ended {
        tokio::time::timeout(Duration::from_secs(5), self.ended)
            .await
            .expect("the server did not end")
            .unwrap()
    }

    /// Waits until a line is among the metrics.
    pub(super) async fn until(&self, line: &str) {
        for _ in 0..500 {
            if self.metrics.encode().lines().any(|found| found == line) {
                return;
            }
            sleep(Duration::from_millis(10)).await;
        }
        panic!("never saw {line}: {}", self.metrics.encode());
    }
}

/// A plan in which nothing ends by itself while a test runs.
pub(super) const PATIENT: Plan = Plan {
    linger: Duration::from_mins(1),
    drain: Duration::from_mins(1),
};
