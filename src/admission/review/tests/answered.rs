//! Every real review, answered.

use serde_json::Value;

use super::fixtures;
use crate::admission::contract;
use crate::admission::respond::Response;
use crate::admission::review::decode;

#[test]
fn every_real_review_can_be_answered_either_way() {
    for (name, body) in fixtures() {
        println!("{name}");
        let request: Value = serde_json::from_slice(&body).unwrap();
        let review = decode(&body).unwrap();
        for mut response in [
            Response::allow(&review.uid),
            Response::deny(&review.uid, "User alice lacks spectro-list-namespaces"),
        ] {
            for validating in [true, false] {
                let sent = serde_json::from_slice(&response.encode()).unwrap();
                contract::check(&request, &sent, validating);
            }
            response.push_warning(&format!("binding {:?}", review.name()));
            response.annotate("decision", review.operation.as_str());
            let sent = serde_json::from_slice(&response.encode()).unwrap();
            contract::check(&request, &sent, true);
        }
    }
}
