//! `run`: the agent as a service, or one round of it.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use clap::Args;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
    time::{sleep, timeout},
};
use xunjian_proto::HostFacts;

use super::{Console, EXIT_OK, Format, Lang, host, load_config, once, runtime, text};
use crate::{
    Progress, clock,
    config::Config,
    cursors::Cursors,
    host::Host,
    identity::Identity,
    inspect,
    service::{Command, Handle, Service},
    sources,
    spool::{Spool, ToSpool},
    upload::{self, Patience, Standing, Uplink},
};

/// How often an agent that is not enrolled looks whether it is now.
const ENROLLED_CHECK: Duration = Duration::from_secs(60);

/// Orders of the collector to inspect that come closer together are one: nobody can make the agent hammer a device.
const ORDERS_APART: Duration = Duration::from_secs(20);

/// How long one round waits for the collector to have everything.
const DELIVERY_WAIT: Duration = Duration::from_secs(60);

/// How long the agent tries to hand over what it holds when it is told to end; the rest stays in the spool.
const FAREWELL: Duration = Duration::from_secs(2);

/// Arguments of `run`.
#[derive(Debug, Args)]
pub(super) struct Run {
    /// Configuration file; by default /etc/xunjian/agent.toml, if it is there
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Inspect once, show what was found, hand it to the collector and end
    #[arg(long)]
    one_round: bool,
    /// Language of what is shown; by default as LC_ALL, LC_MESSAGES or LANG says
    #[arg(long, value_enum)]
    lang: Option<Lang>,
    /// Run on a recording instead of this host: to see what the agent costs a host that is not at hand
    #[arg(long, value_name = "DIR", hide = true)]
    host_dir: Option<PathBuf>,
}

impl Run {
    pub(super) fn run(self, console: &mut Console<'_>) -> anyhow::Result<u8> {
        let config = load_config(self.config.as_deref())?;
        let host = host(self.host_dir.as_deref(), &config)?;
        let facts = inspect::facts(&*host);
        let folder = config.folder.join("spool");
        let spool = Spool::open(&folder, config.spool, clock::now())?;
        let agent = Agent { config, host, facts, spool: Arc::new(spool) };
        match self.one_round {
            true => agent.one_round(self.lang.unwrap_or(console.lang), console),
            false => agent.serve(),
        }
    }
}

/// What both ways of running share.
struct Agent {
    config: Config,
    host: Arc<dyn Host>,
    facts: HostFacts,
    spool: Arc<Spool>,
}

impl Agent {
    fn uplink(&self, identity: Identity, inspect: Arc<upload::OnInspect>) -> Uplink {
        Uplink {
            spool: self.spool.clone(),
            identity: Arc::new(identity),
            host: self.facts.clone(),
            on_inspect: inspect,
            clock: clock::now,
            patience: Patience::default(),
        }
    }

    /// One inspection, shown and delivered.
    fn one_round(self, lang: Lang, console: &mut Console<'_>) -> anyhow::Result<u8> {
        let identity = Identity::load(&self.config.folder)?;
        let (err, watched) = (&mut *console.err, console.progress);
        let mut progress = |it: Progress<'_>| once::show_progress(err, watched, &it);
        let host = self.host.clone();
        let readings = inspect(host, &self.config, clock::now(), None, &mut progress);
        let root = rustix::process::geteuid().is_root();
        let view = text::View { lang, all: false, root };
        once::show(console, &readings, Format::Text, &view)?;
        let code = once::exit_code(&readings);
        self.spool.push(&self.facts.boot_id, readings.runs, clock::now());
        let Some(identity) = identity else {
            bail!(
                "not enrolled, so the readings wait in {}: run `xunjian-agent enrol` first",
                self.config.folder.display()
            );
        };
        let already = |_: Vec<String>| Err("an inspection is being made".to_owned());
        let uplink = self.uplink(identity, Arc::new(already));
        runtime()?.block_on(deliver(uplink))?;
        Ok(code)
    }

