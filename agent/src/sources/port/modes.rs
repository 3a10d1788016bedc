//! `ethtool PORT`: link modes of both ends, speed, negotiation.
//!
//! Facts: `ethtool(8)`. Lists of modes go on in the next lines, which begin with white space and have no colon; `Not
//! reported` is no mode.

/// What ethtool says of a port.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Settings {
    /// Mbit/s of the modes that the port supports.
    pub(super) supported: Vec<u32>,
    /// Mbit/s of the modes that it offers.
    pub(super) advertised: Vec<u32>,
    /// Mbit/s of the modes that its partner offers.
    pub(super) partner: Vec<u32>,
    /// Mbit/s now.
    pub(super) speed: Option<u32>,
    /// Whether it negotiates.
    pub(super) negotiates: Option<bool>,
    /// `FIBRE`, `Twisted Pair`, `Direct Attach Copper`.
    pub(super) port: Option<String>,
}

impl Settings {
    /// The highest speed that both ends offer; none if the partner does not tell.
    pub(super) fn common(&self) -> Option<u32> {
        let both = self.advertised.iter().filter(|it| self.partner.contains(it));
        both.copied().max()
    }
}

/// Reads what is known; lines of newer versions are passed over.
pub(super) fn parse(text: &str) -> Settings {
    let mut settings = Settings::default();
    let mut list: Option<fn(&mut Settings) -> &mut Vec<u32>> = None;
    for line in text.lines() {
        let (name, value) = match line.split_once(':') {
            Some((name, value)) => (name.trim(), value.trim()),
            None => ("", line.trim()),
        };
        list = match name {
            "" => list,
            "Supported link modes" => Some(|it| &mut it.supported),
            "Advertised link modes" => Some(|it| &mut it.advertised),
            "Link partner advertised link modes" => Some(|it| &mut it.partner),
            _ => None,
        };
        if let Some(list) = list {
            list(&mut settings).extend(value.split_whitespace().filter_map(megabits));
            continue;
        }
        match name {
            "Speed" => settings.speed = value.strip_suffix("Mb/s").and_then(|it| it.parse().ok()),
            "Auto-negotiation" => settings.negotiates = Some(value.starts_with("on")),
            "Port" if value != "None" && value != "Other" => settings.port = Some(value.to_owned()),
            _ => {}
        }
    }
    // 2^32 - 1 is how drivers say that they do not know.
    settings.speed = settings.speed.filter(|it| (1..10_000_000).contains(it));
    settings
}

/// `25000baseCR/Full`; half duplex is nothing to aim at.
fn megabits(mode: &str) -> Option<u32> {
    let (number, rest) = mode.split_once("base")?;
    if rest.ends_with("/Half") {
        return None;
    }
    number.parse().ok().filter(|it| (1..10_000_000).contains(it))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_modes_go_on_in_the_next_lines() {
        let text = "Settings for eth0:\n\tSupported link modes:   1000baseT/Full\n\t                        10000baseT/Full\n\
                    \tSupported pause frame use: Symmetric\n\tAdvertised link modes:  1000baseT/Full\n\
                    \t                        10000baseT/Full\n\tLink partner advertised link modes:  100baseT/Half 1000baseT/Full\n\
                    \tSpeed: 1000Mb/s\n\tAuto-negotiation: on\n";
        let settings = parse(text);
        assert_eq!((settings.common(), settings.speed), (Some(1000), Some(1000)));
        assert_eq!(settings.supported, [1000, 10_000]);
        assert_eq!(parse("\tLink partner advertised link modes:  Not reported\n").common(), None);
    }
}
