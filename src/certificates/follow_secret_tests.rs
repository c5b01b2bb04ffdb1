use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::{Client, Config};
use tokio::time::sleep;

use super::{Outcome, ServedCertificate, ServingError, follow_secret};
use crate::certificates::authority::Authority;
use crate::certificates::secret::with_serving;
use crate::kubernetes::client::install_crypto;
use crate::kubernetes::secret::watch;
use crate::telemetry::causes::WithCauses;

const DAY: Duration = Duration::from_hours(24);

fn now() -> Timestamp {
    "2026-11-24T06:00:00Z".parse().unwrap()
}

/// A Secret with a certificate that was made then, for a day.
fn secret(version: &str, made: Timestamp) -> Secret {
    let authority = Authority::make(made, DAY).unwrap();
    let issued = authority.issue(&["a".to_owned()], made, DAY).unwrap();
    let mut secret = with_serving(None, "tls", &issued, authority.certificate());
    secret.metadata.resource_version = Some(version.to_owned());
    secret
}

fn broken(version: &str) -> Secret {
    let mut secret = secret(version, now());
    let data = secret.data.as_mut().unwrap();
    data.insert("tls.key".to_owned(), ByteString(b"x".to_vec()));
    secret
}

#[tokio::test(start_paused = true)]
async fn the_last_good_pair_stays_and_a_broken_one_is_told_once() {
    install_crypto();
    // Nobody is there; what the watch would bring is put in by hand.
    let config = Config::new("https://127.0.0.1:1".parse().unwrap());
    let client = Client::try_from(config).unwrap();
    let watch = watch(&client, "n", "tls");
    let served = Arc::new(ServedCertificate::default());
    let (told, time) = (RefCell::new(Vec::new()), RefCell::new(now()));
    let observe = |outcome: &Outcome<ServingError>| {
        told.borrow_mut().push(match outcome {
            Outcome::InForce => "in force".to_owned(),
            Outcome::Rejected(error) => WithCauses(error).to_string(),
        });
    };
    let following = follow_secret(&watch, Arc::clone(&served), || *time.borrow(), observe);
    let until = || served.validity().map(|validity| validity.not_after);
    let changing = async {
        let settle = || sleep(Duration::from_secs(11));
        settle().await;
        watch.wrote(Secret::default());
        settle().await;
        assert_eq!(until(), None);
        watch.wrote(secret("1", now()));
        settle().await;
        assert_eq!(until(), Some(now() + DAY));
        watch.wrote(broken("2"));
        settle().await;
        watch.wrote(broken("3"));
        settle().await;
        assert_eq!(until(), Some(now() + DAY));
        // It expired a day ago, or so our clock says.
        watch.wrote(secret("4", now() - 2 * DAY));
        settle().await;
        assert_eq!(until(), Some(now() + DAY));
        *time.borrow_mut() = now() - 2 * DAY;
        settle().await;
        assert_eq!(until(), Some(now() - DAY));
    };
    tokio::select! {
        () = changing => {}
        never = following => match never {},
    }
    let told = told.into_inner();
    let starts = [
        "in force",
        "cannot use its tls.key: ",
        "cannot use its tls.key: ",
        "cannot use its tls.crt with its tls.key: the certificate expired at 2026-11-23T06:00:00Z",
        "in force",
    ];
    assert_eq!(told.len(), starts.len(), "{told:?}");
    for (told, start) in told.iter().zip(starts) {
        assert!(told.starts_with(start), "{told}");
    }
}
