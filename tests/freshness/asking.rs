//! bindguard asked by itself, as an API server that cannot be reached would ask it.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::client::{Call, Client, Protocol};
use crate::support::{Bindguard, unique};

/// A review as an API server sent it, about one user.
const REVIEW: &str = include_str!("../fixtures/reviews/rb-create.validating.json");

/// What bindguard says of a persona binding.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Allowed,
    Denied,
    /// 503, with the message for the user.
    AskAgain(String),
}

/// Somebody with connections to a bindguard.
pub(crate) struct Asker(Client);

impl Asker {
    pub(crate) fn of(bindguard: &Bindguard) -> Self {
        let authority = fs::read_to_string(bindguard.authority_file()).unwrap();
        let address = bindguard.url().strip_prefix("https://").unwrap().to_owned();
        Self(Client::new(address.parse().unwrap(), &authority))
    }

    /// Asks about a persona binding of one user, as an API server that waits so long.
    pub(crate) fn ask(&self, user: &str, timeout: Duration) -> (Said, Duration) {
        let path = format!("/validate?timeout={}ms", timeout.as_millis());
        let began = Instant::now();
        let mut connection = self
            .0
            .connect(Protocol::Http1)
            .expect("bindguard takes connections");
        let reply = connection
            .send(Call::post(&path, review(user).to_string()))
            .expect("bindguard answers");
        let took = began.elapsed();
        let body = reply.json();
        let said = match reply.status {
            200 if body["response"]["allowed"] == true => Said::Allowed,
            200 => Said::Denied,
            503 => {
                // Where another attempt would come too late, it is not asked for.
                let again = timeout > Duration::from_secs(3);
                assert_eq!(reply.headers.contains_key("retry-after"), again);
                Said::AskAgain(body["message"].as_str().unwrap().to_owned())
            }
            status => panic!("{status}: {body}"),
        };
        (said, took)
    }
}

fn review(user: &str) -> Value {
    let mut review: Value = serde_json::from_str(REVIEW).unwrap();
    let request = &mut review["request"];
    request["uid"] = unique("uid").into();
    request["object"]["roleRef"]["name"] = "spectro-vm-user".into();
    let subject = serde_json::json!({
        "apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user
    });
    request["object"]["subjects"] = vec![subject].into();
    review
}
