//! The floor: request and reply, without `JetStream`.

use async_nats::Client;
use futures::StreamExt;
use greenpool::GreenPool;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::measure::{Rate, median};
use crate::work::{Done, Order, work};

const SUBJECT: &str = "floor";

/// As many requests are out at once as the window of the function on a farm has places.
const WINDOW: usize = 200;

/// A connection on a thread of its own, as that of a farm. Whoever shares a thread with its connection takes half as
/// long for a job that does nothing, but is not heard from while a job blocks.
struct Link {
    client: Client,
    _end: oneshot::Sender<()>,
}

impl Link {
    async fn connect(url: &str) -> Self {
        let (end, ended) = oneshot::channel::<()>();
        let (give, given) = oneshot::channel();
        let url = url.to_owned();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let _ = give.send(async_nats::connect(url).await.expect("the server listens"));
                let _ = ended.await;
            });
        });
        Link { client: given.await.expect("the thread connects"), _end: end }
    }
}

/// Answers requests until it is killed.
pub(crate) async fn answer(url: &str) {
    let Link { client, _end } = Link::connect(url).await;
    let mut requests = client.queue_subscribe(SUBJECT, "floor".into()).await.expect("a connection");
    while let Some(request) = requests.next().await {
        let order: (Order,) = rmp_serde::from_slice(&request.payload).expect("an order");
        let done = work(order.0).await;
        let reply = rmp_serde::to_vec_named(&done).expect("it can be written");
        let to = request.reply.expect("somebody waits");
        client.publish(to, reply.into()).await.expect("a connection");
    }
}

/// Who asks.
pub(crate) struct Floor(Link);

impl Floor {
    pub(crate) async fn connect(url: &str) -> Self {
        Floor(Link::connect(url).await)
    }

    async fn ask(client: Client, id: u64) -> Done {
        let body = rmp_serde::to_vec_named(&(Order::new(id, 0),)).expect("it can be written");
        let reply = client.request(SUBJECT, body.into()).await.expect("somebody answers");
        let done: Result<Done, String> = rmp_serde::from_slice(&reply.payload).expect("an answer");
        done.expect("a result")
    }

    pub(crate) async fn throughput(&self, jobs: u64) -> Rate {
        let begin = Instant::now();
        let client = self.0.client.clone();
        let mut results = GreenPool::new(WINDOW).imap(move |id| Self::ask(client.clone(), id), 0..jobs);
        for id in 0..jobs {
            assert_eq!(results.next().await.expect("a result").expect("no panic").id, id);
        }
        Rate::of(jobs, begin.elapsed())
    }

    /// The median.
    pub(crate) async fn single(&self, jobs: u64) -> f64 {
        let mut times = Vec::new();
        for id in 0..jobs {
            let begin = Instant::now();
            Self::ask(self.0.client.clone(), id).await;
            times.push(begin.elapsed().as_secs_f64());
        }
        median(times)
    }
}
