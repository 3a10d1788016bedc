//! `serve`: the agents' door, the pipeline, the pages and the housekeeping, until a signal ends it.

use std::{
    fs,
    io::Write as _,
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, bail};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::watch,
    task,
};
use tracing::{error, info};
use xunjian_proto::Time;

use super::{WithConfig, serve_web};
use crate::{
    clock,
    config::Config,
    identity::Authority,
    ingest::{Ingest, Limits},
    notify::{self, Channel, Webhook},
    pipeline::{Pipeline, Stats},
    reload::Book,
    store::Store,
    web,
};

/// Arguments of `serve`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    config: WithConfig,
}

/// Whole-minute steps at which silence is noticed.
const TICK: Duration = Duration::from_secs(60);

/// Until agents have come back after the collector was away, nothing is called silent: they wait up to two minutes between
/// tries, and send what waited in their spools.
const RETURN: Duration = Duration::from_secs(150);

/// How often the files of rules and contracts are looked at.
const LOOK: Duration = Duration::from_secs(5);

/// How often old windows are turned into blocks and old data dropped.
const HOUSEKEEPING: Duration = Duration::from_secs(600);

/// A window is compacted this long after its end: spools that catch up within it save a second pass.
const SETTLED: Duration = Duration::from_secs(900);

/// Runs it.
pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let config = args.config.load()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve(config))
}

async fn serve(config: Config) -> anyhow::Result<()> {
    let now = clock::now();
    let book = Arc::new(Book::open(config.rules.clone(), config.contracts.clone(), now)?);
    let store = Store::open(&config.store())?;
    let authority = Authority::open(
        &config.identity(),
        &config.agents.names,
        config.agents.certificate_days,
        now,
    )?;
    let ingest = Ingest::new(Arc::new(authority), store.clone(), Limits::default(), clock::now);
    let (rules, contracts) = (book.rules.load_full(), book.contracts.load_full());
    let pipeline = Pipeline::open(store.clone(), rules, contracts, now)?;
    let stats = Arc::new(Mutex::new(Stats::default()));
    if let Some(password) = web::first_password(&store, now)? {
        say(&format!("first password: {password}"))?;
    }
    let agents = bind(config.agents.listen, "agents.listen").await?;
    let pages = bind(config.web.listen, "web.listen").await?;

    let (stop, stopped) = watch::channel(false);
    let door = task::spawn({
        let (ingest, stopped) = (ingest.clone(), stopped.clone());
        async move { ingest.serve(agents, stopped).await }
    });
    let judging = task::spawn_blocking({
        let (committed, stats, stopped) = (ingest.committed(), Arc::clone(&stats), stopped.clone());
        let book = Arc::clone(&book);
        move || judge(pipeline, &book, committed, &stats, stopped)
    });
    let keeping = task::spawn(keep_house(store.clone(), stopped.clone()));
    let telling = task::spawn(notify::deliver::run(
        store.clone(),
        channels(&config)?,
        clock::now,
        stopped.clone(),
    ));
    let state = serve_web::state(store.clone(), book, ingest.clone(), stats, &config);
    let serving =
        task::spawn(serve_web::serve(pages, state, serve_web::tls(&config.web)?, stopped));
    say(&format!("agents on {}, pages on {}", config.agents.listen, config.web.listen))?;

    let ended = until_signal().await;
    info!(signal = ended, "stopping");
    let _ = stop.send(true);
    door.await?.context("the agents' door")?;
    judging.await?.context("judging")?;
    serving.await?;
    keeping.await?;
    telling.await?;
    store.flush()?;
    Ok(())
}

async fn bind(address: SocketAddr, key: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on {address}: is it in use? `{key}` of the configuration changes it")
    })
}

/// The log always, and the webhook if one is configured.
fn channels(config: &Config) -> anyhow::Result<Vec<Channel>> {
    let mut channels = vec![Channel::Log];
    if let Some(address) = &config.notify.webhook {
        let secret = match &config.notify.webhook_secret {
            Some(path) => Some(secret(path)?),
            None => None,
        };
        let authorities = config.notify.webhook_ca_file.as_deref();
        let webhook = Webhook::new(address, secret.as_deref(), authorities)
            .context("notify.webhook cannot be used")?;
        channels.push(Channel::Webhook(Box::new(webhook)));
    }
    Ok(channels)
}

