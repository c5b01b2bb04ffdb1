//! What the policy file as a whole promises.

mod arbitrary;
mod errors;
mod files;
mod round_trip;
mod schema;