    /// Inspects and sends until it is told to end.
    fn serve(self) -> anyhow::Result<u8> {
        let cursors = Cursors::load(self.config.folder.join("cursors.json"));
        let host_id = format!("{}{}", self.facts.hostname, self.config.folder.display());
        let host = self.host.clone();
        let service = Service::new(host, self.config.clone(), sources::ALL, &host_id, cursors);
        let handle = service.handle();
        let mut outlet = ToSpool::new(self.spool.clone(), &self.facts.boot_id, clock::now);
        let reading = thread::Builder::new()
            .name("service".to_owned())
            .spawn(move || service.serve(&mut outlet))
            .context("cannot start the service's thread")?;
        tracing::info!(version = env!("CARGO_PKG_VERSION"), "the agent runs");
        let sent = runtime()?.block_on(self.send_until_stopped(handle.clone()));
        handle.send(Command::Stop);
        // A panic there was logged; what is in the spool is safe.
        let _ = reading.join();
        tracing::info!("the agent ends");
        sent.map(|()| EXIT_OK)
    }

    async fn send_until_stopped(&self, handle: Handle) -> anyhow::Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let (stop, stopped) = watch::channel(false);
        let inspect = handle.clone();
        let last: Mutex<Option<Instant>> = Mutex::new(None);
        let on_inspect: Arc<upload::OnInspect> = Arc::new(move |names: Vec<String>| {
            let unknown =
                names.iter().find(|it| sources::ALL.iter().all(|source| source.name != **it));
            if let Some(name) = unknown {
                return Err(format!("no source `{name}`"));
            }
            let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
            if last.is_some_and(|it| it.elapsed() < ORDERS_APART) {
                return Err("asked a moment ago: that inspection is under way".to_owned());
            }
            *last = Some(Instant::now());
            inspect.send(Command::Inspect(names));
            Ok(())
        });
        let sending = async {
            let identity = self.identity().await?;
            let (status, _) = watch::channel(Standing::default());
            upload::run(self.uplink(identity, on_inspect), status, stopped).await;
            anyhow::Ok(())
        };
        tokio::pin!(sending);
        tokio::select! {
            ended = &mut sending => return ended,
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        // The last batch first, then a moment to send it.
        handle.send(Command::Stop);
        let _ = timeout(FAREWELL, async {
            while self.spool.stats().waiting > 0 {
                tokio::select! {
                    ended = &mut sending => return ended,
                    () = sleep(Duration::from_millis(100)) => {}
                }
            }
            anyhow::Ok(())
        })
        .await;
        let _ = stop.send(true);
        Ok(())
    }

    /// The identity, as soon as there is one: an agent may be enrolled while it runs.
    async fn identity(&self) -> anyhow::Result<Identity> {
        let mut told = false;
        loop {
            if let Some(identity) = Identity::load(&self.config.folder)? {
                return Ok(identity);
            }
            if !told {
                tracing::warn!(
                    "not enrolled: readings wait in the spool until `xunjian-agent enrol`"
                );
                told = true;
            }
            sleep(ENROLLED_CHECK).await;
        }
    }
}

/// Sends until nothing waits any more.
async fn deliver(uplink: Uplink) -> anyhow::Result<()> {
    let (status, mut standing) = watch::channel(Standing::default());
    let (stop, stopped) = watch::channel(false);
    let spool = uplink.spool.clone();
    let sending = upload::run(uplink, status, stopped);
    tokio::pin!(sending);
    let delivered = async {
        while spool.stats().waiting > 0 {
            tokio::select! {
                () = &mut sending => bail!("the upload ended before the collector had everything"),
                _ = standing.changed() => {}
                () = sleep(Duration::from_millis(200)) => {}
            }
        }
        Ok(())
    };
    let delivered = timeout(DELIVERY_WAIT, delivered).await;
    let _ = stop.send(true);
    match delivered {
        Ok(done) => done,
        Err(_) => {
            let why = standing.borrow().last_error.clone();
            let why = why.unwrap_or_else(|| "no answer".to_owned());
            bail!(
                "the collector did not take the readings within {DELIVERY_WAIT:?}; they wait in the spool ({why})"
            )
        }
    }
}
