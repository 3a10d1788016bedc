//! Unknown keys of TOML files and the nearest known ones.

use xunjian_proto::nearest;

/// Adds a sentence for each key of `table` that `known` does not have, by section.
pub fn unknown_keys(
    table: &toml::Table,
    known: &toml::Table,
    section: &str,
    mistakes: &mut Vec<String>,
) {
    for (key, value) in table {
        let path = if section.is_empty() { key.clone() } else { format!("{section}.{key}") };
        match (known.get(key), value) {
            (Some(toml::Value::Table(inner_known)), toml::Value::Table(inner)) => {
                unknown_keys(inner, inner_known, &path, mistakes);
            }
            (Some(_), _) => {}
            (None, _) => {
                let near = nearest(key, known.keys().map(String::as_str));
                let hint = near.map_or_else(
                    || {
                        format!(
                            "known are {}",
                            known.keys().cloned().collect::<Vec<_>>().join(", ")
                        )
                    },
                    |near| format!("did you mean `{near}`?"),
                );
                mistakes.push(format!("unknown key `{path}`: {hint}"));
            }
        }
    }
}
