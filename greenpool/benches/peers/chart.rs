//! A chart for the book, from the JSON of an earlier run.

use std::fmt::Write as _;

use serde_json::Value;

use crate::matrix::USUAL;
use crate::runtimes::Place;
use crate::ways::load::Load;

/// The width in units of the drawing, of which a phone shows one in a pixel.
const WIDTH: f64 = 360.0;
/// What the longest bar takes of it. Its figure stands to the right.
const BARS: f64 = 290.0;
const ROW: f64 = 46.0;
const TOP: f64 = 30.0;

/// The ways in the chart. The tables have all of them.
const WAYS: [&str; 9] = [
    "tokio-spawn",
    "semaphore",
    "join-set",
    "spawn",
    "spawn-n",
    "pool-spawn",
    "map-spawn-buffered",
    "buffered",
    "imap",
];

/// Draws the times of `load` in `figures`, which `--chart` has read.
pub(crate) fn draw(figures: &Value, load: Load) -> Result<String, String> {
    let mut rows = Vec::new();
    for id in WAYS {
        let way = load.ways().into_iter().find(|way| way.id == id).expect("the way exists");
        let nanos = Place::ALL.map(|place| nanos(figures, id, load, place));
        let [Some(one), Some(two)] = nanos else { return Err(format!("the file has no figures of {id}")) };
        rows.push((way.title, [one, two]));
    }
    Ok(svg(load.title(), &rows))
}

fn nanos(figures: &Value, way: &str, load: Load, place: Place) -> Option<f64> {
    let is = |cell: &&Value| {
        cell["way"] == way && cell["load"] == load.name() && cell["runtime"] == place.name() && cell["size"] == USUAL
    };
    figures["matrix"].as_array()?.iter().find(is)?["nanos_a_job"].as_f64()
}

/// In the form of the book's other drawings, without an empty line: that would end the HTML in Markdown.
fn svg(jobs: &str, rows: &[(&str, [f64; 2])]) -> String {
    let most = rows.iter().flat_map(|(_, nanos)| nanos).copied().fold(1.0, f64::max);
    let height = rows.iter().fold(TOP, |height, _| height + ROW);
    let name = jobs.replace(' ', "-");
    let mut svg = format!(
        "<figure class=\"diagram\">\n<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
         aria-labelledby=\"chart-{name}\">\n<title id=\"chart-{name}\">Time per job ({jobs}), on one thread and on \
         two</title>\n<rect class=\"job\" x=\"0\" y=\"4\" width=\"12\" height=\"12\"/>\
         <text class=\"small\" x=\"18\" y=\"14\">one thread</text>\n\
         <rect class=\"done\" x=\"110\" y=\"4\" width=\"12\" height=\"12\"/>\
         <text class=\"small\" x=\"128\" y=\"14\">two threads</text>\n"
    );
    let mut top = TOP;
    for (title, nanos) in rows {
        let _ = writeln!(svg, "<text class=\"small\" x=\"0\" y=\"{}\">{title}</text>", top + 11.0);
        for (class, nanos, y) in [("job", nanos[0], top + 16.0), ("done", nanos[1], top + 28.0)] {
            let width = nanos / most * BARS;
            let (text, base) = (width + 5.0, y + 9.0);
            let _ = writeln!(
                svg,
                "<rect class=\"{class}\" x=\"0\" y=\"{y}\" width=\"{width:.1}\" height=\"10\"/>\
                 <text class=\"small\" x=\"{text:.1}\" y=\"{base}\">{nanos:.0} ns</text>"
            );
        }
        top += ROW;
    }
    let _ = write!(svg, "</svg>\n<figcaption>Nanoseconds per job ({jobs}), pool of {USUAL}.</figcaption>\n</figure>");
    svg
}
