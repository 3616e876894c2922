//! The report of a bench: tables for people and a file for programs.

pub(crate) mod bound;
#[allow(dead_code, reason = "not every bench counts instructions")]
pub(crate) mod callgrind;
#[allow(dead_code, reason = "not every bench measures processes")]
pub(crate) mod process;
#[allow(dead_code, reason = "not every bench measures memory")]
pub(crate) mod resident;

use std::fmt;
use std::path::Path;
use std::process::{Command, ExitCode};

use comfy_table::{CellAlignment, Table as Drawn, presets};
use serde_json::{Value, json};

/// Text columns, then figure columns.
pub(crate) struct Table {
    title: String,
    words: usize,
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(title: &str, words: &[&str], figures: &[&str]) -> Self {
        let head = words.iter().chain(figures).map(ToString::to_string).collect();
        Table { title: title.into(), words: words.len(), head, rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, cells: Vec<String>) {
        assert_eq!(cells.len(), self.head.len(), "a row has a cell in each column");
        self.rows.push(cells);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table as Markdown, for the book.
    pub(crate) fn markdown(&self) -> String {
        let title = &self.title;
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let rule = format!("|{}{}\n", "---|".repeat(self.words), "--:|".repeat(self.head.len() - self.words));
        let rows = self.rows.iter().map(|cells| line(cells));
        let head = [format!("**{title}**\n\n"), line(&self.head), rule];
        head.into_iter().chain(rows).collect()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut drawn = Drawn::new();
        drawn.load_style(presets::UTF8_BORDERS_ONLY).set_header(&self.head).add_rows(&self.rows);
        for column in drawn.column_iter_mut().skip(self.words) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        writeln!(f, "{}\n{drawn}", self.title)
    }
}

/// The exit code of a bench that returns whether its checks passed, or why it could not measure.
pub(crate) fn exit(passed: Result<bool, String>) -> ExitCode {
    match passed {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}

/// Prints the tables as plain text, or as Markdown for the book.
pub(crate) fn print(tables: &[Table], markdown: bool) {
    for table in tables.iter().filter(|table| !table.is_empty()) {
        if markdown {
            println!("{}", table.markdown());
        } else {
            println!("{table}");
        }
    }
}

/// Writes `target/bench/NAME.json` and prints its path.
pub(crate) fn write(name: &str, mut figures: Value) -> std::io::Result<()> {
    figures["machine"] = machine();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("bench");
    std::fs::create_dir_all(&folder)?;
    let file = folder.join(name).with_extension("json");
    std::fs::write(&file, format!("{figures:#}\n"))?;
    eprintln!("written: {}", file.display());
    Ok(())
}

/// The machine that the figures were measured on.
fn machine() -> Value {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cpu = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1));
    let rustc = Command::new("rustc").arg("--version").output().ok();
    let rustc = rustc.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    json!({
        "cpu": cpu,
        "cores": std::thread::available_parallelism().map_or(1, usize::from),
        "system": format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        "rustc": rustc,
        "crates": crates(),
    })
}

/// The versions of the compared crates, from the lock file.
fn crates() -> Value {
    let folders = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let lock = folders.map(|folder| folder.join("Cargo.lock")).find_map(|lock| std::fs::read_to_string(lock).ok());
    let lock = lock.unwrap_or_default();
    let named = ["tokio", "tokio-util", "futures", "futures-buffered", "futures-concurrency"];
    let version = |name: &str| {
        let at = lock.split_once(&format!("name = \"{name}\"\nversion = \""))?.1;
        Some(at.split_once('"')?.0.to_owned())
    };
    named.iter().map(|name| ((*name).to_owned(), json!(version(name)))).collect::<serde_json::Map<_, _>>().into()
}
