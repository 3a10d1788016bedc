//! Object identifiers: sequences of whole numbers, in the order in which an agent walks them.

use std::{fmt, str::FromStr};

/// Longest identifier (RFC 3416, section 4.1: at most 128 sub-identifiers).
pub(super) const OID_PARTS_MAX: usize = 128;

/// An object identifier. Ordered as SNMP orders them: number by number, the shorter first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Oid(Vec<u32>);

impl Oid {
    /// An identifier of these numbers; what is over the limit is cut.
    pub fn new(parts: &[u32]) -> Oid {
        Oid(parts[..parts.len().min(OID_PARTS_MAX)].to_vec())
    }

    /// The numbers.
    pub fn parts(&self) -> &[u32] {
        &self.0
    }

    /// Whether it is `root` or below it.
    pub fn is_below(&self, root: &Oid) -> bool {
        self.0.starts_with(&root.0)
    }

    /// What follows `root`; none if it is not below it.
    pub fn after(&self, root: &Oid) -> Option<&[u32]> {
        self.0.strip_prefix(root.0.as_slice())
    }

    /// The identifier with more numbers behind it.
    pub fn with(&self, more: &[u32]) -> Oid {
        let mut parts = self.0.clone();
        parts.extend_from_slice(more);
        parts.truncate(OID_PARTS_MAX);
        Oid(parts)
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, part) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(".")?;
            }
            write!(f, "{part}")?;
        }
        Ok(())
    }
}

impl FromStr for Oid {
    type Err = String;

    fn from_str(text: &str) -> Result<Oid, String> {
        let wanted = || format!("want numbers with dots between them, found {text:?}");
        let text = text.trim();
        let bare = text.strip_prefix('.').unwrap_or(text);
        let parts: Result<Vec<u32>, _> = bare.split('.').map(str::parse).collect();
        match parts {
            Ok(parts) if parts.len() <= OID_PARTS_MAX => Ok(Oid(parts)),
            _ => Err(wanted()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_ordered_as_agents_walk_them() {
        let oid = |text: &str| text.parse::<Oid>().unwrap();
        assert!(oid("1.3.6.1.2") < oid("1.3.6.1.2.1") && oid("1.3.6.9") < oid("1.3.6.10"));
        assert!(oid(".1.3.6.1.2.1").is_below(&oid("1.3.6.1.2")));
        assert!(!oid("1.3.6.1.20").is_below(&oid("1.3.6.1.2")));
        assert!("1..2".parse::<Oid>().is_err() && "".parse::<Oid>().is_err());
    }
}
