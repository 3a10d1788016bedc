//! `/proc/mdstat` as the kernel's `md_seq_show` prints it.
//!
//! Invariant: a line that is not understood is handed back, never dropped; what was understood stays.

/// One array as the file tells it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Array {
    /// `md127`.
    pub(super) name: String,
    /// `active`, `inactive`, `broken`.
    pub(super) state: String,
    /// `read-only` or `auto-read-only`, where said.
    pub(super) access: Option<String>,
    /// `raid5`; an inactive array does not say.
    pub(super) level: Option<String>,
    /// In the order of the line.
    pub(super) devices: Vec<Device>,
    /// `1.2`, `external:imsm`; none for version 0.90.
    pub(super) metadata: Option<String>,
    /// 1-KiB blocks.
    pub(super) blocks: Option<u64>,
    /// Members when whole: the first number of `[8/7]`.
    pub(super) width: Option<u32>,
    /// `UU_U`: place by place, who is in sync.
    pub(super) map: Option<String>,
    /// Copies of RAID10.
    pub(super) copies: Option<u32>,
    /// What goes on.
    pub(super) sync: Option<Sync>,
    /// Its UUID, which mdstat does not tell.
    pub(super) uuid: Option<String>,
    /// Places whose members are in sync, where a text tells it of each.
    pub(super) in_sync: Vec<u32>,
}

/// A device of an array's line: `sdb1[2](F)`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Device {
    /// `sdb1`.
    pub(super) name: String,
    /// Number in brackets: the place for metadata 0.90, the order of arrival for 1.x.
    pub(super) number: u32,
    /// Letters: F failed, S spare, R replacement, J journal, W write-mostly; `?` if the word was not understood.
    pub(super) flags: String,
}

/// A resync, recovery, check or reshape.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sync {
    /// The kernel's word.
    pub(super) action: String,
    /// `delayed`, `pending`, `remote`: it does not run now.
    pub(super) waits: Option<String>,
    /// 0 to 1.
    pub(super) done: Option<f64>,
    /// Bytes a second.
    pub(super) speed: Option<f64>,
}

/// The arrays, and the lines that were not understood.
pub(super) fn parse(text: &str) -> (Vec<Array>, Vec<String>) {
    let mut arrays: Vec<Array> = Vec::new();
    let mut strange = Vec::new();
    for line in text.lines() {
        let understood = if line.trim().is_empty() || is_frame(line) {
            true
        } else if !line.starts_with([' ', '\t']) {
            header(line, &mut arrays)
        } else {
            arrays.last_mut().is_some_and(|array| detail(line.trim(), array))
        };
        if !understood {
            strange.push(line.to_owned());
        }
    }
    (arrays, strange)
}

fn is_frame(line: &str) -> bool {
    line.starts_with("Personalities :") || line.starts_with("unused devices:")
}

/// `md6 : active (auto-read-only) raid1 sdb2[2](F) sda2[0]`.
fn header(line: &str, arrays: &mut Vec<Array>) -> bool {
    let Some((name, rest)) = line.split_once(" : ") else { return false };
    let mut array = Array { name: name.trim().to_owned(), ..Array::default() };
    let mut good = array.name.starts_with("md");
    for (place, word) in rest.split_whitespace().enumerate() {
        if place == 0 {
            good &= matches!(word, "active" | "inactive" | "broken");
            array.state = word.to_owned();
        } else if let Some(access) = word.strip_prefix('(').and_then(|it| it.strip_suffix(')')) {
            array.access = Some(access.to_owned());
        } else if word.contains('[') {
            // A device that is not understood is still there: it must not look like a gap.
            let unknown = || Device {
                name: word.split('[').next().unwrap_or(word).to_owned(),
                number: u32::MAX,
                flags: "?".to_owned(),
            };
            let device = device(word);
            good &= device.is_some();
            array.devices.push(device.unwrap_or_else(unknown));
        } else {
            array.level = Some(word.to_owned());
        }
    }
    if array.name.starts_with("md") && !array.state.is_empty() {
        arrays.push(array);
    }
    good
}

fn device(word: &str) -> Option<Device> {
    let (name, rest) = word.split_once('[')?;
    let (number, flags) = rest.split_once(']')?;
    let flags: String = flags.chars().filter(|it| !matches!(it, '(' | ')')).collect();
    if name.is_empty() || !flags.chars().all(|it| "FSRJW".contains(it)) {
        return None;
    }
    Some(Device { name: name.to_owned(), number: number.parse().ok()?, flags })
}

fn detail(line: &str, array: &mut Array) -> bool {
    if line.starts_with("bitmap:") {
        return true;
    }
    if let Some(sync) = sync(line) {
        array.sync = Some(sync);
        return true;
    }
    let words: Vec<&str> = line.split_whitespace().collect();
    let (Some(blocks), Some(&"blocks")) = (words.first(), words.get(1)) else { return false };
    let Ok(blocks) = blocks.parse() else { return false };
    array.blocks = Some(blocks);
    for pair in words.windows(2) {
        if pair[0] == "super" {
            array.metadata = Some(pair[1].to_owned());
        } else if pair[1].ends_with("-copies") {
            array.copies = pair[0].parse().ok();
        }
    }
    for word in words {
        let Some(inner) = word.strip_prefix('[').and_then(|it| it.strip_suffix(']')) else {
            continue;
        };
        if let Some((width, _)) = inner.split_once('/') {
            array.width = width.parse().ok();
        } else if inner.chars().all(|it| matches!(it, 'U' | '_')) {
            array.map = Some(inner.to_owned());
        }
    }
    true
}

/// `[=>...]  recovery =  8.5% (16775552/195310144) finish=17.0min speed=259783K/sec` or `resync=DELAYED`.
fn sync(line: &str) -> Option<Sync> {
    const ACTIONS: [&str; 5] = ["recovery", "resync", "check", "repair", "reshape"];
    let line = match line.strip_prefix('[') {
        Some(bar) => bar.split_once(']')?.1.trim(),
        None => line,
    };
    let (action, rest) = line.split_once('=')?;
    let (action, rest) = (action.trim(), rest.trim());
    if !ACTIONS.contains(&action) {
        return None;
    }
    let mut sync = Sync { action: action.to_owned(), waits: None, done: None, speed: None };
    if rest.starts_with(|it: char| it.is_ascii_uppercase()) {
        sync.waits = Some(rest.split_whitespace().next()?.to_lowercase());
        return Some(sync);
    }
    sync.done = rest.split('%').next()?.trim().parse::<f64>().ok().map(|it| it / 100.0);
    let speed = rest.split_whitespace().find_map(|it| it.strip_prefix("speed="));
    let kib = speed.and_then(|it| it.strip_suffix("K/sec")).and_then(|it| it.parse::<f64>().ok());
    sync.speed = kib.map(|it| it * 1024.0);
    Some(sync)
}
