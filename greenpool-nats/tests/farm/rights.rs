//! A server with TLS, and users that may do only what they need.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use async_nats::ConnectOptions;
use greenpool::green_pool;
use greenpool::remote::Lost;
use greenpool_nats::{Farm, FarmBuilder, FarmError, Worker};
use tempfile::TempDir;
use tokio::time::Instant;

use crate::deadline::soon;
use crate::server::Server;

crate::tests! {
    submitters_and_workers_need_the_rights_that_the_book_lists_and_no_more,
    a_missing_right_is_an_error_of_the_verb_that_needs_it,
    a_worker_ends_if_it_lacks_a_right,
    with_a_wrong_password_or_certificate_connecting_fails,
}

/// What a submitter publishes to, with `NS` for the namespace. The book has the same list.
const SUBMITTER: [&str; 9] = [
    "gp.NS.job.>",
    "gp.NS.cancel.*",
    "gp.NS.who",
    "gp.NS.blob.>",
    "$JS.API.STREAM.INFO.*",
    "$JS.API.STREAM.CREATE.*",
    "$JS.API.STREAM.PURGE.*",
    "$JS.API.STREAM.MSG.GET.*",
    "$JS.API.CONSUMER.INFO.*.workers",
];

/// What it subscribes to, beside its inbox.
const SUBMITTER_HEARS: [&str; 1] = ["gp.NS.res.>"];

const WORKER: [&str; 13] = [
    "gp.NS.res.>",
    "gp.NS.dead.>",
    "gp.NS.mark.>",
    "gp.NS.blob.>",
    "$JS.API.STREAM.INFO.*",
    "$JS.API.STREAM.CREATE.*",
    "$JS.API.STREAM.PURGE.*",
    "$JS.API.STREAM.MSG.GET.*",
    "$JS.API.CONSUMER.INFO.*.workers",
    "$JS.API.CONSUMER.CREATE.*.workers",
    "$JS.API.CONSUMER.DURABLE.CREATE.*.workers",
    "$JS.API.CONSUMER.MSG.NEXT.*.workers",
    "$JS.ACK.>",
];

const WORKER_HEARS: [&str; 2] = ["gp.NS.cancel.*", "gp.NS.who"];

/// A server with TLS and two users, each with an inbox of its own.
struct Guarded {
    server: Server,
    folder: TempDir,
}

