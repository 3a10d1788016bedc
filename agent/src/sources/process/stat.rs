//! One line of `/proc/PID/stat`.

/// What the line says, as far as it is wanted.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stat {
    /// Its number.
    pub(super) number: u32,
    /// Its name, at most 15 bytes of it.
    pub(super) name: String,
    /// The state's letter.
    pub(super) state: char,
    /// Threads.
    pub(super) threads: u32,
    /// Ticks after the boot at which it was started.
    pub(super) start: u64,
    is_kernel: bool,
}

/// `PF_KTHREAD` of the kernel's include/linux/sched.h.
const KERNEL_THREAD: u64 = 0x0020_0000;

/// `1234 (name (with) brackets) S 1 …`: the name ends at the last bracket.
pub(super) fn parse(text: &str) -> Option<Stat> {
    let (front, back) = text.rsplit_once(')')?;
    let (number, name) = front.split_once('(')?;
    let columns: Vec<&str> = back.split_whitespace().collect();
    let at = |index: usize| columns.get(index)?.parse::<u64>().ok();
    Some(Stat {
        number: number.trim().parse().ok()?,
        name: name.to_owned(),
        state: columns.first()?.chars().next()?,
        is_kernel: at(6)? & KERNEL_THREAD != 0,
        threads: u32::try_from(at(17)?).ok()?,
        start: at(19)?,
    })
}

impl Stat {
    /// OpenTelemetry's word for the state.
    pub(super) fn status(&self) -> &'static str {
        match self.state {
            'R' => "running",
            'S' | 'I' => "sleeping",
            'D' => "uninterruptible",
            'T' | 't' => "stopped",
            'Z' | 'X' | 'x' => "zombie",
            _ => "other",
        }
    }

    /// Whether it waits for a disk or a server and cannot be killed.
    pub(super) fn waits(&self) -> bool {
        self.state == 'D' && !self.is_kernel
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_brackets_and_spaces() {
        let text = "77 (a) b (c)) D 1 77 77 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 3 0 999 1 2";
        let stat = parse(text).unwrap();
        assert_eq!(
            (stat.name.as_str(), stat.state, stat.threads, stat.start),
            ("a) b (c)", 'D', 3, 999)
        );
        assert!(stat.waits());
        assert_eq!(parse("77 (a"), None);
    }
}
