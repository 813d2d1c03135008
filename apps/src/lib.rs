//! The control apps that godwit hosts.
//!
//! | app | what it does |
//! |---|---|
//! | [`learning`] | the reference app: an Ethernet switch that learns; read it first |
//! | [`arp`] | answers ARP requests for hosts that are known |
//! | [`acl`] | an access list: what the network drops, whoever forwards |
//! | [`routing`] | proactive shortest-path routes, between all hosts and by request |
//! | [`entries`] | static entries, by REST |
//! | [`qos`] | queues at ports of Open vSwitch, meters |
//! | [`mirror`] | copies of what passes ports of Open vSwitch, for a monitor |
//! | [`drains`] | several switches emptied in order |
//! | [`statistics`] | what the switches count, as counters and as rates |
//! | [`migration`] | moves a running switch's work to another switch |

pub mod acl;
pub mod arp;
pub mod drains;
pub mod entries;
pub mod learning;
pub mod migration;
pub mod mirror;
mod others;
pub mod ovsdb;
pub mod plan;
pub mod qos;
pub mod routing;
pub mod statistics;
