//! `zpool status` as people read it.
//!
//! Facts: OpenZFS `cmd/zpool/zpool_main.c` (`status_callback`, `print_status_config`). Depth is told by indentation, two
//! blanks a level below the column heads; titles of sections (`logs`, `cache`, `spares`, `special`, `dedup`) stand where
//! the pool's name stands.

use super::{
    pool::{Class, Counts, Pool, Vdev},
    scan,
};

/// The pools, in the order of the text. Text that is none of a pool is left alone.
pub(super) fn parse(text: &str) -> Vec<Pool> {
    let mut pools: Vec<Pool> = Vec::new();
    let mut part = Part::default();
    for line in text.lines() {
        if let Some(name) = value(line, "pool") {
            if let Some(pool) = pools.last_mut() {
                part.close(pool);
            }
            part = Part::default();
            pools.push(Pool { name: name.to_owned(), ..Pool::default() });
            continue;
        }
        if let Some(pool) = pools.last_mut() {
            part.line(line, pool);
        }
    }
    if let Some(pool) = pools.last_mut() {
        part.close(pool);
    }
    pools
}

/// ` state: ONLINE` gives `ONLINE`.
fn value<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    let rest = line.trim_start_matches(' ').strip_prefix(key)?;
    Some(rest.strip_prefix(':')?.trim())
}

/// The entry that lines belong to, and the device tree as far as it was read.
#[derive(Debug, Default)]
struct Part {
    key: String,
    text: String,
    columns: Option<Columns>,
    class: Class,
    /// Devices by depth, the open branch.
    open: Vec<(usize, Vdev)>,
}

/// Where the tree begins and which columns it has.
#[derive(Debug, Clone, Copy)]
struct Columns {
    indent: usize,
    slow: bool,
}

impl Part {
    fn line(&mut self, line: &str, pool: &mut Pool) {
        const KEYS: [&str; 12] = [
            "state",
            "status",
            "action",
            "see",
            "scan",
            "scrub",
            "remove",
            "checkpoint",
            "expand",
            "config",
            "errors",
            "dedup",
        ];
        if let Some(key) =
            KEYS.iter().find(|it| value(line, it).is_some() && !line.starts_with('\t'))
        {
            self.close_entry(pool);
            (*key).clone_into(&mut self.key);
            value(line, key).unwrap_or_default().clone_into(&mut self.text);
            return;
        }
        if self.key == "config" {
            self.device(line, pool);
        } else if self.key == "errors" && line.starts_with(['/', '\t', ' ']) {
            // The list of files with permanent errors: counted, never kept, for names are private.
            self.text.push('\n');
            self.text.push_str(line);
        } else if line.starts_with(['\t', ' ']) {
            self.text.push('\n');
            self.text.push_str(line.trim());
        } else if !line.trim().is_empty() && !line.starts_with(['#', '$']) {
            pool.strange.push(line.to_owned());
        }
    }

    fn close_entry(&mut self, pool: &mut Pool) {
        let text = std::mem::take(&mut self.text);
        match std::mem::take(&mut self.key).as_str() {
            "state" => pool.state = text.trim().to_uppercase(),
            "status" => pool.status = Some(text.split_whitespace().collect::<Vec<_>>().join(" ")),
            "see" => pool.message = text.trim().rsplit('/').next().map(str::to_owned),
            "scan" | "scrub" => match scan::parse(&text) {
                Some(scan) => pool.scans.push(scan),
                None => pool.strange.push(format!("scan: {text}")),
            },
            "errors" => pool.errors = errors(&text),
            _ => {}
        }
    }

    fn close(&mut self, pool: &mut Pool) {
        self.close_entry(pool);
        self.fold(0, pool);
    }

