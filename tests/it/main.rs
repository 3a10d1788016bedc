//! One binary for all cross-crate tests.

#![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

mod config;
mod fixtures;
mod mangled;
mod registry;
mod typeset;
