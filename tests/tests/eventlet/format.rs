//! The trace format, as `tests/eventlet/FORMAT.md` describes it.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use serde::Deserialize;
use serde_json::Value;

/// One script, with what was observed after each of its steps.
#[derive(Debug, Deserialize)]
pub(crate) struct Scenario {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) tags: Vec<String>,
    #[serde(default)]
    pub(crate) tagged_at: BTreeMap<String, usize>,
    #[serde(default)]
    pub(crate) jobs: BTreeMap<String, JobSpec>,
    pub(crate) steps: Vec<Step>,
    pub(crate) observations: Vec<Observation>,
}

/// What a job does once it runs.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct JobSpec {
    #[serde(default)]
    pub(crate) mode: Mode,
    #[serde(default, rename = "do")]
    pub(crate) ops: Vec<Op>,
}

/// How a job ends.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    /// When its gate is set. The gate decides how.
    #[default]
    Gate,
    Ok,
    Fail,
}

/// One operation, and the name of the green thread that performs it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Step {
    #[serde(rename = "d")]
    pub(crate) driver: String,
    #[serde(flatten)]
    pub(crate) op: Op,
}

/// An operation on a pool, a job, a map or a pile.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub(crate) enum Op {
    NewPool {
        pool: String,
        size: Option<Value>,
    },
    Spawn {
        pool: String,
        job: String,
    },
    SpawnN {
        pool: String,
        job: String,
    },
    Open {
        job: String,
    },
    Fail {
        job: String,
    },
    Join {
        job: String,
    },
    Kill {
        job: String,
    },
    CancelDriver {
        driver: String,
    },
    Resize {
        pool: String,
        size: Value,
    },
    Waitall {
        pool: String,
    },
    Imap {
        pool: String,
        map: String,
        sources: Vec<Vec<Value>>,
        func: Option<String>,
    },
    Starmap {
        pool: String,
        map: String,
        args: Vec<Value>,
    },
    Next {
        map: String,
    },
    NewPile {
        pile: String,
        pool: Option<String>,
        size: Option<Value>,
    },
    PileSpawn {
        pile: String,
        job: String,
    },
    PileNext {
        pile: String,
    },
    Look {
        pool: String,
    },
    Seq {
        #[serde(rename = "do")]
        ops: Vec<Op>,
    },
}

/// Everything observable from outside once nothing is left to run. All of it is cumulative.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Observation {
    pub(crate) pools: BTreeMap<String, Counters>,
    pub(crate) started: Vec<String>,
    pub(crate) finished: Vec<(String, String)>,
    pub(crate) returned: BTreeMap<String, Value>,
    pub(crate) maps: BTreeMap<String, MapSeen>,
    pub(crate) piles: BTreeMap<String, PileSeen>,
}

/// The results of a pool's three counter methods.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
pub(crate) struct Counters {
    pub(crate) free: i64,
    pub(crate) running: i64,
    pub(crate) waiting: i64,
}

/// What a map has yielded, and how far its sources have been read.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct MapSeen {
    pub(crate) items: Vec<Value>,
    pub(crate) pulled: Vec<usize>,
    pub(crate) ended: Vec<bool>,
}

/// What a pile has yielded.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct PileSeen {
    pub(crate) items: Vec<Value>,
}

/// Reads one trace file, plain or gzipped.
pub(crate) fn read(path: &Path) -> Vec<Scenario> {
    let bytes = fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut text = String::new();
    if bytes.starts_with(&[0x1f, 0x8b]) {
        GzDecoder::new(&bytes[..]).read_to_string(&mut text)
    } else {
        (&bytes[..]).read_to_string(&mut text)
    }
    .unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The trace files at `path`: the file itself, or those of a folder sorted by name.
pub(crate) fn files(path: &Path) -> Vec<PathBuf> {
    if !path.is_dir() {
        return vec![path.to_owned()];
    }
    let entries = fs::read_dir(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|file| {
            let name = file.to_string_lossy();
            name.ends_with(".json") || name.ends_with(".json.gz")
        })
        .collect();
    files.sort();
    files
}
