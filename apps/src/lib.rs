//! The control apps that godwit hosts.
//!
//! | app | what it does |
//! |---|---|
//! | [`learning`] | the reference app: an Ethernet switch that learns; read it first |
//! | [`routing`] | proactive shortest-path routes, between all hosts and by request |
//! | [`entries`] | static entries, by REST |
//! | [`drains`] | several switches emptied in order |
//! | [`statistics`] | what the switches count, as counters and as rates |
//! | [`migration`] | moves a running switch's work to another switch |

pub mod drains;
pub mod entries;
pub mod learning;
pub mod migration;
mod others;
pub mod plan;
pub mod routing;
pub mod statistics;
