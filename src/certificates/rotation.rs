//! What to do next about authorities and the serving certificate: a pure function of what is
//! stored, of the clock, and of what was seen of the cluster.
//!
//! An authority is replaced with overlap, so that at no moment a client meets a certificate whose
//! authority it does not trust:
//!
//! 1. A new authority is stored as the next one, and published beside the old.
//! 2. When every configuration has held both for a while, it signs, and the old one is a previous
//!    one. What is served is issued anew.
//! 3. When everyone serves what the new one has signed, the old one is forgotten; at the latest
//!    when it expires.
//!
//! Each step is one write of one Secret, so that a crash between any two loses nothing.

use std::net::IpAddr;
use std::time::Duration;

use jiff::Timestamp;

use super::authority::{Authority, CaCertificate, IssueError};
use super::secret::{Authorities, FoundAuthorities, FoundServing};

/// How long every configuration must hold a new authority before it signs: API servers learn of a
/// changed configuration by a watch, mostly within milliseconds.
pub const PUBLISH_FOR: Duration = Duration::from_secs(10);
/// How many previous authorities are kept. More than ever come together unless somebody deletes
/// Secrets again and again.
const MOST_PREVIOUS: usize = 8;

/// What certificates are to be like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    names: Vec<String>,
    ca_lifetime: Duration,
    certificate_lifetime: Duration,
}

impl Settings {
    /// For these names and addresses, valid for so long.
    #[must_use]
    pub fn new(
        names: impl IntoIterator<Item = String>,
        ca_lifetime: Duration,
        certificate_lifetime: Duration,
    ) -> Self {
        let canonical = |name: String| match name.parse::<IpAddr>() {
            Ok(address) => address.to_string(),
            Err(_) => name,
        };
        let mut names: Vec<String> = names.into_iter().map(canonical).collect();
        names.sort();
        names.dedup();
        Self {
            names,
            ca_lifetime,
            certificate_lifetime,
        }
    }

    /// The names and addresses, in alphabetical order.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// How long a serving certificate is valid.
    #[must_use]
    pub const fn certificate_lifetime(&self) -> Duration {
        self.certificate_lifetime
    }
}

/// What is known beside the Secrets.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'e> {
    /// The wall clock.
    pub now: Timestamp,
    /// How long every configuration has held all that is to be trusted; `None` if one does not.
    pub published_for: Option<Duration>,
    /// Whether everyone who serves was just seen to serve what the signing authority has signed.
    pub all_serve_signing: bool,
    /// Authorities that the cluster trusts and that have signed what is served now. They count
    /// when [something is lost](needs_witnesses).
    pub witnessed: &'e [CaCertificate],
}

/// What to do next.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Nothing.
    Wait,
    /// To store other authorities.
    Authorities(Box<Change>),
    /// To issue a serving certificate by the signing authority, and to store it.
    Issue {
        /// Why, for people.
        reason: String,
    },
}

/// A change of the authorities.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// What is to be stored.
    pub authorities: Authorities,
    /// What changes and why, for people.
    pub reasons: Vec<String>,
    /// Whether that answers the annotation that asked for it.
    pub is_answered: bool,
    /// Whether an authority takes up signing.
    pub is_rotated: bool,
}

/// Whether something that should be stored is lost, so that witnesses are needed: part of the
/// Secret is broken, or no authority is left that can sign, now or soon.
#[must_use]
pub fn needs_witnesses(found: &FoundAuthorities, now: Timestamp) -> bool {
    let Authorities { signing, next, .. } = &found.authorities;
    let mut usable = signing.iter().chain(next);
    !found.faults.is_empty() || !usable.any(|authority| is_valid(authority, now))
}

/// What to do next.
///
/// # Errors
///
/// When the machine has no randomness.
pub fn next_step(
    settings: &Settings,
    authorities: &FoundAuthorities,
    serving: &FoundServing,
    evidence: Evidence<'_>,
) -> Result<Step, IssueError> {
    if let Some(step) = next_authorities(settings, authorities, evidence)? {
        return Ok(step);
    }
    let signing = authorities.authorities.signing.as_ref();
    let reason = signing.and_then(|signing| why_issue(settings, signing, serving, evidence.now));
    Ok(reason.map_or(Step::Wait, |reason| Step::Issue { reason }))
}

