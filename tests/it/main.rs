//! All cross-crate tests.

mod typeset;
