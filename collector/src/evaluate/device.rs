//! Which device each component belongs to that a host reads from elsewhere (storage array, switch, management controller):
//! the contract may list devices as machines of their own.

use xunjian_proto::{Relation, Run};

use super::view::HostView;

/// Attribute of a component: the name of the device that it is part of, or is.
pub(super) const DEVICE: &str = "xunjian.device";

impl HostView {
    /// Notes the device of each component of a run. Devices are described in the same run as their parts.
    pub(super) fn devices(&mut self, run: &Run) {
        let is_device = |kind: &str| kind == "device";
        if !run.components.iter().any(|it| is_device(it.id.kind())) {
            return;
        }
        for component in &run.components {
            let mut via = component.links.iter().filter(|it| it.relation == Relation::Via);
            let device = match is_device(component.id.kind()) {
                true => Some(&component.id),
                false => via.find(|it| is_device(it.to.kind())).map(|it| &it.to),
            };
            let Some(device) = device else { continue };
            let Some(name) = run.components.iter().find(|it| it.id == *device) else { continue };
            let name = name.name.clone();
            if let Some(part) = self.part_index(&component.id, run.at) {
                self.parts[part].attrs.insert(DEVICE.to_owned(), name);
            }
        }
    }
}
