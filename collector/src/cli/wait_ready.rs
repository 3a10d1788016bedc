//! `wait-ready`: returns when a collector answers on its pages' port; for scripts that start one.

use std::{
    io::{Read, Write},
    net::TcpStream,
    path::Path,
    thread,
    time::Duration,
};

use anyhow::bail;

use super::WithConfig;

/// Arguments of `wait-ready`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    config: WithConfig,
    /// Give up at once if this process ends.
    #[arg(long)]
    pid: Option<u32>,
    /// Give up after so many seconds.
    #[arg(long, default_value_t = 30)]
    seconds: u64,
}

/// Time between two tries.
const STEP: Duration = Duration::from_millis(100);

/// Runs it.
pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let listen = args.config.load()?.web.listen;
    for _ in 0..args.seconds * 10 {
        // With a certificate the port speaks TLS: that it takes connections has to do.
        if answers(listen).unwrap_or(false) {
            return Ok(());
        }
        if args.pid.is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists()) {
            bail!(
                "the collector (process {}) has ended; its log says why",
                args.pid.unwrap_or_default()
            );
        }
        thread::sleep(STEP);
    }
    bail!("nothing answers on {listen} after {} s", args.seconds)
}

fn answers(listen: std::net::SocketAddr) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect_timeout(&listen, Duration::from_secs(1))?;
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    stream.write_all(b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
    let mut head = [0; 12];
    stream.read_exact(&mut head)?;
    Ok(head.starts_with(b"HTTP/1.") && &head[9..12] == b"200")
}
