//! The agent: reads one host's health and hands it to the collector.
//!
//! Data flows in one direction, top to bottom of this list: host ▸ source ▸ runner ▸ spool ▸ upload.

pub mod clock;

pub mod hardware;

pub mod host;

pub mod aside;

pub mod source;

pub mod targets;

pub mod saved;

pub mod devices;

pub mod drives;

pub mod volumes;

mod mounts;

mod typed;

pub mod sources;

pub mod names;

pub mod spoken;

pub mod config;

pub mod runner;

pub mod inspect;

pub mod load;

pub mod schedule;

pub mod cursors;

pub mod own;

pub mod service;

pub mod spool;

pub mod identity;

pub mod upload;

pub mod bundle;

pub mod cli;

pub use inspect::{Progress, inspect};
