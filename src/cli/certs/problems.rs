//! What is wrong with an installation's certificates.

use jiff::Timestamp;

use super::Certificates;
use super::look::{Look, Webhook};
use crate::certificates::authority::Authority;
use crate::certificates::ca_bundle;
use crate::certificates::pair::Validity;
use crate::certificates::trust;

/// Every problem, for people. What could not be read is none.
pub(super) fn all(look: &Look, now: Timestamp) -> Vec<String> {
    let mut problems = Vec::new();
    let can_read = |name: &str| !look.unread.iter().any(|unread| unread.contains(name));
    let is_managed = look.certificates == Certificates::SelfManaged;
    if is_managed && can_read(&look.ca_secret) {
        of_authorities(look, now, &mut problems);
    }
    if can_read(&look.tls_secret) {
        of_serving(look, now, &mut problems);
    }
    let is_read = can_read(&format!("Configuration {}:", look.configuration));
    if look.webhooks.is_empty() && is_read {
        problems.push(format!(
            "no webhook configuration {:?} has a webhook of bindguard",
            look.configuration
        ));
    }
    for webhook in &look.webhooks {
        problems.extend(of_webhook(look, webhook, now));
    }
    problems
}

fn of_authorities(look: &Look, now: Timestamp, problems: &mut Vec<String>) {
    let name = &look.ca_secret;
    if !look.has_authorities {
        problems.push(format!("Secret {name} does not exist"));
        return;
    }
    let faults = look.authorities.faults.iter();
    problems.extend(faults.map(|fault| format!("Secret {name}: {fault}")));
    match &look.authorities.authorities.signing {
        Some(signing) => {
            let wrong = wrong_time(signing.certificate().validity(), now);
            problems.extend(wrong.map(|wrong| format!("Secret {name}: the CA {wrong}")));
        }
        None => problems.push(format!("Secret {name} holds no CA that can sign")),
    }
}

fn of_serving(look: &Look, now: Timestamp, problems: &mut Vec<String>) {
    let name = &look.tls_secret;
    if !look.has_serving {
        problems.push(format!("Secret {name} does not exist"));
        return;
    }
    let Some(serving) = &look.serving.serving else {
        let fault = look.serving.fault.as_deref();
        let fault = fault.unwrap_or("there is no certificate in it");
        problems.push(format!("Secret {name}: {fault}"));
        return;
    };
    let wrong = wrong_time(serving.facts.validity, now);
    problems.extend(wrong.map(|wrong| format!("Secret {name}: the certificate {wrong}")));
    let signing = look.authorities.authorities.signing.as_ref();
    let authority = signing.map(Authority::certificate);
    let own = serving.chain.first();
    let is_signed = |authority: &crate::certificates::authority::CaCertificate| {
        own.is_some_and(|own| authority.has_signed(own))
    };
    if authority.is_some_and(|authority| !is_signed(authority)) {
        problems.push(format!(
            "Secret {name}: the certificate is not signed by the CA of {}",
            look.ca_secret
        ));
    }
}

/// Why the API server would not trust what is served.
pub(super) fn of_webhook(look: &Look, webhook: &Webhook, now: Timestamp) -> Option<String> {
    let Webhook { kind, webhook } = webhook;
    let name = format!("{kind}, webhook {}", webhook.name);
    if let Some(serving) = &look.serving.serving {
        let trusted = trust::verify(&serving.chain, &webhook.bundle, &webhook.host, now);
        if let Err(error) = trusted {
            return Some(format!(
                "{name}: its caBundle does not trust the certificate for {:?}: {error}",
                webhook.host
            ));
        }
    }
    let wanted = look.authorities.authorities.trusted();
    let is_wrong = !ca_bundle::wrong(std::slice::from_ref(webhook), &wanted).is_empty();
    let is_wrong = !wanted.is_empty() && is_wrong;
    is_wrong.then(|| {
        format!(
            "{name}: its caBundle is not what Secret {} says",
            look.ca_secret
        )
    })
}

/// What is wrong with a time of validity, if anything is.
fn wrong_time(validity: Validity, now: Timestamp) -> Option<String> {
    let Validity {
        not_before,
        not_after,
    } = validity;
    if now < not_before {
        return Some(format!("is not valid before {not_before}"));
    }
    if now > not_after {
        return Some(format!("expired at {not_after}"));
    }
    // Made anew when two thirds are over, with some time for those who do it to be away.
    let sixth = validity.life() / 6;
    let overdue = validity.thirds(2).checked_add(sixth).ok()?;
    (now > overdue).then(|| {
        format!(
            "should have been replaced at {}, and expires at {not_after}",
            validity.thirds(2)
        )
    })
}

#[cfg(test)]
#[path = "problems_tests.rs"]
mod tests;
