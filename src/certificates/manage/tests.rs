//! Against an API server of a few lines.

use std::convert::Infallible;
use std::time::Duration;

use http::{Request, Response};
use jiff::Timestamp;
use kube::Client;
use kube::client::Body;
use tower::service_fn;

use super::{
    CertificateWork, MOST_SKEW, ManageError, Manager, Names, Published, Settings, Watches,
};
use crate::certificates::authority::Authority;
use crate::certificates::secret::{Authorities, FoundAuthorities};
use crate::telemetry::metrics::Metrics;

const DATE: &str = "Tue, 24 Nov 2026 06:00:00 GMT";

fn now() -> Timestamp {
    "2026-11-24T06:00:00Z".parse().unwrap()
}

/// One that answers nothing but that it is six o'clock, if it says that.
fn client(has_clock: bool) -> Client {
    let service = service_fn(move |_request: Request<Body>| async move {
        let mut response = Response::builder().status(403);
        if has_clock {
            response = response.header("date", DATE);
        }
        Ok::<_, Infallible>(response.body(Body::empty()).unwrap())
    });
    Client::new(service, "n")
}

async fn compare(has_clock: bool, ours: Timestamp) -> Result<(), ManageError> {
    let names = Names {
        namespace: "n".to_owned(),
        ca_secret: "ca".to_owned(),
        tls_secret: "tls".to_owned(),
        service: "s".to_owned(),
        configuration: "c".to_owned(),
    };
    let client = client(has_clock);
    let manager = Manager {
        settings: Settings::new([], Duration::from_hours(2), Duration::from_hours(1)),
        watches: &Watches::new(&client, &names),
        metrics: Metrics::new("0.0.0"),
        now,
        names,
        client,
    };
    manager.compare_clocks(ours).await
}

#[tokio::test]
async fn nothing_is_issued_by_a_clock_that_is_far_from_that_of_the_api_server() {
    for ours in [now(), now() + MOST_SKEW, now() - MOST_SKEW] {
        compare(true, ours).await.unwrap();
    }
    for ours in [
        now() + MOST_SKEW + Duration::from_secs(1),
        now() - Duration::from_hours(24 * 365),
    ] {
        let error = compare(true, ours).await.unwrap_err();
        assert!(matches!(error.work(), CertificateWork::Clock), "{error}");
        compare(false, ours).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn publication_counts_from_the_moment_at_which_all_is_published() {
    let found = |number: usize| FoundAuthorities {
        authorities: Authorities {
            previous: (0..number)
                .map(|_| {
                    let made = Authority::make(now(), Duration::from_hours(1)).unwrap();
                    made.certificate().clone()
                })
                .collect(),
            ..Authorities::default()
        },
        ..FoundAuthorities::default()
    };
    let (one, two) = (found(1), found(2));
    let mut published = Published::default();
    let pause = Duration::from_secs(3);
    assert_eq!(published.look(false, &one), None);
    assert_eq!(published.look(true, &one), Some(Duration::ZERO));
    tokio::time::advance(pause).await;
    assert_eq!(published.look(true, &one), Some(pause));
    // Something else is to be published.
    assert_eq!(published.look(true, &two), Some(Duration::ZERO));
    tokio::time::advance(pause).await;
    assert_eq!(published.look(false, &two), None);
    assert_eq!(published.look(true, &two), Some(Duration::ZERO));
}
