//! The ports as clients see them: the routers without sockets, the rest over loopback.

mod admin;
mod bodies;
mod calls;
mod client;
mod client_auth;
mod ending;
mod running;
mod slow;
mod tls;
mod webhook;
