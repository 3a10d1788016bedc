//! The pages' port: HTTP on loopback, HTTPS elsewhere.

use std::{
    fs,
    io::{self, BufReader},
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::Context;
use axum::extract::ConnectInfo;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
    service::TowerToHyperService,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    time::timeout,
};
use tokio_rustls::TlsAcceptor;
use tracing::debug;

use crate::{
    clock, config,
    config::Config,
    ingest::Ingest,
    pipeline::Stats,
    reload::Book,
    report,
    store::Store,
    web::{self, ReportHooks, WebState},
};

/// Connections at one time: a browser opens six.
const CONNECTIONS: usize = 512;

/// A handshake takes a second on a bad line.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Everything the pages work with.
pub(super) fn state(
    store: Store,
    book: Arc<Book>,
    ingest: Ingest,
    stats: Arc<Mutex<Stats>>,
    config: &Config,
) -> WebState {
    let (rules, contracts) = (Arc::clone(&book.rules), Arc::clone(&book.contracts));
    let told = Arc::clone(&book);
    let door = ingest.clone();
    let counters = move || {
        let stats = *stats.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all = ingest.counters().all();
        all.push(("xunjian_agents_connected".to_owned(), ingest.connected().len() as u64));
        all.push(("xunjian_judged_batches_total".to_owned(), stats.batches));
        all.push(("xunjian_judged_unreadable_batches_total".to_owned(), stats.unreadable));
        all.push(("xunjian_judged_panics_total".to_owned(), stats.panics));
        all.push(("xunjian_judged_cases_total".to_owned(), stats.cases));
        all.push(("xunjian_judged_tickets_total".to_owned(), stats.tickets));
        all.push(("xunjian_judged_implausible_values".to_owned(), stats.implausible));
        all.push(("xunjian_judged_future_runs".to_owned(), stats.future));
        all.push(("xunjian_judged_overflow".to_owned(), stats.overflow));
        all.extend(book.counters().map(|(name, value)| (name.to_owned(), value)));
        all
    };
    WebState {
        store,
        contracts,
        rules,
        mistakes: Arc::new(move || told.told()),
        clock: clock::now,
        reports: ReportHooks { html: report::stored_html, pdf: report::stored_pdf },
        counters: Arc::new(counters),
        inspect: Arc::new(move |agent, sources| door.inspect_now(agent, sources).is_ok()),
        secure: config.web.certificate.is_some(),
    }
}

/// The certificate, if one is configured.
pub(super) fn tls(web: &config::Web) -> anyhow::Result<Option<TlsAcceptor>> {
    let (Some(certificate), Some(key)) = (&web.certificate, &web.key) else { return Ok(None) };
    let chain = pem::<CertificateDer<'static>>(certificate)?;
    let key = PrivateKeyDer::from_pem_file(key)
        .with_context(|| format!("{} holds no private key", key.display()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .context("web.certificate and web.key do not go together")?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Some(TlsAcceptor::from(Arc::new(config))))
}

fn pem<T: PemObject>(path: &Path) -> anyhow::Result<Vec<T>> {
    let file = fs::File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let all: Result<Vec<T>, _> = T::pem_reader_iter(BufReader::new(file)).collect();
    all.with_context(|| format!("{} holds no PEM certificate", path.display()))
}

/// Serves the pages until told to stop.
pub(super) async fn serve(
    listener: TcpListener,
    state: WebState,
    tls: Option<TlsAcceptor>,
    mut stopped: watch::Receiver<bool>,
) {
    let router = web::router(state);
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopped.changed() => return,
        };
        let Ok((stream, peer)) = accepted else {
            // Out of file descriptors: wait for some to come back rather than spin.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let (router, tls) = (router.clone(), tls.clone());
        tokio::spawn(async move {
            if let Err(error) = connection(stream, peer, router, tls).await {
                debug!(%peer, %error, "a web connection ended badly");
            }
            drop(place);
        });
    }
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: axum::Router,
    tls: Option<TlsAcceptor>,
) -> io::Result<()> {
    let _ = stream.set_nodelay(true);
    let router = router.layer(axum::Extension(ConnectInfo(peer)));
    let service = TowerToHyperService::new(router);
    let builder = auto::Builder::new(TokioExecutor::new());
    let done = match tls {
        None => builder.serve_connection(TokioIo::new(stream), service).await,
        Some(acceptor) => {
            let late = |_| io::Error::from(io::ErrorKind::TimedOut);
            let stream = timeout(HANDSHAKE, acceptor.accept(stream)).await.map_err(late)??;
            builder.serve_connection(TokioIo::new(stream), service).await
        }
    };
    done.map_err(io::Error::other)
}
