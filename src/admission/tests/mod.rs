//! The endpoints without a socket, and the words that people read.

mod calls;
mod messages;
