//! The control apps that godwit hosts.
//!
//! | app | what it does |
//! |---|---|
//! | [`learning`] | the reference app: an Ethernet switch that learns; read it first |
//! | [`routing`] | proactive shortest-path routes, between all hosts and by request |
//! | [`migration`] | moves a running switch's work to another switch |

pub mod learning;
pub mod migration;
mod others;
pub mod plan;
pub mod routing;