/// A secret is read only from a file that nobody else can read.
fn secret(path: &Path) -> anyhow::Result<Vec<u8>> {
    use std::os::unix::fs::PermissionsExt;
    let wanted = || format!("cannot read {} (notify.webhook_secret)", path.display());
    let mode = fs::metadata(path).with_context(wanted)?.permissions().mode();
    if mode & 0o077 != 0 {
        bail!(
            "{} has mode {:o}: wanted 600, so that nobody else reads the secret",
            path.display(),
            mode & 0o777
        );
    }
    fs::read(path).with_context(wanted)
}

/// The judging thread: woken by commits, and once a minute.
fn judge(
    mut pipeline: Pipeline,
    book: &Book,
    mut committed: watch::Receiver<u64>,
    stats: &Mutex<Stats>,
    mut stopped: watch::Receiver<bool>,
) -> anyhow::Result<()> {
    let handle = tokio::runtime::Handle::current();
    let begun = clock::now();
    let (mut ticked, mut looked) = (begun.floor(TICK), begun);
    loop {
        let now = clock::now();
        let minute = now.floor(TICK);
        if now.since(looked) >= LOOK {
            looked = now;
            if book.look(now) {
                pipeline.reload(book.rules.load_full(), book.contracts.load_full());
            }
        }
        // An error of the store (a full disk) shall not end judging: what is not judged stays marked as such.
        let done = pipeline.advance(now).and_then(|_| {
            if is_due(minute, ticked, begun) { pipeline.tick(minute) } else { Ok(()) }
        });
        match done {
            Ok(()) => ticked = minute,
            Err(failed) => error!(error = %chain(&failed), "judging is behind; trying again"),
        }
        *stats.lock().unwrap_or_else(PoisonError::into_inner) = pipeline.stats();
        if *stopped.borrow() {
            return Ok(pipeline.save()?);
        }
        handle.block_on(async {
            tokio::select! {
                _ = committed.changed() => {}
                _ = stopped.changed() => {}
                () = tokio::time::sleep(left_of((minute + TICK).min(looked + LOOK))) => {}
            }
        });
    }
}

/// Whether silence is looked for at this minute.
fn is_due(minute: Time, ticked: Time, begun: Time) -> bool {
    minute > ticked && minute >= begun + RETURN
}

fn left_of(until: Time) -> Duration {
    until.since(clock::now()).max(Duration::from_millis(100))
}

async fn keep_house(store: Store, mut stopped: watch::Receiver<bool>) {
    loop {
        let work = store.clone();
        let done = task::spawn_blocking(move || {
            let now = clock::now();
            work.compact(now - SETTLED)?;
            work.retain(now)
        });
        match done.await {
            Ok(Ok(())) => {}
            Ok(Err(failed)) => {
                error!(error = %chain(&failed), "housekeeping failed; trying again later")
            }
            Err(panicked) => error!(error = %panicked, "housekeeping failed; trying again later"),
        }
        tokio::select! {
            _ = stopped.changed() => return,
            () = tokio::time::sleep(HOUSEKEEPING) => {}
        }
    }
}

async fn until_signal() -> &'static str {
    let (Ok(mut term), Ok(mut int)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return "none: signals cannot be caught";
    };
    tokio::select! {
        _ = term.recv() => "SIGTERM",
        _ = int.recv() => "SIGINT",
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(it) = cause {
        text = format!("{text}: {it}");
        cause = it.source();
    }
    text
}

/// Lines for whoever started it; not a log.
fn say(line: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_called_silent_while_agents_come_back() {
        let at = Time::from_secs;
        // Agents wait for so long between two tries; then a batch has to be sent.
        let longest = xunjian_agent::upload::Patience::default().longest;
        assert!(RETURN > longest, "{longest:?}");
        let due = |minute: i64| is_due(at(minute * 60), at(600), at(601));
        assert_eq!([10, 11, 12, 13, 14].map(due), [false, false, false, true, true]);
        assert!(!is_due(at(840), at(840), at(601)), "once a minute");
    }
}
