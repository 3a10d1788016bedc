//! Agents that do not keep to the protocol. They hold a good certificate; everything else is under their control.

use std::path::Path;

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, Streaming};
use xunjian_agent::identity::{self, Identity};
use xunjian_collector::ingest::{Rate, Refused};
use xunjian_proto::{
    check::{self, Batch, FromAgent, FromCollector, Hello, Refusal},
    v1::{self, agent_client::AgentClient},
    wire::{self, Definition, Hash, Packed},
};

use super::*;

/// A stream without the agent's manners.
pub(super) struct Raw {
    out: mpsc::Sender<v1::FromAgent>,
    inbound: Streaming<v1::FromCollector>,
}

impl Raw {
    pub(super) async fn open(state: &Path) -> Raw {
        let mut raw = Raw::silent(state).await;
        raw.send(FromAgent::Hello(Hello { host: host() })).await;
        assert!(matches!(raw.next().await, Ok(FromCollector::HelloAck { .. })));
        raw
    }

    async fn silent(state: &Path) -> Raw {
        let identity = Identity::load(state).unwrap().unwrap();
        let channel = identity::connect(&identity.credentials()).await.unwrap();
        let mut client =
            AgentClient::new(channel).max_encoding_message_size(4 * check::MESSAGE_BYTES_MAX);
        let (out, messages) = mpsc::channel(4);
        let inbound = client.stream(ReceiverStream::new(messages)).await.unwrap().into_inner();
        Raw { out, inbound }
    }

    pub(super) async fn send(&mut self, message: FromAgent) {
        let _ = self.out.send(message.into()).await;
    }

    pub(super) async fn define(&mut self, packed: &Packed) {
        self.send(FromAgent::Definitions(packed.definitions.clone())).await;
    }

    pub(super) async fn batch(&mut self, sequence: u64, body: Vec<u8>) {
        self.send(FromAgent::Batch(Batch { sequence, boot_id: "boot-1".into(), body })).await;
    }

    async fn next(&mut self) -> Result<FromCollector, Status> {
        let message = timeout(SOON, self.inbound.message()).await.expect("it takes too long")?;
        let message = message.ok_or_else(|| Status::ok("ended"))?;
        Ok(FromCollector::try_from(message).unwrap())
    }

    pub(super) async fn acknowledged(&mut self) -> (u64, Vec<Refusal>) {
        match self.next().await {
            Ok(FromCollector::Ack { sequence, refused }) => (sequence, refused),
            other => panic!("no acknowledgement but {other:?}"),
        }
    }

    /// The stream must end with this status.
    async fn ends(&mut self, code: Code) -> String {
        loop {
            match self.next().await {
                Ok(FromCollector::Ack { .. }) => {}
                Ok(other) => panic!("no end but {other:?}"),
                Err(status) => {
                    assert_eq!(status.code(), code, "{}", status.message());
                    return status.message().to_owned();
                }
            }
        }
    }
}

#[test]
fn bad_batches_are_refused_one_by_one_and_good_ones_taken() {
    block_on(async {
        let folder = Folder::new("stream-bad");
        let door = Door::open(folder.path("collector")).await;
        let identity = door.enrol(folder.path("agent")).await;
        let id = identity.credentials().agent_id.clone();
        let mut raw = Raw::open(&folder.path("agent")).await;
        let good = wire::pack(&[recent(1)]).unwrap();
        raw.define(&good).await;
        raw.batch(1, good.body.clone()).await;
        assert_eq!(raw.acknowledged().await, (1, vec![]));

        let expect = async |raw: &mut Raw, sequence: u64, body: Vec<u8>, kind: &str| {
            raw.batch(sequence, body).await;
            let (upto, refused) = raw.acknowledged().await;
            assert_eq!(
                (upto, refused[0].sequence, refused[0].kind.as_str()),
                (sequence, sequence, kind)
            );
            assert!(!refused[0].text.is_empty());
        };
        expect(&mut raw, 2, b"not zstd".to_vec(), "malformed").await;
        let mut cut = good.body.clone();
        cut.truncate(cut.len() / 2);
        expect(&mut raw, 3, cut, "malformed").await;
        let bomb = zstd::bulk::compress(&vec![0; check::UNPACKED_BYTES_MAX + 1], 1).unwrap();
        expect(&mut raw, 4, bomb, "too_large").await;
        for (sequence, at) in
            [(5, Time::from_secs(10)), (6, clock::now() + Duration::from_secs(90_000))]
        {
            let wrong = wire::pack(&[full_run(at, 1)]).unwrap();
            raw.define(&wrong).await;
            expect(&mut raw, sequence, wrong.body, "bad_time").await;
        }
        let good = wire::pack(&[recent(2)]).unwrap();
        raw.define(&good).await;
        raw.batch(7, good.body.clone()).await;
        assert_eq!(raw.acknowledged().await, (7, vec![]));
        assert_eq!(door.stored(&id), [recent(1), recent(2)]);
        assert_eq!(door.ingest.counters().refused(Refused::BadTime), 2);
        assert_eq!(door.ingest.counters().refused(Refused::Malformed), 2);
        assert_eq!(door.ingest.counters().refused(Refused::TooLarge), 1);
        door.close().await;
    });
}

