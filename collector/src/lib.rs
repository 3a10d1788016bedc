//! The collector: takes in what the agents read, judges it, opens tickets and drafts the report.
//!
//! Data flows in one direction, top to bottom of this list; `pipeline` is the only module that knows all stages.

pub mod clock;

pub mod suggest;

pub mod contain;

pub mod config;

pub mod contract;

pub mod store;

pub mod identity;

pub mod ingest;

pub mod evaluate;

pub mod rulebook;

pub mod reload;

pub mod classify;

pub mod round;

pub mod ticket;

pub mod notify;

pub mod backtest;

pub mod warm;

pub mod evidence;

pub mod pipeline;

pub mod replay;

pub mod report;

pub mod web;

pub mod cli;
