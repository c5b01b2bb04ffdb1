//! A webhook that allows everything at once: with it, a create costs what asking any webhook costs.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use axum::Router;
use axum::body::Bytes;
use axum::http::HeaderName;
use axum::http::header::CONTENT_TYPE;
use axum::routing::post;

use crate::support::{ControlPlane, Registration, clean_command, fresh_folder, reserve_port, run};
use crate::{BINDGUARD, echo, https};

/// The running webhook. It serves until the process ends.
pub(crate) struct AtOnce {
    folder: PathBuf,
    port: u16,
    answered: Arc<AtomicUsize>,
}

impl AtOnce {
    /// Starts it, with bindguard's TLS.
    pub(crate) fn start() -> Self {
        let folder = fresh_folder("at-once");
        https::make_certificate(&folder);
        let port = reserve_port();
        let answered = Arc::<AtomicUsize>::default();
        let counter = Arc::clone(&answered);
        let allow = move |body: Bytes| async move {
            counter.fetch_add(1, Ordering::Relaxed);
            allow(&body)
        };
        let router = Router::new().route("/validate", post(allow));
        let serves = folder.clone();
        thread::spawn(move || echo::serve_router(port, &serves, router));
        Self {
            folder,
            port,
            answered,
        }
    }

    /// Has the API server ask it, by the configurations that bindguard has.
    pub(crate) fn register<'a>(&self, control_plane: &'a ControlPlane) -> Registration<'a> {
        let mut command = clean_command(Path::new(BINDGUARD), &self.folder);
        command
            .args(["manifests", "--url"])
            .arg(format!("https://127.0.0.1:{}", self.port))
            .arg("--ca")
            .arg(self.folder.join(echo::CERTIFICATE));
        let manifests = run("bindguard manifests".to_owned(), command, "").expect_success();
        control_plane.register(manifests)
    }

    /// How many reviews it has allowed.
    pub(crate) fn answered(&self) -> usize {
        self.answered.load(Ordering::Relaxed)
    }
}

/// Reads no further than the uid of the call, which is the first in a review.
fn allow(review: &[u8]) -> ([(HeaderName, &'static str); 1], String) {
    let review = str::from_utf8(review).expect("reviews are text");
    let (_, after) = review.split_once(r#""uid":""#).expect("reviews have a uid");
    let (uid, _) = after.split_once('"').expect("strings end");
    let answer = format!(
        r#"{{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":{{"uid":"{uid}","allowed":true}}}}"#
    );
    ([(CONTENT_TYPE, "application/json")], answer)
}
