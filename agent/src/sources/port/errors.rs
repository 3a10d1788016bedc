//! Kinds of errors of a port: from the kernel's statistics, and from the driver's own where those tell more.
//!
//! Facts: kernel document `sysfs-class-net-statistics`; `ethtool -S` of the drivers bnx2x, bnxt_en, e1000e, hns3, i40e,
//! ice, igb, ixgbe, mlx5_core, txgbe. The same thing may be counted under several names: the largest counts.

use std::collections::BTreeMap;

use xunjian_proto::ComponentId;

use crate::{
    devices::word,
    source::{Collect, Metric},
};

pub(super) const ERRORS: Metric = Metric::counter(
    "hw.network.port.errors",
    "{error}",
    "网口错误（分类）",
    "Errors by error.type: crc, symbol, fec, length, overrun (the host was too slow), carrier, timeout (nothing was sent), \
     link_down, module (the module's bus or heat).",
);
pub(super) const PAUSE: Metric = Metric::counter(
    "hw.network.port.pause",
    "{frame}",
    "流控暂停帧",
    "Pause frames by network.io.direction: received ones say that the switch is congested, sent ones that the host is.",
);

/// Files of `statistics`.
const KERNEL: &[(&str, &str)] = &[
    ("rx_crc_errors", "crc"),
    ("rx_fifo_errors", "overrun"),
    ("rx_frame_errors", "crc"),
    ("rx_length_errors", "length"),
    ("rx_missed_errors", "overrun"),
    ("rx_over_errors", "overrun"),
    ("tx_carrier_errors", "carrier"),
];

/// Names of drivers.
const DRIVER: &[(&str, &str)] = &[
    ("fec_uncorr_err", "fec"),
    ("fec_uncorrectable_errors", "fec"),
    ("link_down_events", "link_down"),
    ("link_down_events_phy", "link_down"),
    ("mac_rx_fcs_err_pkt_num", "crc"),
    ("mac_rx_symbol_err_pkt_num", "symbol"),
    ("module_bad_shorted", "module"),
    ("module_bus_stuck", "module"),
    ("module_high_temp", "module"),
    ("port.rx_crc_errors", "crc"),
    ("rx_crc_errors.nic", "crc"),
    ("rx_crc_errors_phy", "crc"),
    ("rx_discards", "overrun"),
    ("rx_discards_phy", "overrun"),
    ("rx_fcs_err_frames", "crc"),
    ("rx_fcs_errors", "crc"),
    ("rx_fec_uncorrectable_blocks", "fec"),
    ("rx_missed_errors", "overrun"),
    ("rx_no_buffer_count", "overrun"),
    ("rx_no_dma_resources", "overrun"),
    ("rx_out_of_buffer", "overrun"),
    ("rx_pcs_symbol_err_phy", "symbol"),
    ("rx_symbol_err_phy", "symbol"),
    ("rx_symbol_errors", "symbol"),
    ("tx_timeout_count", "timeout"),
];

/// Pause frames.
const PAUSES: &[(&str, &str)] = &[
    ("link_xoff_rx.nic", "receive"),
    ("link_xoff_tx.nic", "transmit"),
    ("port.link_xoff_rx", "receive"),
    ("port.link_xoff_tx", "transmit"),
    ("rx_flow_control_xoff", "receive"),
    ("rx_pause_ctrl_phy", "receive"),
    ("rx_pause_frames", "receive"),
    ("rx_global_pause", "receive"),
    ("tx_flow_control_xoff", "transmit"),
    ("tx_global_pause", "transmit"),
    ("tx_pause_ctrl_phy", "transmit"),
    ("tx_pause_frames", "transmit"),
];

/// Above this a counter is a sentinel.
const COUNT_MAX: f64 = 1e18;

/// Hands over what the kernel and the driver counted.
pub(super) fn emit(c: &mut Collect<'_>, id: &ComponentId, name: &str, driver: Option<&str>) {
    let mut errors: BTreeMap<&str, f64> = BTreeMap::new();
    let mut pauses: BTreeMap<&str, f64> = BTreeMap::new();
    let keep = |into: &mut BTreeMap<&str, f64>, kind: &'static str, value: &str| {
        if let Ok(value) = value.trim().parse::<f64>()
            && (0.0..COUNT_MAX).contains(&value)
        {
            let most = into.entry(kind).or_default();
            *most = most.max(value);
        }
    };
    for (file, kind) in KERNEL {
        if let Some(value) = word(c.host, &format!("sys/class/net/{name}/statistics/{file}")) {
            keep(&mut errors, kind, &value);
        }
    }
    for line in driver.unwrap_or_default().lines() {
        // Names of queues have brackets or numbers: `[0]: rx_ucast_packets`, `rx0_packets`.
        let Some((found, value)) = line.trim().split_once(": ") else { continue };
        if let Some((_, kind)) = DRIVER.iter().find(|it| it.0 == found) {
            keep(&mut errors, kind, value);
        }
        if let Some((_, direction)) = PAUSES.iter().find(|it| it.0 == found) {
            keep(&mut pauses, direction, value);
        }
    }
    for (kind, value) in errors {
        c.sample_with(&ERRORS, id, &[("error.type", kind)], value);
    }
    for (direction, value) in pauses {
        c.sample_with(&PAUSE, id, &[("network.io.direction", direction)], value);
    }
}
