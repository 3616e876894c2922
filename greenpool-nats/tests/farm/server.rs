//! A `nats-server` for one test.

use std::env;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

/// A server with a store of its own, on a free loopback port. Dropping it kills it.
pub(crate) struct Server {
    folder: TempDir,
    port: u16,
    arguments: Vec<String>,
    child: Child,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    /// A server with more arguments.
    pub(crate) fn with(arguments: &[&str]) -> Self {
        Self::bare(&[&["--jetstream"], arguments].concat())
    }

    /// A server that stores nothing.
    pub(crate) fn without_jetstream() -> Self {
        Self::bare(&[])
    }

    /// Three servers that know each other.
    pub(crate) fn cluster() -> [Self; 3] {
        // Another process could take one of these ports before the server does; then the server ends, and so the test.
        let sockets = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").expect("a free port"));
        let ports = sockets.each_ref().map(|socket| socket.local_addr().expect("it is bound").port());
        drop(sockets);
        let routes = ports.map(|port| format!("nats://127.0.0.1:{port}"));
        let all = routes.join(",");
        routes.map(|route| {
            let name = route.replace(['/', ':', '.'], "-");
            let identity = ["--server_name", &name, "--cluster_name", "greenpool", "--cluster", &route];
            Self::with(&[&identity[..], &["--routes", &all]].concat())
        })
    }

    fn bare(arguments: &[&str]) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let arguments: Vec<_> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let child = spawn(folder.path(), -1, &arguments);
        let mut server = Server { folder, port: 0, arguments, child };
        server.port = server.wait();
        server
    }

    #[allow(dead_code, reason = "only the bench looks at its process")]
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Its name in the cluster.
    #[allow(dead_code, reason = "the bench does not use it")]
    pub(crate) fn name(&self) -> &str {
        let at = self.arguments.iter().position(|argument| argument == "--server_name").expect("it is in a cluster");
        &self.arguments[at + 1]
    }

    #[allow(dead_code, reason = "the bench does not use it")]
    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).expect("the server runs");
    }

    /// Kills it, without a warning.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("the server runs");
        self.child.wait().expect("the server ends");
    }

    /// Removes all that it has stored. It must have been killed.
    pub(crate) fn wipe(&self) {
        fs::remove_dir_all(store(self.folder.path())).expect("the server had a store");
    }

    /// Starts it again, on the same port. It must have been killed.
    pub(crate) fn restart(&mut self) {
        self.child = spawn(self.folder.path(), i32::from(self.port), &self.arguments);
        assert_eq!(self.wait(), self.port);
    }

    /// Waits until it listens. Returns its port.
    fn wait(&mut self) -> u16 {
        let file = self.folder.path().join(format!("nats-server_{}.ports", self.child.id()));
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            if let Some(port) = fs::read_to_string(&file).ok().as_deref().and_then(port) {
                return port;
            }
            if let Some(status) = self.child.try_wait().expect("the server can be waited for") {
                panic!("the server ended with {status}");
            }
            assert!(Instant::now() < deadline, "the server does not listen");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have been killed already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn store(folder: &Path) -> PathBuf {
    folder.join("store")
}

/// The port in the file that a server writes when it listens: `{"nats":["nats://127.0.0.1:4222"], ..}`.
fn port(text: &str) -> Option<u16> {
    let ports: serde_json::Value = serde_json::from_str(text).ok()?;
    ports["nats"][0].as_str()?.rsplit(':').next()?.parse().ok()
}

fn spawn(folder: &Path, port: i32, arguments: &[String]) -> Child {
    let program = program();
    let mut command = Command::new(&program);
    command.args(["--addr", "127.0.0.1", "--port", &port.to_string(), "--store_dir"]);
    command.arg(store(folder)).arg("--ports_file_dir").arg(folder).args(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap_or_else(|error| panic!("{} cannot be started: {error}", program.display()))
}

/// The server's program: what `NATS_SERVER` names, or what `tests/server.sh` has installed, or what is on the path.
fn program() -> PathBuf {
    if let Some(named) = env::var_os("NATS_SERVER") {
        return named.into();
    }
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/nats/bin/nats-server");
    if installed.exists() {
        return installed;
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let on_path = env::split_paths(&path).map(|folder| folder.join("nats-server")).find(|program| program.exists());
    on_path.expect(
        "there is no nats-server: run `bash greenpool-nats/tests/server.sh`, which installs one into target/nats, or \
         name one in the variable NATS_SERVER",
    )
}
