//! What the two programs have in common: holdings of any size, a review that asks about any of
//! their users, and the decision between them.

#![allow(
    clippy::expect_used,
    reason = "a figure that cannot be taken is best said at once"
)]

mod decision;
pub(crate) mod holdings;
mod random;
mod review;

pub(crate) use decision::decide;
pub(crate) use holdings::{COMPANIONS, of_entries};
pub(crate) use random::Random;
pub(crate) use review::ReviewOf;
