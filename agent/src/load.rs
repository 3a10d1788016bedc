//! Whether the host is too busy for a run that starts programs.
//!
//! Facts: kernel document accounting/psi (since 4.20, and only if switched on), proc_loadavg(5).

use crate::{config::LoadLimits, host::Host};

/// Why the host counts as busy; none if it does not, or if that cannot be told.
pub fn busy(host: &dyn Host, limits: &LoadLimits) -> Option<String> {
    if !limits.defer {
        return None;
    }
    let cpu = pressure(host, "cpu");
    let io = pressure(host, "io");
    for (what, found, max) in
        [("processors", cpu, limits.cpu_pressure_max), ("I/O", io, limits.io_pressure_max)]
    {
        if let Some(found) = found
            && found > max
        {
            return Some(format!(
                "tasks waited for {what} {found:.0} % of the last minute (limit {max} %)"
            ));
        }
    }
    if cpu.is_some() {
        return None;
    }
    let vitals = host.vitals().ok()?;
    let load = vitals.load[0] / f64::from(vitals.cpus.max(1));
    let max = limits.load_per_cpu_max;
    (load > max).then(|| format!("the load is {load:.1} per processor (limit {max})"))
}

/// Percent of the last minute in which some task waited: `some avg10=0.00 avg60=1.23 …`.
fn pressure(host: &dyn Host, what: &str) -> Option<f64> {
    let text = host.read(&format!("proc/pressure/{what}")).ok()?;
    let some = text.lines().find(|it| it.starts_with("some "))?;
    some.split_whitespace().find_map(|it| it.strip_prefix("avg60="))?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::Config,
        host::{Given, Vitals},
    };

    fn why(cpu: Option<f64>, io: f64, load: f64) -> Option<String> {
        let mut host = Given::default();
        if let Some(cpu) = cpu {
            host.file(
                "proc/pressure/cpu",
                format!("some avg10=99.00 avg60={cpu} avg300=0 total=1\n"),
            );
            host.file(
                "proc/pressure/io",
                format!("some avg10=99.00 avg60={io} avg300=0 total=1\n"),
            );
        }
        host.vitals = Some(Vitals { cpus: 4, load: [load, 0.0, 0.0], ..Vitals::default() });
        busy(&host, &Config::default().load)
    }

    #[test]
    fn pressure_decides_and_load_only_where_there_is_no_pressure() {
        assert_eq!(why(Some(10.0), 10.0, 100.0), None);
        assert!(why(Some(61.0), 0.0, 0.0).unwrap().contains("processors"));
        assert!(why(Some(0.0), 41.0, 0.0).unwrap().contains("I/O"));
        assert!(why(None, 0.0, 9.0).unwrap().contains("load"));
        assert_eq!(why(None, 0.0, 7.0), None);
    }

    #[test]
    fn a_host_that_says_nothing_is_not_called_busy() {
        assert_eq!(busy(&Given::default(), &Config::default().load), None);
    }
}
