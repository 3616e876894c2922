//! All ways, on both runtimes, with all loads, in pools of several sizes.

use serde_json::{Value, json};

use crate::Plan;
use crate::contest::{Case, Samples, interleave};
use crate::report::Table;
use crate::runtimes::{Place, Runtimes};
use crate::ways::load::Load;
use crate::ways::{Caller, Way};

pub(crate) const USUAL: usize = 100;

/// One figure of the matrix.
struct Cell {
    way: &'static str,
    load: Load,
    place: Place,
    size: usize,
    nanos: f64,
    /// The ratio to the peer that the way is compared with, if that was measured too.
    ratio: Option<f64>,
    rounds: usize,
}

pub(crate) struct Matrix {
    cells: Vec<Cell>,
    sizes: &'static [usize],
}

/// As many jobs as take about a millisecond, which is shorter than a time slice of a busy machine, but at least as many
/// as the pool can run at once.
fn jobs(load: Load, size: usize) -> u64 {
    let size = size as u64;
    match load {
        Load::Noop | Load::Takes | Load::MaySleep | Load::Yields => (2 * size).max(4_000),
        Load::Computes1us => size.max(1_000),
        Load::Computes10us => size.max(200),
        Load::Sleeps1ms => (10 * size).min(20_000),
    }
}

pub(crate) fn measure(plan: &Plan, runtimes: &Runtimes) -> Matrix {
    let mut cells = Vec::new();
    for load in Load::ALL {
        for &size in plan.sizes {
            let ways = load.ways();
            let wanted = Place::ALL.into_iter().flat_map(|place| ways.iter().map(move |way| (place, way)));
            let label = |place: Place, way: &Way| format!("{}/{}/{size}/{}", place.name(), load.name(), way.id);
            let wanted: Vec<_> = wanted.filter(|(place, way)| plan.wants(&label(*place, way))).collect();
            if wanted.is_empty() {
                continue;
            }
            eprintln!("measuring {}, pool of {size}", load.title());
            let jobs = jobs(load, size);
            let cases = wanted
                .iter()
                .map(|&(place, way)| Case::timed(jobs, move || way.run(runtimes.of(place), Caller::Task, size, jobs)));
            let samples = interleave(&cases.collect::<Vec<_>>(), plan.budget);
            let measured: Vec<_> = wanted.iter().copied().zip(&samples).collect();
            cells.extend(measured.iter().map(|&((place, way), samples)| Cell {
                way: way.id,
                load,
                place,
                size,
                nanos: samples.median(),
                ratio: against(&measured, place, way).map(|against| samples.ratio(against)),
                rounds: samples.rounds(),
            }));
        }
    }
    Matrix { cells, sizes: plan.sizes }
}

/// The samples of a way's peer, on the same runtime.
fn against<'a>(measured: &[((Place, &Way), &'a Samples)], place: Place, way: &Way) -> Option<&'a Samples> {
    measured.iter().find(|((of, peer), _)| *of == place && peer.id == way.against).map(|(_, samples)| *samples)
}

impl Matrix {
    /// One table for each runtime and load.
    pub(crate) fn tables(&self) -> Vec<Table> {
        let pairs = Place::ALL.into_iter().flat_map(|place| Load::ALL.map(|load| (place, load)));
        let table = |(place, load): (Place, Load)| {
            let columns = self.sizes.iter().map(|&size| (format!("pool of {size}"), place, load, size));
            self.table(&format!("{}, {}", place.title(), load.title()), &columns.collect::<Vec<_>>())
        };
        pairs.map(table).collect()
    }

    /// One table for each load, with the usual pool size. These are narrow enough for the book.
    pub(crate) fn summary(&self) -> Vec<Table> {
        let table = |load: Load| {
            let columns = Place::ALL.map(|place| (place.threads().to_owned(), place, load, USUAL));
            self.table(load.title(), &columns)
        };
        Load::ALL.into_iter().map(table).collect()
    }

    fn table(&self, about: &str, columns: &[(String, Place, Load, usize)]) -> Table {
        let title = format!("{about}: ns per job (and the ratio to the first row of each half)");
        let heads: Vec<_> = columns.iter().map(|(head, ..)| head.as_str()).collect();
        let mut table = Table::new(&title, &["way"], &heads);
        for way in Load::Noop.ways() {
            let cell = |(_, place, load, size): &(String, Place, Load, usize)| {
                let is = |cell: &&Cell| {
                    cell.way == way.id && cell.load == *load && cell.place == *place && cell.size == *size
                };
                self.cells.iter().find(is)
            };
            let cells: Vec<_> = columns.iter().map(cell).collect();
            if cells.iter().any(Option::is_some) {
                let texts = cells.iter().map(|cell| cell.map_or_else(String::new, Cell::text));
                table.row([way.title.to_owned()].into_iter().chain(texts).collect());
            }
        }
        table
    }

    pub(crate) fn json(&self) -> Value {
        self.cells.iter().map(Cell::json).collect()
    }
}

impl Cell {
    fn text(&self) -> String {
        let ratio = self.ratio.map_or_else(String::new, |ratio| format!(" ({ratio:.2})"));
        format!("{:.0}{ratio}", self.nanos)
    }

    fn json(&self) -> Value {
        json!({
            "way": self.way,
            "load": self.load.name(),
            "future_bytes": self.load.bytes(),
            "runtime": self.place.name(),
            "size": self.size,
            "nanos_a_job": self.nanos,
            "ratio": self.ratio,
            "rounds": self.rounds,
        })
    }
}
