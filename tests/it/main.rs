//! One binary for all cross-crate tests.

#![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]
#![allow(clippy::too_many_lines, reason = "a table of cases is as long as it is")]

mod agent_cli;
mod agreed;
mod backtest;
mod backwards;
mod browser;
mod cases;
mod classify_kit;
mod config;
mod contract;
mod corpus;
mod decision;
mod faults;
mod fixtures;
mod folding;
mod host_sets;
mod judge;
mod kill;
mod levels;
mod mangled;
mod notify;
mod overrides;
mod partners;
mod peers;
mod pipeline;
mod readers;
mod recorder;
mod redfish;
mod registry;
mod reload;
mod replay;
mod report;
mod rule_files;
mod rules;
mod runner;
mod score;
mod service;
mod shared_losses;
mod sites;
mod snmp;
mod spoken;
mod spool;
mod store;
mod store_blocks;
mod store_damage;
mod store_kit;
mod stream;
mod support;
mod texts;
mod tickets;
mod typeset;
mod web;
mod why;
mod wire;
