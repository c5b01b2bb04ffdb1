//! Asks the API server what it would say to a binding, without making it.

use http::Response;
use http_body_util::{BodyExt as _, Limited};
use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::api::{PostParams, Request};
use kube::client::Body;
use kube::core::Status;
use kube::{Client, Resource};

/// An answer of the API server is never longer than what it was sent and a few texts about it.
const LONGEST_ANSWER: usize = 4 << 20;

/// What the API server would do.
#[derive(Clone, Debug, PartialEq)]
pub enum DryRun {
    /// Create it.
    Created {
        /// What it would warn of, unquoted.
        warnings: Vec<String>,
    },
    /// Refuse it.
    Refused(Box<Status>),
}

/// Creates a RoleBinding as a server-side dry run: all that the API server asks and checks is
/// asked and checked, webhooks included, and nothing is stored.
///
/// # Errors
///
/// If the API server cannot be asked, or answers what no API server does.
pub async fn create(client: &Client, binding: &RoleBinding) -> kube::Result<DryRun> {
    let namespace = binding.metadata.namespace.as_deref();
    let body = serde_json::to_vec(binding).map_err(kube::Error::SerdeError)?;
    let parameters = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    let request = Request::new(RoleBinding::url_path(&(), namespace))
        .create(&parameters, body)
        .map_err(kube::Error::BuildRequest)?;
    // Warnings are headers, which kube's typed calls drop.
    let response = client.send(request.map(Body::from)).await?;
    if response.status().is_success() {
        let warnings = warnings(&response);
        return Ok(DryRun::Created { warnings });
    }
    let code = response.status();
    let body = Limited::new(response.into_body(), LONGEST_ANSWER);
    let body = body.collect().await.map_err(kube::Error::Service)?;
    let status = serde_json::from_slice(&body.to_bytes()).unwrap_or_else(|_| {
        // Something between us and the API server has answered, or it is only just starting.
        Status::failure(&code.to_string(), "").with_code(code.as_u16())
    });
    Ok(DryRun::Refused(Box::new(status)))
}

fn warnings<T>(response: &Response<T>) -> Vec<String> {
    let values = response.headers().get_all(http::header::WARNING);
    values
        .iter()
        .filter_map(|value| unquoted(&String::from_utf8_lossy(value.as_bytes())))
        .collect()
}

/// The text of a warning: `299 - "text"`, with `\` before what it escapes.
///
/// Source: RFC 7234, section 5.5.
fn unquoted(header: &str) -> Option<String> {
    let (_, quoted) = header.split_once('"')?;
    let (quoted, _) = quoted.rsplit_once('"')?;
    let mut text = String::with_capacity(quoted.len());
    let mut characters = quoted.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => text.extend(characters.next()),
            other => text.push(other),
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::unquoted;

    #[test]
    fn a_warning_loses_its_quotes_and_nothing_else() {
        let read = |header| unquoted(header).unwrap();
        assert_eq!(
            read(r#"299 - "User \"a\\b\" lacks x""#),
            r#"User "a\b" lacks x"#
        );
        assert_eq!(read(r#"299 - """#), "");
        assert_eq!(unquoted("299 - nothing"), None);
    }
}
