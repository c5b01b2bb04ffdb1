//! The endpoints without a socket, and the words that people read.

mod bench;
mod calls;
mod crowds;
mod messages;
mod orders;
mod recording;
mod removals;
mod settling;
