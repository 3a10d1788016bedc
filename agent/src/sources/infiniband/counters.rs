//! What the ports count: traffic, errors of the link, errors of RDMA.
//!
//! Facts: InfiniBand architecture specification volume 1, PortCounters (widths of the counters); kernel document
//! `sysfs-class-infiniband` (counters, hw_counters).

use xunjian_proto::{ComponentId, Reason};

use crate::{
    devices::word,
    source::{Collect, Metric},
};

pub(super) const IO: Metric = Metric::counter(
    "hw.infiniband.port.io",
    "By",
    "IB 端口流量",
    "Data of the link by network.io.direction.",
);
pub(super) const PACKETS: Metric = Metric::counter(
    "hw.infiniband.port.packets",
    "{packet}",
    "IB 端口报文数",
    "Packets of the link by network.io.direction.",
);
pub(super) const ERRORS: Metric = Metric::counter(
    "hw.infiniband.port.errors",
    "{error}",
    "IB 端口错误",
    "Errors of the link by error.type: symbol, link_recovery, link_downed, receive, remote_physical, switch_relay, \
     transmit_discard, local_link_integrity, buffer_overrun, vl15_dropped, transmit_constraint, receive_constraint.",
);
pub(super) const WAIT: Metric = Metric::counter(
    "hw.infiniband.port.transmit_wait",
    "{tick}",
    "IB 端口发送等待",
    "Ticks in which the port had data and could not send, because the fabric was congested.",
);
pub(super) const RDMA_ERRORS: Metric = Metric::counter(
    "hw.infiniband.rdma.errors",
    "{error}",
    "RDMA 错误",
    "Errors and repetitions of RDMA operations by error.type, in the words of the adapter.",
);

/// Kernel's name, ours, and the value at which the counter stays.
const LINK: &[(&str, &str, u32)] = &[
    ("VL15_dropped", "vl15_dropped", 0xffff),
    ("excessive_buffer_overrun_errors", "buffer_overrun", 0xf),
    ("link_downed", "link_downed", 0xff),
    ("link_error_recovery", "link_recovery", 0xff),
    ("local_link_integrity_errors", "local_link_integrity", 0xf),
    ("port_rcv_constraint_errors", "receive_constraint", 0xff),
    ("port_rcv_errors", "receive", 0xffff),
    ("port_rcv_remote_physical_errors", "remote_physical", 0xffff),
    ("port_rcv_switch_relay_errors", "switch_relay", 0xffff),
    ("port_xmit_constraint_errors", "transmit_constraint", 0xff),
    ("port_xmit_discards", "transmit_discard", 0xffff),
    ("symbol_error", "symbol", 0xffff),
];

/// Those of hw_counters that mean trouble; the others count work.
const RDMA: &[&str] = &[
    "implied_nak_seq_err",
    "local_ack_timeout_err",
    "out_of_buffer",
    "out_of_sequence",
    "packet_seq_err",
    "req_cqe_error",
    "req_remote_access_errors",
    "req_remote_invalid_request",
    "resp_cqe_error",
    "resp_local_length_error",
    "resp_remote_access_errors",
    "rnr_nak_retry_err",
    "roce_adp_retrans_to",
    "rx_icrc_encapsulated",
];

/// Above this a counter is a sentinel: no adapter has lived so long.
const COUNT_MAX: f64 = 1e18;

/// Reads all that a port counts.
pub(super) fn read(c: &mut Collect<'_>, id: &ComponentId, name: &str, dir: &str) {
    if let Err(error) = c.host.list(&format!("{dir}/counters")) {
        c.problem(error.reason(), Some(id), format!("{name}: counters: {error}"));
    }
    for (metric, direction, file, times) in [
        (&IO, "receive", "port_rcv_data", 4.0),
        (&IO, "transmit", "port_xmit_data", 4.0),
        (&PACKETS, "receive", "port_rcv_packets", 1.0),
        (&PACKETS, "transmit", "port_xmit_packets", 1.0),
    ] {
        if let Some(value) = number(c, id, name, &format!("{dir}/counters/{file}")) {
            c.sample_with(metric, id, &[("network.io.direction", direction)], value * times);
        }
    }
    for (file, kind, end) in LINK {
        let Some(value) = number(c, id, name, &format!("{dir}/counters/{file}")) else { continue };
        c.sample_with(&ERRORS, id, &[("error.type", kind)], value);
        // Wider ones exist too: those just go on.
        if value.total_cmp(&f64::from(*end)).is_eq() {
            let text = format!(
                "{name}: counter {file} is at its end ({end}) and sees no further errors until it is cleared"
            );
            c.problem(Reason::Implausible, Some(id), text);
        }
    }
    if let Some(value) = number(c, id, name, &format!("{dir}/counters/port_xmit_wait")) {
        c.sample(&WAIT, id, value);
    }
    for file in RDMA {
        if let Some(value) = number(c, id, name, &format!("{dir}/hw_counters/{file}")) {
            c.sample_with(&RDMA_ERRORS, id, &[("error.type", file)], value);
        }
    }
}

/// A counter; one that the adapter lacks is simply not there.
fn number(c: &mut Collect<'_>, id: &ComponentId, name: &str, path: &str) -> Option<f64> {
    let text = word(c.host, path)?;
    // `N/A (no PMA)`: a port whose counters cannot be asked for.
    if text.starts_with("N/A") {
        c.problem(Reason::Unsupported, Some(id), format!("{name}: /{path} is not offered"));
        return None;
    }
    let value = text.parse::<f64>().ok().filter(|it| (0.0..COUNT_MAX).contains(it));
    if value.is_none() {
        c.problem(Reason::Unparsable, Some(id), format!("{name}: /{path} holds {text:?}"));
    }
    value
}
