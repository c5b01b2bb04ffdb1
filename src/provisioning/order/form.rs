//! The text of an order.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::identity::{Identity, SubjectKind};
use crate::provisioning::guard::canary::CANARY;
use crate::provisioning::guard::epoch::EpochValue;

/// The longest that an order may be, in bytes.
pub const LONGEST: usize = 16 * 1024;
/// The version of the form.
const VERSION: u32 = 1;

/// An order. Whose it is stands beside it, where the guard looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    epoch: EpochValue,
    time: Timestamp,
    subjects: Vec<OrderedSubject>,
}

/// One for whom an order is, in the canonical form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderedSubject {
    kind: SubjectKind,
    namespace: String,
    name: String,
}

/// Why a text is no order.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The word by which the guard is tried.
    #[error("it is the word by which the guard is tried")]
    Canary,
    /// It is longer than an order may be.
    #[error("it is longer than 16 KiB")]
    TooLong,
    /// It is something else.
    #[error("it is not as bindguard writes orders")]
    Form,
}

impl Order {
    /// An order in this epoch and at this time, for these.
    pub fn new<'i>(
        epoch: EpochValue,
        time: Timestamp,
        identities: impl IntoIterator<Item = Identity<'i>>,
    ) -> Self {
        let mut identities: Vec<Identity<'_>> = identities.into_iter().collect();
        identities.sort_unstable();
        identities.dedup();
        Self {
            epoch,
            // Nobody needs more, and so it is written in one way.
            time: Timestamp::from_second(time.as_second()).unwrap_or(time),
            subjects: identities.into_iter().map(OrderedSubject::of).collect(),
        }
    }

    /// Reads an order.
    ///
    /// Only what [`encode`](Self::encode) writes is one, to the byte: other spellings of the same
    /// would be one more thing on which two readers may differ.
    ///
    /// # Errors
    ///
    /// If it is none.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        if text == CANARY {
            return Err(Malformed::Canary);
        }
        if text.len() > LONGEST {
            return Err(Malformed::TooLong);
        }
        let wire: Wire = serde_json::from_str(text).map_err(|_| Malformed::Form)?;
        let order = wire.into_order().ok_or(Malformed::Form)?;
        if order.to_string() == text {
            Ok(order)
        } else {
            Err(Malformed::Form)
        }
    }

    /// The text of the order; none, if that would be too long.
    #[must_use]
    pub fn encode(&self) -> Option<String> {
        let text = self.to_string();
        (text.len() <= LONGEST).then_some(text)
    }

    /// The epoch in which it was placed.
    #[must_use]
    pub const fn epoch(&self) -> &EpochValue {
        &self.epoch
    }

    /// When it was placed, in whole seconds.
    #[must_use]
    pub const fn time(&self) -> Timestamp {
        self.time
    }

    /// For whom it is: each once, in a fixed order.
    pub fn identities(&self) -> impl ExactSizeIterator<Item = Identity<'_>> {
        self.subjects.iter().map(OrderedSubject::identity)
    }
}

impl fmt::Display for Order {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wire = Wire {
            version: VERSION,
            epoch: self.epoch.as_str().to_owned(),
            time: self.time.to_string(),
            subjects: self.subjects.iter().map(WireSubject::of).collect(),
        };
        let text = serde_json::to_string(&wire).map_err(|_| fmt::Error)?;
        formatter.write_str(&text)
    }
}

impl OrderedSubject {
    fn of(identity: Identity<'_>) -> Self {
        let (prefix, name) = identity.name();
        Self {
            kind: identity.kind(),
            namespace: identity.namespace().unwrap_or_default().to_owned(),
            name: format!("{prefix}{name}"),
        }
    }

    /// Who it is.
    #[must_use]
    pub fn identity(&self) -> Identity<'_> {
        match self.kind {
            SubjectKind::User => Identity::user(&self.name),
            SubjectKind::Group => Identity::group(&self.name),
            SubjectKind::ServiceAccount => Identity::ServiceAccount {
                namespace: &self.namespace,
                name: &self.name,
            },
        }
    }
}

/// An order as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    version: u32,
    epoch: String,
    time: String,
    #[serde(rename = "for")]
    subjects: Vec<WireSubject>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireSubject {
    kind: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    namespace: String,
    name: String,
}

impl Wire {
    fn into_order(self) -> Option<Order> {
        if self.version != VERSION || self.subjects.is_empty() {
            return None;
        }
        let epoch = EpochValue::parse(&self.epoch)?;
        let time = self.time.parse().ok()?;
        let subjects: Option<Vec<OrderedSubject>> = self
            .subjects
            .into_iter()
            .map(WireSubject::into_subject)
            .collect();
        let subjects = subjects?;
        let identities = subjects.iter().map(OrderedSubject::identity);
        // Sorted and each once, which makes another text of it if it was not.
        Some(Order::new(epoch, time, identities))
    }
}

impl WireSubject {
    fn of(subject: &OrderedSubject) -> Self {
        Self {
            kind: subject.kind.as_str().to_owned(),
            namespace: subject.namespace.clone(),
            name: subject.name.clone(),
        }
    }

    fn into_subject(self) -> Option<OrderedSubject> {
        let kind = SubjectKind::parse(&self.kind)?;
        let is_account = kind == SubjectKind::ServiceAccount;
        let has_namespace = !self.namespace.is_empty();
        (!self.name.is_empty() && is_account == has_namespace).then_some(OrderedSubject {
            kind,
            namespace: self.namespace,
            name: self.name,
        })
    }
}
