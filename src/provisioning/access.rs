//! Whether a requester may create companions by hand.
//!
//! No proof of anything: that is the guard's. Asked first, so that those whom the guard would
//! refuse are not given an order, and hear what the rule has to say instead.

mod in_flight;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, join_all};
use hashbrown::HashMap;
use kube::Client;
use sha2::{Digest, Sha256};
use tokio::time::{Instant, timeout};

use self::in_flight::{InFlight, Outcome};

use crate::domain::binding::RBAC_GROUP;
use crate::domain::policy::Policy;
use crate::domain::text::{Escaped, ShownName};
use crate::kubernetes::access_review::{Right, Said, Who, review};
use crate::telemetry::causes::WithCauses;
use crate::telemetry::labels::AccessReview;
use crate::telemetry::metrics::Metrics;

/// How long a yes is good for, to whoever is the same in everything an authenticator says.
const LIFETIME: Duration = Duration::from_secs(5);
/// How many of them are remembered.
const MOST_REMEMBERED: usize = 1_024;
/// How many questions are asked in a second, whoever calls. One call asks at most as many as a
/// policy has companions, and one more.
const MOST_A_SECOND: u32 = 200;
/// How many of them for one requester, so that nobody can use them up for all others.
const SHARE_A_SECOND: u32 = MOST_A_SECOND / 2;
/// The longest that a call waits for its answers.
const PATIENCE: Duration = Duration::from_secs(2);

type Ask = Arc<dyn Fn(Who, Right) -> BoxFuture<'static, Result<Said, String>> + Send + Sync>;
/// Of everything that an answer may depend on.
type Digest32 = [u8; 32];

/// Why a requester is not given an order. It reads on after `nothing is ordered:`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoAccess {
    /// They lack a right.
    #[error("{} lacks {}", ShownName(.who), Shown(.right))]
    Lacks {
        /// Who.
        who: String,
        /// What.
        right: Right,
    },
    /// Nobody knows.
    #[error("whether its requester may create companions could not be found out: {}", Escaped(.0))]
    Failed(String),
    /// It took too long to find out.
    #[error("whether its requester may create companions was not found out within {} ms", .0.as_millis())]
    Late(Duration),
    /// Too many want to know.
    #[error("too many requests for companions came in this second; try again")]
    TooMany,
    /// This requester alone wants to know too often.
    #[error("too many requests for companions came from {} in this second; try again", ShownName(.0))]
    ShareSpent(String),
}

struct Shown<'r>(&'r Right);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Right {
            verb,
            resource,
            name,
        } = self.0;
        match name {
            Some(name) => write!(
                formatter,
                "the verb \"{verb}\" on ClusterRole {}, in the whole cluster; holding its \
                 permissions is not enough",
                ShownName(name)
            ),
            None => write!(formatter, "\"{verb}\" on {resource}, in the whole cluster"),
        }
    }
}

/// Asks, remembers a yes for a moment, and never a no. Who asks the same while it is asked waits
/// for the same answer. Clones share all of it.
#[derive(Clone)]
pub struct Access {
    ask: Ask,
    metrics: Metrics,
    known: Arc<Mutex<Known>>,
}

#[derive(Debug)]
struct Known {
    yes: HashMap<Digest32, Instant>,
    second: Instant,
    asked: u32,
    /// For whom, by the digest of the name alone: all tokens and groups of a requester are one
    /// share. Everybody in it was asked about in this second, so it is never longer than `asked`.
    shares: HashMap<Digest32, u32>,
    in_flight: InFlight,
}

impl Access {
    /// Asks the API server.
    #[must_use]
    pub fn of_cluster(client: Client, metrics: Metrics) -> Self {
        let ask = move |who: Who, right: Right| {
            let client = client.clone();
            async move {
                review(&client, RBAC_GROUP, &who, &right)
                    .await
                    .map_err(|error| WithCauses(&error).to_string())
            }
            .boxed()
        };
        Self::asking(Arc::new(ask), metrics)
    }

    pub(crate) fn asking(ask: Ask, metrics: Metrics) -> Self {
        let known = Known {
            yes: HashMap::new(),
            second: Instant::now(),
            asked: 0,
            shares: HashMap::new(),
            in_flight: InFlight::default(),
        };
        Self {
            ask,
            metrics,
            known: Arc::new(Mutex::new(known)),
        }
    }

    /// Whether somebody may create every companion of the policy by hand. `within` is what there is
    /// of time, also for who waits for what another call has asked.
    ///
    /// # Errors
    ///
    /// If they may not, or if that cannot be found out.
    pub async fn may_create_companions(
        &self,
        policy: &Policy,
        who: Who,
        within: Duration,
    ) -> Result<(), NoAccess> {
        let rights = rights(policy);
        let key = key(&who, &rights);
        let Some(outcome) = self.enter(key, who, rights)? else {
            return Ok(());
        };
        let patience = within.min(PATIENCE);
        timeout(patience, outcome).await.unwrap_or_else(|_elapsed| {
            self.metrics.access_reviewed(AccessReview::Failed);
            Err(NoAccess::Late(patience))
        })
    }

