//! The rule, told in tables. Each test's name is the sentence that it proves.

mod assess;
mod builders;
mod conclude;
mod coverage;
mod laws;
mod removal;