impl Guarded {
    /// `without`: what neither of the users may do.
    fn start(without: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let certified = rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        fs::write(folder.path().join("cert.pem"), certified.cert.pem()).unwrap();
        fs::write(folder.path().join("key.pem"), certified.signing_key.serialize_pem()).unwrap();
        let user = |name: &str, publish: &[&str], hear: &[&str]| {
            let list = |subjects: &[&str], inbox: &str| {
                let allowed = subjects.iter().filter(|subject| **subject != without);
                let quoted: Vec<_> =
                    allowed.map(|subject| format!("{:?}", subject.replace(".NS.", ".shop."))).collect();
                let inbox = (without != inbox).then(|| format!("{:?}", format!("{inbox}_{name}.>")));
                format!("[{}]", quoted.into_iter().chain(inbox).collect::<Vec<_>>().join(", "))
            };
            // It asks its own inbox for signs of life.
            let (publish, hear) = (list(publish, "INBOX"), list(hear, "INBOX"));
            let permissions = format!("publish: {publish}, subscribe: {hear}, allow_responses: true");
            format!(r#"{{ user: {name}, password: "of {name}", permissions: {{ {permissions} }} }}"#)
        };
        let users = [user("submitter", &SUBMITTER, &SUBMITTER_HEARS), user("worker", &WORKER, &WORKER_HEARS)];
        let config = format!(
            "tls {{ cert_file: \"{}\", key_file: \"{}\" }}\nauthorization {{ users: [\n{}\n] }}\n",
            folder.path().join("cert.pem").display(),
            folder.path().join("key.pem").display(),
            users.join("\n"),
        );
        let file = folder.path().join("server.conf");
        fs::write(&file, config).unwrap();
        Guarded { server: Server::with(&["--config", file.to_str().unwrap()]), folder }
    }

    fn certificate(&self) -> PathBuf {
        self.folder.path().join("cert.pem")
    }

    fn url(&self) -> String {
        self.server.url().replace("nats://", "tls://")
    }

    fn user(&self, name: &str) -> FarmBuilder {
        self.with_password(name, &format!("of {name}"))
    }

    fn with_password(&self, name: &str, password: &str) -> FarmBuilder {
        let options = ConnectOptions::with_user_and_password(name.to_owned(), password.to_owned())
            .add_root_certificates(self.certificate())
            .require_tls(true)
            .custom_inbox_prefix(format!("INBOX_{name}"));
        Farm::builder().namespace("shop").options(options)
    }
}

#[green_pool(size = 4, remote)]
async fn double(text: String) -> String {
    assert!(!text.is_empty(), "nothing to double");
    text.repeat(2)
}

async fn submitters_and_workers_need_the_rights_that_the_book_lists_and_no_more() {
    let book = include_str!("../../../book/src/machines.md");
    for right in [&SUBMITTER[..], &SUBMITTER_HEARS, &WORKER, &WORKER_HEARS].concat() {
        assert!(book.contains(&format!("`{right}`")), "{right} is not in the book");
    }
    let guarded = Guarded::start("");
    let farm = soon("the submitter", guarded.user("submitter").connect(guarded.url())).await.unwrap();
    let working = soon("the worker", guarded.user("worker").connect(guarded.url())).await.unwrap();
    let worker = tokio::spawn(Worker::on(&working).serve(double::handler()).run_until(std::future::pending()));
    let far = double::on(&farm);
    let mut results = far.run("nightly").imap((0..100).map(|n| n.to_string()));
    for n in 0..100 {
        assert_eq!(soon("a result", results.next()).await.unwrap().unwrap(), format!("{n}{n}"));
    }
    assert_eq!(soon("forget", far.forget("nightly")).await, Ok(100));
    let large = "large".repeat(1024 * 1024);
    assert!(soon("a large job", far.spawn(large.clone()).await).await.unwrap() == large.repeat(2));
    soon("a job without a caller", far.spawn_n(String::new())).await.unwrap();
    crate::deadline::until("the job to be dead", async || farm.dead().list().await.unwrap().len() == 1).await;
    farm.dead().retry(&farm.dead().list().await.unwrap()[0]).await.unwrap();
    let stats = soon("what runs", far.stats()).await.unwrap();
    assert_eq!((stats.size, stats.workers.len()), (4, 1));
    for text in ["small".to_owned(), large] {
        let named = far.run("cancelled").spawn(text.clone()).await;
        drop(far.imap_unordered(vec![text; 20]));
        named.abort();
    }
    crate::deadline::until("all to be gone", async || {
        let stats = soon("what runs", far.stats()).await.unwrap();
        stats.waiting + stats.running == 0
    })
    .await;
    assert!(!worker.is_finished(), "the worker lacks a right");
    worker.abort();
    farm.close().await;
}

async fn a_missing_right_is_an_error_of_the_verb_that_needs_it() {
    let guarded = Guarded::start("gp.NS.job.>");
    let farm = soon("the submitter", guarded.user("submitter").connect(guarded.url())).await.unwrap();
    let far = double::on(&farm);
    let refused = |lost: Option<&Lost>, right: &str| {
        let Some(Lost::Refused { why }) = lost else { panic!("{lost:?}") };
        assert!(why.contains(right), "{why}");
    };
    let begin = Instant::now();
    refused(soon("a call", far.call("x".into())).await.unwrap_err().lost(), "may not publish to `gp.shop.job.double.");
    refused(soon("a job", far.spawn("x".into()).await).await.unwrap_err().lost(), "may not publish to `gp.shop.job.");
    refused(soon("a job", far.spawn_n("x".into())).await.err().as_ref(), "may not publish to `gp.shop.job.");
    let resized = soon("a size", far.resize(2)).await;
    refused(resized.err().as_ref(), "may not publish to `$JS.API.CONSUMER.CREATE.gp_shop_double_");
    let functions = soon("a list", farm.functions()).await.unwrap_err();
    assert!(functions.to_string().contains("may not publish to `$JS.API.STREAM.LIST`"), "{functions}");
    assert!(begin.elapsed() < Duration::from_secs(5), "it took {:?}", begin.elapsed());
    let guarded = Guarded::start("gp.NS.res.>");
    let farm = soon("the submitter", guarded.user("submitter").connect(guarded.url())).await.unwrap();
    let error = soon("a call", double::on(&farm).call("x".into())).await.unwrap_err();
    refused(error.lost(), "may not subscribe to `gp.shop.res.*.");
    for (without, right) in [
        ("$JS.API.STREAM.CREATE.*", "may not publish to `$JS.API.STREAM.CREATE.gp_shop_results`"),
        ("INBOX", "may not subscribe to `INBOX_submitter."),
    ] {
        let guarded = Guarded::start(without);
        let error = soon("an error", guarded.user("submitter").connect(guarded.url())).await.unwrap_err();
        assert!(matches!(error, FarmError::Forbidden { .. }), "{error}");
        assert!(error.to_string().contains(right), "{error}");
    }
}

async fn a_worker_ends_if_it_lacks_a_right() {
    for (without, right) in [
        ("$JS.API.CONSUMER.CREATE.*.workers", "may not publish to `$JS.API.CONSUMER.CREATE.gp_shop_double_"),
        ("$JS.API.CONSUMER.MSG.NEXT.*.workers", "may not publish to `$JS.API.CONSUMER.MSG.NEXT.gp_shop_double_"),
        ("gp.NS.who", "may not subscribe to `gp.shop.who`"),
    ] {
        let guarded = Guarded::start(without);
        let farm = soon("the submitter", guarded.user("submitter").connect(guarded.url())).await.unwrap();
        soon("a job to be stored", double::on(&farm).spawn_n("x".into())).await.unwrap();
        let working = soon("the worker", guarded.user("worker").connect(guarded.url())).await.unwrap();
        let worker = Worker::on(&working).serve(double::handler()).grace(Duration::ZERO);
        let error = soon("the worker to end", worker.run_until(std::future::pending())).await.unwrap_err();
        assert!(error.to_string().contains(right), "{error}");
    }
}

async fn with_a_wrong_password_or_certificate_connecting_fails() {
    let guarded = Guarded::start("");
    let begin = Instant::now();
    let error = soon("the error", guarded.with_password("worker", "wrong").connect(guarded.url())).await.unwrap_err();
    assert!(matches!(error, FarmError::Connect { .. }), "{error}");
    let options = ConnectOptions::with_user_and_password("worker".to_owned(), "of worker".to_owned()).require_tls(true);
    let error = soon("the error", Farm::builder().options(options).connect(guarded.url())).await.unwrap_err();
    assert!(matches!(error, FarmError::Connect { .. }), "{error}");
    assert!(begin.elapsed() < Duration::from_secs(10), "it took {:?}", begin.elapsed());
}