    fn device(&mut self, line: &str, pool: &mut Pool) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let Some(first) = words.first() else { return };
        let indent = indent(line);
        if words.starts_with(&["NAME", "STATE"]) {
            self.columns = Some(Columns { indent, slow: words.contains(&"SLOW") });
            return;
        }
        let Some(columns) = self.columns else { return pool.strange.push(line.to_owned()) };
        let depth = indent.saturating_sub(columns.indent) / 2;
        if depth == 0 {
            self.fold(0, pool);
            match Class::of(first) {
                Some(class) => self.class = class,
                None if *first == pool.name => self.class = Class::Data,
                None => pool.strange.push(line.to_owned()),
            }
            return;
        }
        self.fold(depth, pool);
        match vdev(&words, self.class, columns.slow) {
            Some(vdev) => self.open.push((depth, vdev)),
            None => pool.strange.push(line.to_owned()),
        }
    }

    /// Closes devices that are as deep as this or deeper: each goes into the one above it, the topmost into the pool.
    fn fold(&mut self, depth: usize, pool: &mut Pool) {
        while let Some((_, vdev)) = self.open.pop_if(|(it, _)| *it >= depth) {
            match self.open.last_mut() {
                Some((_, above)) => above.children.push(vdev),
                None => pool.tops.push(vdev),
            }
        }
    }
}

/// `sda1  ONLINE  0  0  0  block size: 512B configured`; spares have no counts.
fn vdev(words: &[&str], class: Class, slow: bool) -> Option<Vdev> {
    let (name, rest) = words.split_first()?;
    // A file may have blanks in its name: its state is the first word in capitals.
    let at = rest.iter().position(|it| is_state(it))?;
    let name = [&[*name], &rest[..at]].concat().join(" ");
    let state = rest[at];
    let rest = &rest[at + 1..];
    let count = |place: usize| rest.get(place).copied().and_then(scan::number);
    let counted = count(0).is_some() && count(1).is_some() && count(2).is_some();
    let mut taken = 0;
    let mut counts = Counts::default();
    if counted {
        counts = Counts { read: count(0), write: count(1), checksum: count(2), slow: None };
        taken = 3;
        if slow && rest.get(3).is_some_and(|it| *it == "-" || scan::number(it).is_some()) {
            counts.slow = count(3);
            taken = 4;
        }
    }
    let note = rest[taken..].join(" ");
    let resilvering =
        ["(resilvering)", "(awaiting resilver)", "(rebuilding)"].iter().any(|it| note.contains(it));
    Some(Vdev {
        name,
        class,
        state: state.to_owned(),
        counts,
        note,
        resilvering,
        children: Vec::new(),
    })
}

fn is_state(word: &str) -> bool {
    word.len() >= 4 && word.chars().all(|it| it.is_ascii_uppercase() || it == '?')
}

fn indent(line: &str) -> usize {
    let blanks = line.chars().take_while(|it| it.is_whitespace());
    blanks.map(|it| if it == '\t' { 8 } else { 1 }).sum()
}

/// `No known data errors`, `3 data errors, use '-v' for a list`, or the list itself.
fn errors(text: &str) -> Option<f64> {
    if text.starts_with("No known data errors") {
        return Some(0.0);
    }
    if text.contains("data errors") {
        return text.split_whitespace().find_map(scan::number);
    }
    let listed = text.lines().skip(1).filter(|it| !it.trim().is_empty()).count();
    text.starts_with("Permanent errors").then(|| u32::try_from(listed).map_or(f64::MAX, f64::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_and_sections_make_the_tree() {
        let text = "  pool: t\n state: DEGRADED\nconfig:\n\n\tNAME        STATE     READ WRITE CKSUM  SLOW\n\
                    \tt           DEGRADED     0     0     0     -\n\t  raidz1-0  DEGRADED     0     0     0     -\n\
                    \t    sda     ONLINE       0     0   1.5K     2\n\t    spare-1 DEGRADED     0     0     0     -\n\
                    \t      8230  UNAVAIL      0     0     0     0  was /dev/sdb1\n\
                    \t      sdc   ONLINE       0     0     0     0  (resilvering)\n\
                    \tspares\n\t  sdc       INUSE     currently in use\n\nerrors: No known data errors\n";
        let pools = parse(text);
        let [pool] = &pools[..] else { panic!("{pools:?}") };
        assert_eq!(pool.strange, Vec::<String>::new());
        let [group, spare] = &pool.tops[..] else { panic!("{:?}", pool.tops) };
        assert_eq!((group.children.len(), spare.class), (2, Class::Spare));
        assert_eq!(group.children[0].counts.checksum, Some(1536.0));
        assert_eq!(group.children[0].counts.slow, Some(2.0));
        assert!(group.children[1].children[1].resilvering);
        assert_eq!(group.children[1].children[0].note, "was /dev/sdb1");
        assert_eq!(pool.errors, Some(0.0));
    }
}
