//! Names of Lustre targets, devices and networks.
//!
//! Facts: Lustre Operations Manual (file system names have at most 8 characters, targets are `FSNAME-OST0a1f` with a
//! hexadecimal index), lctl(8). Target names are the same on every server and client and survive failover: they are the
//! identity.

use xunjian_proto::ComponentId;

/// A target of a file system.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Target {
    /// `lfs-OST0004`; `MGS`.
    pub(super) name: String,
    /// File system; none for the MGS and for names without one.
    pub(super) fs: Option<String>,
    /// What it is for.
    pub(super) role: Role,
}

/// What a target is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    /// Configuration.
    Mgt,
    /// The root of the name space.
    RootMdt,
    /// A further part of the name space.
    Mdt,
    /// Data.
    Ost,
}

impl Role {
    /// The word that readings use.
    pub(super) fn word(self) -> &'static str {
        match self {
            Role::Mgt => "mgt",
            Role::RootMdt => "mdt_root",
            Role::Mdt => "mdt",
            Role::Ost => "ost",
        }
    }
}

impl Target {
    /// The target that a name begins with: `lfs-OST0004`, `lfs-OST0004_UUID`, `lfs-OST0004-osc-ffff8801`,
    /// `filter-lfs-OST0004_UUID`, `OST0004`, `MGS`. None if there is none in it.
    pub(super) fn parse(text: &str) -> Option<Target> {
        let text = text.strip_prefix("filter-").or(text.strip_prefix("mdt-")).unwrap_or(text);
        if text == "MGS" || text == "MGT" || text.starts_with("MGS_") {
            return Some(Target { name: "MGS".to_owned(), fs: None, role: Role::Mgt });
        }
        let bare = text.starts_with("OST") || text.starts_with("MDT");
        let (fs, rest) = if bare { (None, text) } else { split(text)? };
        let digits: String = rest[3..].chars().take_while(char::is_ascii_hexdigit).collect();
        let after = rest[3 + digits.len()..].chars().next();
        let ends = after.is_none_or(|it| matches!(it, '-' | '_' | '.' | ':' | ' ' | ','));
        if digits.len() != 4 || !ends {
            return None;
        }
        let role = match (&rest[..3], digits.as_str()) {
            ("OST", _) => Role::Ost,
            ("MDT", "0000") => Role::RootMdt,
            _ => Role::Mdt,
        };
        let name = format!("{}{}", &rest[..3], digits.to_lowercase());
        let name = fs.map_or(name.clone(), |fs| format!("{fs}-{name}"));
        Some(Target { name, fs: fs.map(str::to_owned), role })
    }

    /// Its component.
    pub(super) fn id(&self) -> ComponentId {
        target_id(&self.name)
    }
}

/// The component of a target by its name.
pub(crate) fn target_id(name: &str) -> ComponentId {
    ComponentId::new("lustre_target", name)
}

/// The component of a target that a text names: `lfs-OST0004_UUID`, `lfs-OST0004-osc-ffff8801`.
pub(crate) fn target_in(text: &str) -> Option<ComponentId> {
    Target::parse(text).map(|it| it.id())
}

/// The component of a file system.
pub(super) fn fs_id(fs: &str) -> ComponentId {
    ComponentId::new("lustre_fs", fs)
}

/// `lfs-OST0004…` is (`lfs`, `OST0004…`). A file system's name has no dash (mkfs.lustre refuses it).
fn split(text: &str) -> Option<(Option<&str>, &str)> {
    let (fs, rest) = text.split_once('-')?;
    let valid = |it: char| it.is_ascii_alphanumeric() || it == '_';
    let good = !fs.is_empty() && fs.len() <= 32 && fs.chars().all(valid);
    let target = rest.starts_with("OST") || rest.starts_with("MDT");
    (good && target && rest.is_char_boundary(3)).then_some((Some(fs), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Option<String> {
        Target::parse(text).map(|it| it.name)
    }

    #[test]
    fn targets_are_found_in_every_form_of_a_name() {
        for text in [
            "lfs-OST000a",
            "lfs-OST000A_UUID",
            "lfs-OST000a-osc-ffff88105db50000",
            "filter-lfs-OST000a_UUID",
            "lfs-OST000a-osc-MDT0000",
        ] {
            assert_eq!(name(text).as_deref(), Some("lfs-OST000a"), "{text}");
        }
        assert_eq!(name("MGS").as_deref(), Some("MGS"));
        assert_eq!(name("OST0001").as_deref(), Some("OST0001"));
    }

    #[test]
    fn other_names_are_no_targets() {
        for text in
            ["", "OST", "lfs-OST00", "lfs-clilov-ffff8810", "lfs-OST00001", "盘-OST0000", "lfs-O盘"]
        {
            assert_eq!(name(text), None, "{text}");
        }
    }
}
