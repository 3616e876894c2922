//! A real client: 20,000 HTTP requests, 100 at once, to a server on this machine that answers after 5 ms:
//! `cargo bench -p greenpool-linkcheck --bench client`.
//!
//! The server is a process of its own, so the CPU time is the client's alone. For wall and CPU time the ways take turns
//! in one process, and a ratio is the median of the ratios of the rounds. For the peak of resident memory, which a
//! process never loses again, each way runs in a process of its own.

#[path = "../../greenpool/benches/report/mod.rs"]
mod report;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use clap::Parser;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, stream};
use greenpool::green_pool;
use reqwest::Client;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::sleep;

use report::bound::{self, Bound};
use report::process::{RUNTIMES, cpu_time, median, start};
use report::{Table, resident};

/// How many requests are on their way at once.
const SIZE: usize = 100;

/// How long the server takes for an answer.
const LATENCY: Duration = Duration::from_millis(5);

/// Measures what an HTTP client costs.
#[derive(Parser)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
struct Options {
    /// Number of requests.
    #[arg(long, default_value_t = 20_000)]
    requests: u64,
    /// Number of rounds.
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// Print the tables as Markdown for the book.
    #[arg(long)]
    markdown: bool,
    /// Fail if a bound does not hold.
    #[arg(long)]
    check: bool,
    /// Internal: this process is the server.
    #[arg(long, hide = true)]
    serve: bool,
    /// Internal: this process is the one whose memory is measured, with a runtime, a way and the server's address.
    #[arg(long, hide = true, num_args = 3)]
    measured: Option<Vec<String>>,
    /// Passed by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

/// A way to send the requests. Returns the sum of what the answers say.
struct Way {
    id: &'static str,
    title: &'static str,
    send: fn(Client, String, u64) -> BoxFuture<'static, u64>,
}

/// Two of ours, each after the one that it is compared with.
const WAYS: [Way; 4] = [
    Way { id: "buffered", title: "buffer_unordered", send: |client, base, n| buffered(client, base, n).boxed() },
    Way { id: "imap", title: "f::imap_unordered", send: |client, base, n| imap(client, base, n).boxed() },
    Way { id: "semaphore", title: "Semaphore + spawn", send: |client, base, n| semaphore(client, base, n).boxed() },
    Way { id: "spawn", title: "f::spawn", send: |client, base, n| spawn(client, base, n).boxed() },
];

/// Requests the answer to one question.
async fn ask(client: &Client, base: &str, number: u64) -> u64 {
    let response = client.get(format!("{base}/{number}")).send().await.expect("the server answers");
    let text = response.error_for_status().expect("it knows all questions").text().await.expect("it answers whole");
    text.parse().expect("it answers with a number")
}

async fn buffered(client: Client, base: String, requests: u64) -> u64 {
    let (client, base) = (&client, base.as_str());
    let answers = stream::iter((0..requests).map(|number| ask(client, base, number))).buffer_unordered(SIZE);
    answers.fold(0, async |sum, answer| sum + answer).await
}

#[green_pool(size = SIZE)]
async fn fetch(#[shared] client: Client, #[shared] base: Arc<str>, number: u64) -> u64 {
    ask(&client, &base, number).await
}

async fn imap(client: Client, base: String, requests: u64) -> u64 {
    let mut sum = 0;
    let mut answers = fetch::imap_unordered(client, base.into(), 0..requests);
    while let Some(answer) = answers.next().await {
        sum += answer.expect("no job panics");
    }
    sum
}

async fn semaphore(client: Client, base: String, requests: u64) -> u64 {
    let (base, semaphore): (Arc<str>, _) = (base.into(), Arc::new(Semaphore::new(SIZE)));
    let mut jobs = JoinSet::new();
    for number in 0..requests {
        let permit = semaphore.clone().acquire_owned().await.expect("nobody closes it");
        let (client, base) = (client.clone(), base.clone());
        jobs.spawn(async move {
            let answer = ask(&client, &base, number).await;
            drop(permit);
            answer
        });
    }
    jobs.join_all().await.into_iter().sum()
}

async fn spawn(client: Client, base: String, requests: u64) -> u64 {
    let base: Arc<str> = base.into();
    let mut jobs = Vec::new();
    for number in 0..requests {
        jobs.push(fetch::spawn(client.clone(), base.clone(), number).await);
    }
    let mut sum = 0;
    for job in jobs {
        sum += job.await.expect("no job panics");
    }
    sum
}

fn main() -> ExitCode {
    report::exit(run(&Options::parse()))
}

/// Returns whether all checks passed.
fn run(options: &Options) -> Result<bool, String> {
    rustls::crypto::ring::default_provider().install_default().map_err(|_| "another provider is installed")?;
    if options.serve {
        return serve().map(|()| true);
    }
    if let Some([runtime, way, base]) = options.measured.as_deref() {
        let way = WAYS.iter().find(|known| known.id == way).ok_or_else(|| format!("unknown way `{way}`"))?;
        measure(&start(runtime)?, way, base, options.requests)?;
        println!("{}", resident::peak());
        return Ok(true);
    }
    let (_server, base) = server()?;
    let title = format!("{} requests, {SIZE} at once, a server that takes {LATENCY:?}", options.requests);
    let mut table = Table::new(&title, &["runtime", "way"], &["time", "CPU time", "peak resident"]);
    let mut bounds = Vec::new();
    for (id, setting) in RUNTIMES {
        let costs = measure_all(id, &base, options)?;
        for (way, cost) in WAYS.iter().zip(&costs) {
            let [time, cpu, memory] = [&cost.times, &cost.cpu, &cost.memory].map(|all| median(all.iter().copied()));
            let cells = [format!("{time:.3} s"), format!("{cpu:.3} s"), format!("{memory:.1} MiB")];
            table.row([setting, way.title].map(String::from).into_iter().chain(cells).collect());
        }
        for (ways, costs) in WAYS.chunks_exact(2).zip(costs.chunks_exact(2)) {
            bounds.extend(compare(ways, costs, setting));
        }
    }
    report::print(&[table, bound::table(&bounds)], options.markdown);
    report::write("client", json!({ "requests": options.requests, "bounds": bound::json(&bounds) }))
        .map_err(|why| format!("cannot write the figures: {why}"))?;
    Ok(!options.check || bounds.iter().all(Bound::holds))
}

/// What a way took, in each round.
#[derive(Default)]
struct Cost {
    times: Vec<f64>,
    cpu: Vec<f64>,
    memory: Vec<f64>,
}

/// All ways in turns, on one runtime.
fn measure_all(id: &str, base: &str, options: &Options) -> Result<[Cost; WAYS.len()], String> {
    let runtime = start(id)?;
    let mut costs: [Cost; WAYS.len()] = Default::default();
    for round in 0..=options.rounds.max(1) {
        for (way, cost) in WAYS.iter().zip(&mut costs) {
            let (time, cpu) = measure(&runtime, way, base, options.requests)?;
            // The first round only warms up.
            if round > 0 {
                cost.times.push(time.as_secs_f64());
                cost.cpu.push(cpu.as_secs_f64());
            }
        }
    }
    for _ in 0..3 {
        for (way, cost) in WAYS.iter().zip(&mut costs) {
            cost.memory.push(measure_apart(id, way, base, options.requests)?);
        }
    }
    Ok(costs)
}

/// The bounds of a way of ours against its peer.
fn compare(ways: &[Way], costs: &[Cost], setting: &str) -> [Bound; 3] {
    let rows: [(&str, fn(&Cost) -> &Vec<f64>, f64); 3] = [
        ("wall time", |cost| &cost.times, 1.0),
        ("CPU time", |cost| &cost.cpu, 1.0),
        ("peak memory", |cost| &cost.memory, 1.05),
    ];
    rows.map(|(what, of, limit)| Bound {
        what: format!("{}, {what}", ways[1].title),
        against: ways[0].title.into(),
        setting: setting.into(),
        figure: median(of(&costs[1]).iter().zip(of(&costs[0])).map(|(ours, peer)| ours / peer)),
        main: None,
        limit,
        at_least: false,
        unit: "",
    })
}

/// Sends the requests in a task, as most programs do. Returns the wall time and the CPU time.
fn measure(runtime: &Runtime, way: &Way, base: &str, requests: u64) -> Result<(Duration, Duration), String> {
    let client = Client::builder().no_proxy().build().map_err(|why| format!("cannot make a client: {why}"))?;
    let (before, cpu_before) = (Instant::now(), cpu_time()?);
    let sum = runtime.block_on(async { tokio::spawn((way.send)(client, base.to_owned(), requests)).await });
    let cost = (before.elapsed(), cpu_time()?.saturating_sub(cpu_before));
    match sum {
        Ok(sum) if sum == (0..requests).sum::<u64>() => Ok(cost),
        other => Err(format!("{} gave {other:?}", way.title)),
    }
}

/// The peak resident memory in MiB of a process that only does this.
fn measure_apart(runtime: &str, way: &Way, base: &str, requests: u64) -> Result<f64, String> {
    let requests = requests.to_string();
    let output = this_program()?
        .args(["--requests", &requests, "--measured", runtime, way.id, base])
        .output()
        .map_err(|why| format!("cannot start {}: {why}", way.id))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let peak: f64 = text.trim().parse().map_err(|why| format!("{} printed `{text}`: {why}", way.id))?;
    Ok(peak / (1024.0 * 1024.0))
}

fn this_program() -> Result<Command, String> {
    std::env::current_exe().map(Command::new).map_err(|why| format!("cannot find this program: {why}"))
}

/// A process that is killed when this is dropped.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // It may be gone already.
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

/// Starts the server. Returns it and its address.
fn server() -> Result<(Killed, String), String> {
    let child = this_program()?.arg("--serve").stdout(Stdio::piped()).spawn();
    let mut child = Killed(child.map_err(|why| format!("cannot start the server: {why}"))?);
    let mut base = String::new();
    let output = child.0.stdout.take().ok_or("the server has no output")?;
    BufReader::new(output).read_line(&mut base).map_err(|why| format!("the server says nothing: {why}"))?;
    Ok((child, base.trim().to_owned()))
}

/// Answers every `/{number}` with that number, after a while.
fn serve() -> Result<(), String> {
    let answer = get(|axum::extract::Path(number): axum::extract::Path<String>| async {
        sleep(LATENCY).await;
        number
    });
    start("current")?.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|why| format!("cannot listen: {why}"))?;
        let address = listener.local_addr().map_err(|why| format!("has no address: {why}"))?;
        println!("http://{address}");
        let app = Router::new().route("/{number}", answer);
        axum::serve(listener, app).await.map_err(|why| format!("the server ended: {why}"))
    })
}