#[test]
fn definitions_that_are_missing_are_asked_for_before_anything_is_stored() {
    block_on(async {
        let folder = Folder::new("stream-need");
        let door = Door::open(folder.path("collector")).await;
        let identity = door.enrol(folder.path("agent")).await;
        let mut raw = Raw::open(&folder.path("agent")).await;
        let packed = wire::pack(&[recent(1)]).unwrap();
        let mut wanted: Vec<Hash> = packed.definitions.iter().map(|it| it.hash).collect();
        raw.batch(1, packed.body.clone()).await;
        let Ok(FromCollector::Need { sequence: 1, hashes }) = raw.next().await else {
            panic!("the definitions are not asked for")
        };
        wanted.sort();
        let mut asked = hashes;
        asked.sort();
        assert_eq!(asked, wanted);
        // What comes before the batch that is waited for is ignored.
        raw.batch(2, packed.body.clone()).await;
        raw.define(&packed).await;
        raw.batch(1, packed.body.clone()).await;
        assert_eq!(raw.acknowledged().await, (1, vec![]));
        assert_eq!(door.stored(&identity.credentials().agent_id), [recent(1)]);

        // An agent that never sends them is refused in the end.
        let mut unknown = recent(3);
        unknown.evidence[0].content = "never sent".into();
        let unknown = wire::pack(&[unknown]).unwrap();
        for _ in 0..3 {
            raw.batch(3, unknown.body.clone()).await;
            assert!(matches!(raw.next().await, Ok(FromCollector::Need { sequence: 3, .. })));
        }
        raw.batch(3, unknown.body.clone()).await;
        assert_eq!(raw.acknowledged().await.1[0].kind, "missing_definitions");
        door.close().await;
    });
}

#[test]
fn a_broken_protocol_ends_the_stream_and_touches_nobody_else() {
    block_on(async {
        let folder = Folder::new("stream-broken");
        let door = Door::open(folder.path("collector")).await;
        door.enrol(folder.path("bad")).await;
        let good = Agent::start(&folder, door.enrol(folder.path("agent")).await, clock::now);
        let mut runs = good.push(0..3);
        let packed = wire::pack(&[recent(1)]).unwrap();

        let mut raw = Raw::silent(&folder.path("bad")).await;
        raw.batch(1, packed.body.clone()).await;
        assert!(raw.ends(Code::InvalidArgument).await.contains("hello"));

        let mut raw = Raw::open(&folder.path("bad")).await;
        raw.define(&packed).await;
        raw.batch(10, packed.body.clone()).await;
        raw.acknowledged().await;
        raw.batch(9, packed.body.clone()).await;
        raw.ends(Code::InvalidArgument).await;
        assert_eq!(door.ingest.counters().refused(Refused::Reordered), 1);

        let mut raw = Raw::open(&folder.path("bad")).await;
        let forged = Definition { hash: [7; 8], body: packed.definitions[0].body.clone() };
        raw.send(FromAgent::Definitions(vec![forged])).await;
        raw.ends(Code::InvalidArgument).await;

        let mut raw = Raw::open(&folder.path("bad")).await;
        raw.batch(11, vec![0; check::MESSAGE_BYTES_MAX + 1]).await;
        raw.ends(Code::OutOfRange).await;

        let mut raw = Raw::open(&folder.path("bad")).await;
        raw.batch(0, packed.body.clone()).await;
        raw.ends(Code::InvalidArgument).await;

        runs.extend(good.push(3..6));
        good.until_sent().await;
        assert_eq!(door.stored(&good.id()), runs);
        assert_eq!(good.standing.borrow().sessions, 1);
        door.close().await;
    });
}

