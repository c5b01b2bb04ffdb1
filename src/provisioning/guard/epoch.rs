//! The epoch: a time in which the guard was in place without a gap, as far as anybody knows, and
//! the ConfigMap in which it is published.
//!
//! Nothing in an order proves when it was admitted: whoever could plant one while there was no
//! guard could write anything into it, but for a value that did not exist yet.

use std::fmt;

use rustls::crypto::ring::default_provider;

use super::in_place::{GuardIdentity, Version};
use crate::kubernetes::config_map::Data;

/// The ConfigMap's name, in bindguard's own namespace.
pub const CONFIG_MAP: &str = "bindguard-epoch";

/// Bytes of a value, which nobody is to guess.
const BYTES: usize = 16;
/// Characters of a reason that are published.
const LONGEST_REASON: usize = 500;

const EPOCH: &str = "epoch";
const POLICY: &str = "policy";
const BINDING: &str = "binding";
const PAUSED: &str = "paused";

/// The value of an epoch, as orders carry it: 32 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EpochValue(String);

impl EpochValue {
    /// A value that never was. None, if the system gives no random numbers.
    #[must_use]
    pub fn fresh() -> Option<Self> {
        let mut bytes = [0; BYTES];
        default_provider().secure_random.fill(&mut bytes).ok()?;
        Some(Self(format!("{:032x}", u128::from_be_bytes(bytes))))
    }

    /// The value that is written so, if it is one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (text.len() == 2 * BYTES && text.bytes().all(is_digit)).then(|| Self(text.to_owned()))
    }

    /// The value as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EpochValue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// An epoch, and the guard that it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Epoch {
    /// Its value.
    pub value: EpochValue,
    /// The guard. Another one, or another version of it, is another epoch's.
    pub guard: GuardIdentity,
}

/// What the ConfigMap says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// The epoch, if there is one.
    pub epoch: Option<Epoch>,
    /// Why no orders are taken now, if none are.
    pub paused: Option<String>,
}

impl Published {
    /// As the ConfigMap holds it.
    #[must_use]
    pub fn to_data(&self) -> Data {
        let mut data = Data::new();
        if let Some(epoch) = &self.epoch {
            data.insert(EPOCH.to_owned(), epoch.value.as_str().to_owned());
            data.insert(POLICY.to_owned(), write_version(&epoch.guard.policy));
            data.insert(BINDING.to_owned(), write_version(&epoch.guard.binding));
        }
        if let Some(reason) = &self.paused {
            let reason = reason.chars().take(LONGEST_REASON).collect();
            data.insert(PAUSED.to_owned(), reason);
        }
        data
    }

    /// What a ConfigMap says. What cannot be read is no epoch.
    #[must_use]
    pub fn of_data(data: &Data) -> Self {
        let epoch = || {
            Some(Epoch {
                value: EpochValue::parse(data.get(EPOCH)?)?,
                guard: GuardIdentity {
                    policy: read_version(data.get(POLICY)?)?,
                    binding: read_version(data.get(BINDING)?)?,
                },
            })
        };
        Self {
            epoch: epoch(),
            paused: data.get(PAUSED).cloned(),
        }
    }
}

fn write_version(version: &Version) -> String {
    format!("{}/{}", version.uid, version.generation)
}

fn read_version(text: &str) -> Option<Version> {
    let (uid, generation) = text.rsplit_once('/')?;
    Some(Version {
        uid: uid.to_owned(),
        generation: generation.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::{Epoch, EpochValue, Published};
    use crate::kubernetes::config_map::Data;
    use crate::provisioning::guard::in_place::{GuardIdentity, Version};

    fn version(uid: &str, generation: i64) -> Version {
        Version {
            uid: uid.to_owned(),
            generation,
        }
    }

    #[test]
    fn every_value_is_another_and_none_is_a_word() {
        let (one, other) = (EpochValue::fresh().unwrap(), EpochValue::fresh().unwrap());
        assert_ne!(one, other);
        assert_eq!(EpochValue::parse(one.as_str()), Some(one.clone()));
        for text in [
            "",
            "canary",
            &one.as_str()[1..],
            &one.as_str().replace(|_| true, "G"),
        ] {
            assert_eq!(EpochValue::parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_no_epoch() {
        let good = Published {
            epoch: Some(Epoch {
                value: EpochValue::fresh().unwrap(),
                guard: GuardIdentity {
                    policy: version("p", 1),
                    binding: version("b", 2),
                },
            }),
            paused: None,
        };
        assert_eq!(Published::of_data(&good.to_data()), good);
        for key in ["epoch", "policy", "binding"] {
            let mut data = good.to_data();
            data.remove(key).unwrap();
            assert_eq!(Published::of_data(&data).epoch, None, "{key}");
            data.insert(key.to_owned(), "nonsense".to_owned());
            assert_eq!(Published::of_data(&data).epoch, None, "{key}");
        }
        assert_eq!(Published::of_data(&Data::new()).epoch, None);
    }

    proptest! {
        #[test]
        fn what_is_published_is_what_is_read(
            uid in any::<String>(),
            generation in any::<i64>(),
            paused in proptest::option::of("[a-z ]{0,100}"),
        ) {
            let published = Published {
                epoch: Some(Epoch {
                    value: EpochValue::fresh().unwrap(),
                    guard: GuardIdentity {
                        policy: version(&uid, generation),
                        binding: version("b", 0),
                    },
                }),
                paused,
            };
            prop_assert_eq!(Published::of_data(&published.to_data()), published);
        }
    }
}
