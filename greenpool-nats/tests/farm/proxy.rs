//! A network that can be cut.

use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::deadline::soon;

/// Forwards bytes between clients and a server. While it is cut, it keeps them back. It ends with the test's runtime.
pub(crate) struct Proxy {
    address: SocketAddr,
    network: Arc<Network>,
}

struct Network {
    cut: watch::Sender<bool>,
    /// The first message of a client with this subject, or one that begins like it, cuts the network before it is sent.
    before: Mutex<Option<&'static str>>,
}

impl Network {
    /// A client wants to send this.
    fn sent(&self, bytes: &[u8]) {
        let mut before = self.before.lock().unwrap();
        let is_in = |subject: &str| bytes.windows(subject.len()).any(|window| window == subject.as_bytes());
        if before.is_some_and(is_in) {
            *before = None;
            self.cut.send_replace(true);
        }
    }
}

impl Proxy {
    pub(crate) async fn to(url: &str) -> Self {
        Self::start(url, None).await
    }

    /// A network that is cut before a client sends its first message with this subject, or one that begins like it.
    pub(crate) async fn cut_before(url: &str, subject: &'static str) -> Self {
        Self::start(url, Some(subject)).await
    }

    async fn start(url: &str, before: Option<&'static str>) -> Self {
        let server = SocketAddr::from_str(url.trim_start_matches("nats://")).expect("an address");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let network = Arc::new(Network { cut: watch::Sender::new(false), before: Mutex::new(before) });
        let proxy = Proxy { address, network: network.clone() };
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let network = network.clone();
                tokio::spawn(async move {
                    let Ok(server) = TcpStream::connect(server).await else { return };
                    let ((from_client, to_client), (from_server, to_server)) =
                        (client.into_split(), server.into_split());
                    let cut = || network.cut.subscribe();
                    tokio::join!(
                        forward(from_client, to_server, cut(), |bytes| network.sent(bytes)),
                        forward(from_server, to_client, cut(), |_| {})
                    );
                });
            }
        });
        proxy
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://{}", self.address)
    }

    /// Keeps all bytes back, or lets them through.
    pub(crate) fn cut(&self, cut: bool) {
        self.network.cut.send_replace(cut);
    }

    /// Waits until it is cut.
    pub(crate) async fn is_cut(&self) {
        soon("the network to be cut", self.network.cut.subscribe().wait_for(|cut| *cut)).await.expect("it is there");
    }
}

async fn forward(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    mut cut: watch::Receiver<bool>,
    look: impl Fn(&[u8]),
) {
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        look(&bytes[..count]);
        if cut.wait_for(|cut| !cut).await.is_err() || to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}
