//! What went wrong with a request, in words for people.

use std::error::Error as _;

use kube::Error;

use crate::telemetry::causes::WithCauses;

/// The reason that kube gives to an answer that is no `Status`.
const NO_STATUS: &str = "Failed to parse error data";

/// What went wrong: in the API server's own words where it spoke, else why it could not be asked.
#[must_use]
pub fn in_words(error: &Error) -> String {
    match error {
        Error::Api(status) if status.reason == NO_STATUS => {
            format!("what answers is no API server: HTTP {}", status.code)
        }
        Error::Api(status) if !status.message.is_empty() => status.message.clone(),
        Error::SerdeError(error) => format!("what answers is no API server: {error}"),
        Error::Service(_) | Error::HyperError(_) => {
            format!("the API server cannot be asked: {}", innermost(error))
        }
        other => WithCauses(other).to_string(),
    }
}

/// The cause of all others, which says the most.
fn innermost(error: &Error) -> String {
    let mut told = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        told = cause.to_string();
        next = cause.source();
    }
    told
}

#[cfg(test)]
mod tests {
    use std::io;

    use kube::Error;
    use kube::core::Status;

    use super::in_words;

    #[test]
    fn the_api_servers_own_words_are_told_or_why_there_are_none() {
        let api = |message: &str, reason: &str| {
            Error::Api(Box::new(Status::failure(message, reason).with_code(502)))
        };
        assert_eq!(in_words(&api("no", "Forbidden")), "no");
        assert_eq!(
            in_words(&api("<html>", "Failed to parse error data")),
            "what answers is no API server: HTTP 502"
        );
        let refused = io::Error::other(io::Error::other("Connection refused"));
        assert_eq!(
            in_words(&Error::Service(Box::new(refused))),
            "the API server cannot be asked: Connection refused"
        );
    }
}
