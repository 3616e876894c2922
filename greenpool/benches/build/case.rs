//! What is compiled.

use std::fmt::Write;

/// One way to run functions, or to leave them alone.
#[derive(Clone, Copy)]
pub(crate) struct Case {
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    /// Above each function.
    attribute: &'static str,
    /// An expression that runs function `{}` and gives the length of its result; empty for functions that nothing
    /// calls.
    call: &'static str,
}

const DECLARED: &str = "#[greenpool::green_pool(size = 100)]";

/// The first is what the others are compared with.
pub(crate) const USED: [Case; 5] = [
    Case {
        id: "tokio-spawn",
        title: "tokio::spawn(f(..))",
        attribute: "",
        call: "len(tokio::spawn(fetch_{}(1, name)).await)",
    },
    Case {
        id: "pool-spawn",
        title: "pool.spawn(f(..))",
        attribute: "",
        call: "len(POOL.spawn(fetch_{}(1, name)).await.await)",
    },
    Case { id: "spawn", title: "f::spawn(..)", attribute: DECLARED, call: "len(fetch_{}::spawn(1, name).await.await)" },
    Case { id: "spawn-n", title: "f::spawn_n(..)", attribute: DECLARED, call: "fetch_{}::spawn_n(1, name).await" },
    Case {
        id: "imap",
        title: "f::imap(..)",
        attribute: DECLARED,
        call: "fetch_{}::imap(0..9, std::iter::repeat(name)).next().await.map_or(0, len)",
    },
];

/// The first is what the other is compared with.
pub(crate) const UNUSED: [Case; 2] = [
    Case { id: "bare", title: "pub async fn f", attribute: "", call: "" },
    Case { id: "declared", title: "#[green_pool] pub async fn f", attribute: DECLARED, call: "" },
];

pub(crate) fn all() -> Vec<Case> {
    USED.into_iter().chain(UNUSED).collect()
}

const HEAD: &str = r"
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

pub static POOL: greenpool::GreenPool = greenpool::GreenPool::const_new(100);

/// Each function has an output of its own.
pub struct Page<const N: usize>(pub String);

pub type Called = Pin<Box<dyn Future<Output = usize> + Send>>;

pub fn len<const N: usize, E>(page: Result<Result<Page<N>, String>, E>) -> usize {
    page.map_or(0, |page| page.map_or(1, |page| page.0.len()))
}
";

const FUNCTION: &str = r#"
ATTRIBUTE
pub async fn fetch_{}(id: u32, name: String) -> Result<Page<{}>, String> {
    tokio::time::sleep(Duration::from_millis(u64::from(id))).await;
    if name.is_empty() {
        return Err(format!("page {id} has no name"));
    }
    Ok(Page(name))
}
"#;

/// Boxed, so that the future of the caller is compiled in any case.
const CALLER: &str = r"
pub fn call_{}(name: String) -> Called {
    Box::pin(async move { CALL })
}
";

impl Case {
    /// The source of a library of that many functions.
    pub(crate) fn source(&self, functions: usize) -> String {
        let mut source = String::from(HEAD);
        let caller = self.caller();
        for function in 0..functions {
            let number = function.to_string();
            source += &FUNCTION.replace("ATTRIBUTE\n", self.attribute).replace("{}", &number);
            source += &caller.replace("{}", &number);
        }
        let _ = writeln!(source, "// {functions} functions");
        source
    }

    fn caller(&self) -> String {
        match self.call {
            "" => String::new(),
            // It gives nothing, and the caller a length.
            call if self.id == "spawn-n" => CALLER.replace("CALL", &format!("{call}; 0")),
            call => CALLER.replace("CALL", call),
        }
    }
}