fn next_authorities(
    settings: &Settings,
    found: &FoundAuthorities,
    evidence: Evidence<'_>,
) -> Result<Option<Step>, IssueError> {
    let Evidence { now, .. } = evidence;
    let mut authorities = found.authorities.clone();
    let mut reasons = found.faults.clone();
    let (mut is_answered, mut is_rotated) = (false, false);
    forget_invalid(&mut authorities, now, &mut reasons);
    if needs_witnesses(found, now) {
        let valid = |witness: &&CaCertificate| witness.validity().holds_at(now);
        let witnessed = evidence.witnessed.iter().filter(valid);
        authorities.previous.extend(witnessed.cloned());
    }

    let make = || Authority::make(now, settings.ca_lifetime);
    let is_published = evidence
        .published_for
        .is_some_and(|published_for| published_for >= PUBLISH_FOR)
        && found.faults.is_empty();
    match (&authorities.signing, &authorities.next) {
        (None, None) => {
            if authorities.previous.is_empty() {
                reasons.push("there is no CA, so one is made".to_owned());
                authorities.signing = Some(make()?);
                is_rotated = true;
            } else {
                reasons.push("a CA that can sign is published beside the one before".to_owned());
                authorities.next = Some(make()?);
            }
        }
        (signing, Some(_)) => {
            if is_published {
                reasons.push("the CA that was published signs from now on".to_owned());
                let before = signing
                    .as_ref()
                    .map(|signing| signing.certificate().clone());
                authorities.previous.splice(0..0, before);
                authorities.signing = authorities.next.take();
                is_rotated = true;
            }
        }
        (Some(signing), None) => {
            let is_due = now >= signing.certificate().validity().thirds(2);
            if is_due || found.is_rotation_asked {
                reasons.push(if is_due {
                    "two thirds of the CA's life are over, so another is published".to_owned()
                } else {
                    "a rotation of the CA is asked for, so another is published".to_owned()
                });
                is_answered = true;
                authorities.next = Some(make()?);
            } else if evidence.all_serve_signing && !authorities.previous.is_empty() {
                reasons.push("everyone serves by the new CA, so the old one is dropped".to_owned());
                authorities.previous.clear();
            }
        }
    }
    tidy(&mut authorities);
    let is_changed = authorities != found.authorities || !found.faults.is_empty();
    let change = || Change {
        authorities,
        reasons,
        is_answered,
        is_rotated,
    };
    Ok(is_changed.then(|| Step::Authorities(Box::new(change()))))
}

fn forget_invalid(authorities: &mut Authorities, now: Timestamp, reasons: &mut Vec<String>) {
    for authority in [&mut authorities.signing, &mut authorities.next] {
        if authority.as_ref().is_some_and(|some| !is_valid(some, now)) {
            reasons.push("a CA is not valid now".to_owned());
            *authority = None;
        }
    }
    let before = authorities.previous.len();
    authorities
        .previous
        .retain(|certificate| certificate.validity().holds_at(now));
    if authorities.previous.len() < before {
        reasons.push("a previous CA is not valid any more".to_owned());
    }
}

/// Each certificate once, and not too many.
fn tidy(authorities: &mut Authorities) {
    let Authorities { signing, next, .. } = &*authorities;
    let with_keys: Vec<CaCertificate> = signing
        .iter()
        .chain(next)
        .map(|authority| authority.certificate().clone())
        .collect();
    let mut kept: Vec<CaCertificate> = Vec::new();
    for certificate in authorities.previous.drain(..) {
        if !with_keys.contains(&certificate) && !kept.contains(&certificate) {
            kept.push(certificate);
        }
    }
    kept.truncate(MOST_PREVIOUS);
    authorities.previous = kept;
}

/// Why a serving certificate must be issued, if it must.
fn why_issue(
    settings: &Settings,
    signing: &Authority,
    found: &FoundServing,
    now: Timestamp,
) -> Option<String> {
    let why = |reason: &str| Some(reason.to_owned());
    let Some(serving) = &found.serving else {
        return found.fault.clone().or_else(|| why("there is none"));
    };
    let validity = serving.facts.validity;
    let authority = signing.certificate();
    let is_signed = serving
        .chain
        .first()
        .is_some_and(|own| authority.has_signed(own));
    if !is_signed {
        return why("another CA signs now");
    }
    if !validity.holds_at(now) {
        return why("it is not valid now");
    }
    if serving.facts.names != settings.names {
        return why("it is to be for other names");
    }
    // One that ends with its authority would not last longer if it were made anew.
    let can_last_longer = authority.validity().not_after > validity.not_after;
    if now >= validity.thirds(2) && can_last_longer {
        return why("two thirds of its life are over");
    }
    if found.is_rotation_asked {
        return why("a rotation is asked for");
    }
    None
}

fn is_valid(authority: &Authority, now: Timestamp) -> bool {
    authority.certificate().validity().holds_at(now)
}

#[cfg(test)]
#[path = "rotation_tests.rs"]
mod tests;
