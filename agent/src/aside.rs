//! Work of one run on several threads at once, for sources that wait for several devices over the network.
//!
//! Invariant: a panic of one piece of work is its own result; the run's cost has all threads' processor time in it.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use crate::{clock, host::Host};

/// Stack of each thread: as that of a source.
const STACK_BYTES: usize = 1024 * 1024;

/// Does the work on all items, `at_once` at a time, and gives the results in the order of the items; the text of its
/// panic for one that panicked.
pub fn each<T: Sync, R: Send>(
    host: &dyn Host,
    at_once: usize,
    items: &[T],
    work: impl Fn(&T) -> R + Sync,
) -> Vec<Result<R, String>> {
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<Option<Result<R, String>>>> =
        Mutex::new(items.iter().map(|_| None).collect());
    let turn = || {
        let cpu = clock::thread_cpu();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else { break };
            let result = catch_unwind(AssertUnwindSafe(|| work(item))).map_err(|panic| {
                let text = panic.downcast_ref::<&str>().map(|it| (*it).to_owned());
                let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
                format!("the reading panicked: {}", text.unwrap_or_default())
            });
            if let Some(place) = done.lock().unwrap_or_else(PoisonError::into_inner).get_mut(index)
            {
                *place = Some(result);
            }
        }
        clock::thread_cpu().saturating_sub(cpu)
    };
    thread::scope(|scope| {
        // This thread waits for the others, or does all of it where none can be started.
        let threads: Vec<_> = (1..at_once.min(items.len()))
            .filter_map(|_| {
                let thread =
                    thread::Builder::new().name("target".to_owned()).stack_size(STACK_BYTES);
                thread.spawn_scoped(scope, turn).ok()
            })
            .collect();
        turn();
        for cpu in threads.into_iter().filter_map(|it| it.join().ok()) {
            host.charge(cpu);
        }
    });
    let done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.into_iter().map(|it| it.unwrap_or_else(|| Err("it was not begun".to_owned()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Given;

    #[test]
    fn results_keep_their_order_and_a_panic_is_one_result() {
        let items: Vec<u32> = (0..20).collect();
        let done = each(&Given::default(), 4, &items, |it| {
            assert!(*it != 7, "seven");
            it * 2
        });
        assert_eq!(done.len(), 20);
        assert!(done[7].as_ref().unwrap_err().contains("seven"));
        assert!(done.iter().enumerate().all(|(at, it)| at == 7 || *it == Ok(at as u32 * 2)));
    }
}
