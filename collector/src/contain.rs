//! A panic in judging one host's data must not end the judging of the others.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tracing::error;

/// Runs `work`; a panic in it is logged and gives nothing. What `work` was changing may be half changed: throw it away.
pub fn contained<T>(what: &str, of: &str, work: impl FnOnce() -> T) -> Option<T> {
    let done = catch_unwind(AssertUnwindSafe(work));
    if done.is_err() {
        error!(agent = of, what, "a panic was contained; please report it with the log");
    }
    done.ok()
}

#[cfg(test)]
mod tests {
    use super::contained;

    #[test]
    fn a_panic_gives_nothing_and_goes_no_further() {
        assert_eq!(contained("test", "a", || 1), Some(1));
        assert_eq!(contained("test", "a", || -> u32 { panic!("boom") }), None);
    }
}