    /// What is to be waited for: nothing, where the answer is known; what is being asked already; or
    /// a question of its own, if it may be asked now.
    fn enter(
        &self,
        key: Digest32,
        who: Who,
        rights: Vec<Right>,
    ) -> Result<Option<Outcome>, NoAccess> {
        let mut known = self.known();
        let is_known = known
            .yes
            .get(&key)
            .is_some_and(|since| since.elapsed() < LIFETIME);
        if is_known {
            return Ok(None);
        }
        if let Some(outcome) = known.in_flight.join(&key) {
            return Ok(Some(outcome));
        }
        if let Err(refused) = known.count(&who.username, rights.len()) {
            self.metrics.access_reviewed(AccessReview::Refused);
            return Err(refused);
        }
        let outcome = self.clone().find_out(key, who, rights).boxed().shared();
        known.in_flight.insert(key, &outcome);
        Ok(Some(outcome))
    }

    /// Asks for each right. However many wait for it, this is done once.
    async fn find_out(self, key: Digest32, who: Who, rights: Vec<Right>) -> Result<(), NoAccess> {
        let asked = rights
            .iter()
            .map(|right| (self.ask)(who.clone(), right.clone()));
        let answers = join_all(asked).await;
        let outcome =
            rights
                .into_iter()
                .zip(answers)
                .try_for_each(|(right, answer)| match answer {
                    Ok(Said::Yes) => Ok(()),
                    Ok(Said::No) => Err(NoAccess::Lacks {
                        who: who.username.clone(),
                        right,
                    }),
                    Ok(Said::Failed(reason)) | Err(reason) => Err(NoAccess::Failed(reason)),
                });
        self.metrics.access_reviewed(match &outcome {
            Ok(()) => AccessReview::Allowed,
            Err(NoAccess::Lacks { .. }) => AccessReview::Denied,
            Err(_) => AccessReview::Failed,
        });
        if outcome.is_ok() {
            self.remember(key);
        }
        outcome
    }

    fn remember(&self, key: Digest32) {
        let mut known = self.known();
        if known.yes.len() >= MOST_REMEMBERED {
            known.yes.retain(|_, since| since.elapsed() < LIFETIME);
        }
        if known.yes.len() < MOST_REMEMBERED {
            known.yes.insert(key, Instant::now());
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// Counts questions about somebody, if they may be asked in this second.
    fn count(&mut self, who: &str, questions: usize) -> Result<(), NoAccess> {
        if self.second.elapsed() >= Duration::from_secs(1) {
            self.second = Instant::now();
            self.asked = 0;
            self.shares.clear();
        }
        let questions = u32::try_from(questions).unwrap_or(u32::MAX);
        let asked = self.asked.saturating_add(questions);
        if asked > MOST_A_SECOND {
            return Err(NoAccess::TooMany);
        }
        let requester = Sha256::digest(who).into();
        let spent = self.shares.get(&requester).copied().unwrap_or_default();
        let share = spent.saturating_add(questions);
        if share > SHARE_A_SECOND {
            return Err(NoAccess::ShareSpent(who.to_owned()));
        }
        self.shares.insert(requester, share);
        self.asked = asked;
        Ok(())
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Access").finish_non_exhaustive()
    }
}

/// What the guard demands.
fn rights(policy: &Policy) -> Vec<Right> {
    let create = Right {
        verb: "create",
        resource: "clusterrolebindings",
        name: None,
    };
    let bind = policy.companions.iter().map(|companion| Right {
        verb: "bind",
        resource: "clusterroles",
        name: Some(companion.cluster_role.clone()),
    });
    std::iter::once(create).chain(bind).collect()
}

/// Everything that the answer may depend on.
fn key(who: &Who, rights: &[Right]) -> Digest32 {
    let mut digest = Sha256::new();
    let lists = std::iter::once(("", &who.groups))
        .chain(who.extra.iter().map(|(key, values)| (key.as_str(), values)));
    // Each with its length before it, so that no two of them run together to the same bytes.
    let mut put = |text: &str| {
        digest.update(text.len().to_be_bytes());
        digest.update(text);
    };
    put(&who.username);
    put(&who.uid);
    for (key, values) in lists {
        put(key);
        put(&values.len().to_string());
        for value in values {
            put(value);
        }
    }
    for right in rights {
        put(right.verb);
        put(right.name.as_deref().unwrap_or_default());
    }
    digest.finalize().into()
}

#[cfg(test)]
mod tests;