#[test]
fn without_a_certificate_nothing_but_enrolment_is_answered() {
    block_on(async {
        let folder = Folder::new("stream-nobody");
        let door = Door::open(folder.path("collector")).await;
        let ca = xunjian_proto::pem::certificate(door.authority.certificate());
        let tls = tonic::transport::ClientTlsConfig::new()
            .ca_certificate(tonic::transport::Certificate::from_pem(ca));
        let endpoint = tonic::transport::Endpoint::from_shared(door.address()).unwrap();
        let channel = endpoint.tls_config(tls).unwrap().connect().await.unwrap();
        let mut client = AgentClient::new(channel);
        let renew = client.renew(v1::RenewRequest { csr: vec![] }).await.unwrap_err();
        assert_eq!(renew.code(), Code::Unauthenticated);
        let stream = client.stream(tokio_stream::empty()).await.unwrap_err();
        assert_eq!(stream.code(), Code::Unauthenticated);
        assert_eq!(door.ingest.counters().refused(Refused::NoCertificate), 2);

        // A request that is no request does not use up the token.
        let token = xunjian_proto::token::EnrolToken::parse(&door.token()).unwrap();
        let request = |csr: &[u8]| v1::EnrolRequest {
            secret: token.secret().to_owned(),
            csr: csr.to_vec(),
            host: Some(check::host_out(&host())),
        };
        for junk in [&b""[..], b"junk", &[0x30; 5000], &[0x30; 50_000]] {
            let error = client.enrol(request(junk)).await.unwrap_err();
            assert_eq!(error.code(), Code::InvalidArgument, "{}", error.message());
        }
        assert_eq!(door.ingest.counters().refused(Refused::Request), 4);
        // What a request claims is not what the certificate says.
        let key = rcgen::KeyPair::generate().unwrap();
        let mut claims = rcgen::CertificateParams::new(vec!["collector".to_owned()]).unwrap();
        claims.distinguished_name.push(rcgen::DnType::CommonName, "0".repeat(32));
        claims.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let csr = claims.serialize_request(&key).unwrap();
        let reply = client.enrol(request(csr.der())).await.unwrap().into_inner();
        assert_ne!(reply.agent_id, "0".repeat(32));
        let leaf = rustls::pki_types::CertificateDer::from(reply.chain[0].clone());
        let agent = xunjian_collector::identity::agent_of(&leaf).unwrap();
        assert_eq!(agent.0, reply.agent_id);
        let bytes = &reply.chain[0];
        assert!(
            !bytes.windows(9).any(|window| window == b"collector"),
            "its names were taken over"
        );
        door.close().await;
    });
}

#[test]
fn who_sends_too_fast_is_slowed_down_and_loses_nothing() {
    block_on(async {
        let folder = Folder::new("stream-fast");
        let limits =
            Limits { messages: Rate { per_second: 40.0, at_once: 4.0 }, ..Limits::default() };
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let door = Door::open_at(folder.path("collector"), any, limits).await;
        let agent = Agent::start(&folder, door.enrol(folder.path("agent")).await, clock::now);
        let runs = agent.push(0..30);
        agent.until_sent().await;
        assert_eq!(door.stored(&agent.id()), runs);
        let counters = door.ingest.counters().all();
        assert!(counters.iter().any(|(name, count)| name == "throttled" && *count >= 10));
        door.close().await;
    });
}

/// `enrol-token` may run while `serve` starts for the first time.
#[test]
fn two_that_start_at_once_have_one_authority() {
    let folder = Folder::new("stream-authority");
    let open = || {
        let names = ["localhost".to_owned()];
        let authority = Authority::open(&folder.path("identity"), &names, 1, clock::now()).unwrap();
        authority.certificate().clone()
    };
    let all: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
        threads.into_iter().map(|it| it.join().unwrap()).collect()
    });
    assert!(all.iter().all(|it| *it == all[0]));
    assert_eq!(fs::read_dir(folder.path("identity")).unwrap().count(), 1);
}
