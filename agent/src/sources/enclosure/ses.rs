//! What `sg_ses` prints of an enclosure's elements: power supplies, fans, sensors, controllers, slots.
//!
//! Facts: SES-3, and `sg_ses.c` of sg3_utils 1.33 to 1.48. Both forms are read: `--join`, which names the elements, and
//! the plain status page.

use std::collections::BTreeMap;

/// One element.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Element {
    /// `power supply`, lower case.
    pub(super) kind: String,
    /// Which one of its kind, from 0 on.
    pub(super) index: u32,
    /// As the enclosure calls it; empty if it has no name.
    pub(super) name: String,
    /// `ok`, `noncritical`, `critical`, `unrecoverable`, `not installed`, `unknown`, `not available`, `unsupported`.
    pub(super) status: String,
    /// `fail` and the like with their values, lower case.
    pub(super) values: BTreeMap<String, String>,
    /// Slot number of a drive's place.
    pub(super) slot: Option<u32>,
    /// Address of the drive in it, without `0x`.
    pub(super) address: Option<String>,
}

/// What the text says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Status {
    /// The enclosure's own identity, hex digits.
    pub(super) id: Option<String>,
    /// `EXAMPLE JBOD-6T 0107`.
    pub(super) model: Option<String>,
    pub(super) elements: Vec<Element>,
}

/// Reads either form.
pub(super) fn parse(text: &str) -> Status {
    let mut status = Status::default();
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    let mut kind = String::new();
    let mut now: Option<Element> = None;
    for line in text.lines() {
        let trimmed = line.trim();
        if let Some(id) = after(trimmed, "logical identifier (hex):") {
            status.id.get_or_insert_with(|| id.replace(' ', ""));
        } else if let Some((head, found)) = trimmed.split_once("Element type:") {
            status.elements.extend(now.take());
            kind = found.split(',').next().unwrap_or_default().trim().to_lowercase();
            now = joined(head, &kind, &mut counts);
        } else if trimmed.starts_with("Overall descriptor") {
            status.elements.extend(now.take());
        } else if trimmed.starts_with("Element ") && trimmed.contains(" descriptor") {
            status.elements.extend(now.take());
            now = Some(element(&kind, "", &mut counts));
        } else if let Some(element) = &mut now {
            detail(trimmed, element);
        } else if status.model.is_none() && line.starts_with("  ") && !trimmed.contains([':', '='])
        {
            let words: Vec<&str> = trimmed.split_whitespace().collect();
            status.model = Some(words.join(" ")).filter(|it| !it.is_empty());
        }
    }
    status.elements.extend(now);
    status
}

fn after<'a>(line: &'a str, part: &str) -> Option<&'a str> {
    line.split_once(part).map(|it| it.1.trim())
}

/// `PSU B [1,1]  Element type: Power supply`; `[1,-1]` is the sum of all.
fn joined(head: &str, kind: &str, counts: &mut BTreeMap<String, u32>) -> Option<Element> {
    let (name, place) = head.rsplit_once('[')?;
    let (_, index) = place.split_once(']')?.0.split_once(',')?;
    if index.trim().starts_with('-') {
        return None;
    }
    Some(element(kind, name.trim(), counts))
}

/// An element; several groups of one kind are counted through.
fn element(kind: &str, name: &str, counts: &mut BTreeMap<String, u32>) -> Element {
    let next = counts.entry(kind.to_owned()).or_default();
    let index = *next;
    *next += 1;
    // Some enclosures fill unused names.
    let name = name.trim_matches(|it: char| it.is_whitespace() || it == '\0');
    Element { kind: kind.to_owned(), index, name: name.to_owned(), ..Element::default() }
}

fn detail(line: &str, element: &mut Element) {
    if let Some(status) = after(line, "status:").filter(|_| line.contains("Predicted failure")) {
        element.status = plain(status);
    }
    if let Some(slot) = after(line, "device slot number:") {
        element.slot = slot.split(',').next().and_then(|it| it.trim().parse().ok());
    }
    if let Some(address) = line.strip_prefix("SAS address: 0x") {
        let address = address.trim().to_lowercase();
        if !address.bytes().all(|it| it == b'0') {
            element.address.get_or_insert(address);
        }
    }
    for pair in line.split(',') {
        if let Some((key, value)) = pair.split_once('=') {
            element
                .values
                .entry(key.trim().to_lowercase())
                .or_insert_with(|| value.trim().to_owned());
        }
    }
}

/// sysfs writes `non-critical`, sg_ses `Noncritical`.
pub(super) fn plain(status: &str) -> String {
    let status = status.trim().to_lowercase();
    match status.as_str() {
        "non-critical" => "noncritical".to_owned(),
        "unavailable" => "not available".to_owned(),
        _ => status,
    }
}

/// A status as sysfs writes it, in our words; none if it is none of them.
pub(super) fn known(status: &str) -> Option<String> {
    const ALL: [&str; 8] = [
        "critical",
        "noncritical",
        "not available",
        "not installed",
        "ok",
        "unknown",
        "unrecoverable",
        "unsupported",
    ];
    Some(plain(status)).filter(|it| ALL.contains(&it.as_str()))
}

impl Element {
    /// Whether a flag is set.
    pub(super) fn flag(&self, name: &str) -> bool {
        self.values.get(name).is_some_and(|it| it == "1")
    }

    /// The number at the beginning of a value: `4850 rpm`, `24 C`, `12.05 volts`.
    pub(super) fn number(&self, name: &str) -> Option<f64> {
        self.values.get(name)?.split_whitespace().next()?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plain_page_gives_the_elements_without_names() {
        let status = parse(
            "  EXAMPLE   JBOD-6T           0107\n\
             Enclosure Status diagnostic page:\n\
             \x20 INVOP=0, INFO=0, NON-CRIT=0, CRIT=1, UNRECOV=0\n\
             \x20 status descriptor list\n\
             \x20   Element type: Power supply, subenclosure id: 0 [ti=1]\n\
             \x20     Overall descriptor:\n\
             \x20       Predicted failure=0, Disabled=0, Swap=0, status: Unsupported\n\
             \x20     Element 0 descriptor:\n\
             \x20       Predicted failure=0, Disabled=0, Swap=0, status: OK\n\
             \x20     Element 1 descriptor:\n\
             \x20       Predicted failure=0, Disabled=0, Swap=0, status: Critical\n\
             \x20       DC overcurrent=0, Hot swap=0, Fail=1, Requested on=1, Off=0\n",
        );
        assert_eq!(status.model.as_deref(), Some("EXAMPLE JBOD-6T 0107"));
        assert_eq!(status.elements.len(), 2);
        assert_eq!((status.elements[1].index, status.elements[1].status.as_str()), (1, "critical"));
        assert!(status.elements[1].flag("fail"));
    }
}
