//! Saved resources, one file each, made into a target that a walk finds them in.

use serde_json::{Value, json};
use xunjian_proto::Time;

use super::{NAME, json as ask};
use crate::{
    host::Given,
    saved::{File, SavedHost},
};

/// The host on which the source finds these files. A file without an address gets one; its type, or failing that its
/// content, says what it is.
pub(super) fn host(files: &[File], _: Time) -> Result<SavedHost, String> {
    let mut host = Given::default();
    let mut start = Vec::new();
    let mut has_root = false;
    for (index, file) in files.iter().enumerate() {
        let wanted = || format!("{}: want the JSON of a Redfish resource", file.name);
        let value: Value = serde_json::from_str(&file.content)
            .map_err(|error| format!("{}: {error}", wanted()))?;
        if !value.is_object() || (ask::kind(&value).is_none() && ask::path_of(&value).is_none()) {
            return Err(wanted());
        }
        let path = ask::path_of(&value).unwrap_or_else(|| format!("/redfish/v1/saved/{index}"));
        if !path.starts_with("/redfish") {
            return Err(format!("{}: its @odata.id is {path:?}", wanted()));
        }
        has_root |= path == "/redfish/v1";
        start.push(toml::Value::String(path.clone()));
        host.web(NAME, "saved", &path, &file.content);
    }
    if !has_root {
        let root =
            json!({ "@odata.id": "/redfish/v1/", "@odata.type": "#ServiceRoot.ServiceRoot" });
        host.web(NAME, "saved", "/redfish/v1", &root.to_string());
    }
    let mut options = toml::Table::new();
    options.insert("start".to_owned(), toml::Value::Array(start));
    host.web_options(NAME, "saved", options);
    Ok(SavedHost { host, at: None })
}
