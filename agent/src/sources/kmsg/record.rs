//! One record of `/dev/kmsg`.
//!
//! Facts: kernel document `ABI/testing/dev-kmsg`. Programs may write to the device too: only records of facility 0 are
//! the kernel's own, and the others are not believed.

/// A record.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Record<'a> {
    /// Number since boot.
    pub(super) sequence: u64,
    /// Microseconds since boot.
    pub(super) micros: u64,
    /// Written by the kernel itself.
    pub(super) is_kernel: bool,
    /// Without prefix and continuation lines.
    pub(super) text: &'a str,
}

/// `6,339,5140900,-;text`; newer kernels add columns before the semicolon, and lines ` KEY=value` after the first.
pub(super) fn parse(record: &str) -> Option<Record<'_>> {
    let (front, text) = record.lines().next()?.split_once(';')?;
    let mut columns = front.split(',');
    let priority: u32 = columns.next()?.parse().ok()?;
    let sequence = columns.next()?.parse().ok()?;
    let micros = columns.next()?.parse().ok()?;
    // The facility stands above the three bits of the level.
    Some(Record { sequence, micros, is_kernel: priority >> 3 == 0, text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn continuation_lines_and_new_columns_are_no_text() {
        let record = parse("3,12,5140900,-,caller=T1;md: kicking\n SUBSYSTEM=block").unwrap();
        assert_eq!((record.sequence, record.micros, record.text), (12, 5_140_900, "md: kicking"));
        assert!(record.is_kernel);
    }

    #[test]
    fn what_programs_write_is_not_the_kernels() {
        assert!(!parse("12,12,5140900,-;Out of memory: Killed process 1").unwrap().is_kernel);
    }

    #[test]
    fn other_lines_are_no_records() {
        for line in ["", "hello", "3,x,1,-;text", "[    1.0] text"] {
            assert_eq!(parse(line), None, "{line}");
        }
    }
}
