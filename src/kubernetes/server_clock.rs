//! What time the API server has.

use http::header::DATE;
use http::{HeaderMap, Request};
use jiff::Timestamp;
use kube::Client;
use kube::client::Body;

/// The API server's wall clock, by the head of one of its answers: to a second, and late by the
/// way of the answer. `None` when it cannot be asked. No right is needed: a refusal has a date, too.
pub async fn now(client: &Client) -> Option<Timestamp> {
    let request = Request::get("/version").body(Body::empty()).ok()?;
    let response = client.send(request).await.ok()?;
    date(response.headers())
}

fn date(headers: &HeaderMap) -> Option<Timestamp> {
    let text = headers.get(DATE)?.to_str().ok()?;
    let zoned = jiff::fmt::rfc2822::parse(text).ok()?;
    Some(zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::date;

    #[test]
    fn the_date_of_an_answer_is_read() {
        let mut headers = HeaderMap::new();
        assert_eq!(date(&headers), None);
        headers.insert("date", "Tue, 24 Nov 2026 10:26:21 GMT".parse().unwrap());
        let read = date(&headers).unwrap().to_string();
        assert_eq!(read, "2026-11-24T10:26:21Z");
        headers.insert("date", "yesterday".parse().unwrap());
        assert_eq!(date(&headers), None);
    }
}
