//! The server: one pool job for each client.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use greenpool::green_pool;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

/// How long a client may take for one message. Without this, an idle client would hold its slot forever.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the server has done so far.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Clients accepted from the system's queue.
    pub(crate) accepted: AtomicUsize,
    /// Clients served until they hung up.
    pub(crate) served: AtomicUsize,
    /// Clients that disconnected with an error or were too slow.
    pub(crate) lost: AtomicUsize,
    /// Clients in a handler, counted by the handlers, not by the pool.
    inside: AtomicUsize,
    /// The most clients that were in a handler at once.
    pub(crate) peak: AtomicUsize,
}

// ANCHOR: handle
/// Serves one client until it hangs up.
#[green_pool(size = 1000)]
pub(crate) async fn handle(mut client: TcpStream, counts: Arc<Counts>) {
    let _inside = Inside::enter(&counts);
    match echo(&mut client).await {
        Ok(()) => counts.served.fetch_add(1, Ordering::Relaxed),
        Err(_) => counts.lost.fetch_add(1, Ordering::Relaxed),
    };
}

async fn echo(client: &mut TcpStream) -> io::Result<()> {
    let mut buffer = [0; 1024];
    loop {
        let read = timeout(PATIENCE, client.read(&mut buffer)).await??;
        if read == 0 {
            return Ok(());
        }
        timeout(PATIENCE, client.write_all(&buffer[..read])).await??;
    }
}
// ANCHOR_END: handle

// ANCHOR: serve
/// Accepts clients until `stop`. A client that was accepted is always served.
pub(crate) async fn serve(listener: TcpListener, counts: Arc<Counts>, stop: Arc<Notify>) {
    // Takes the slot first, so while no slot is free, no client is accepted: the system's
    // queue fills up instead of this program's memory. A closed pool has no more slots.
    while let Ok(slot) = handle::pool().slot().await {
        let accepted = tokio::select! {
            biased;
            () = stop.notified() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((client, _)) => {
                counts.accepted.fetch_add(1, Ordering::Relaxed);
                slot.spawn_n(handle(client, Arc::clone(&counts)));
            }
            // Nearly always: the process is out of file descriptors. Some client will close one.
            Err(_) => sleep(Duration::from_millis(20)).await,
        }
    }
}
// ANCHOR_END: serve

/// Counts as a client in a handler until it is dropped. Aborting a job drops it too.
struct Inside<'a>(&'a Counts);

impl<'a> Inside<'a> {
    fn enter(counts: &'a Counts) -> Self {
        let inside = counts.inside.fetch_add(1, Ordering::Relaxed) + 1;
        counts.peak.fetch_max(inside, Ordering::Relaxed);
        Self(counts)
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.inside.fetch_sub(1, Ordering::Relaxed);
    }
}
