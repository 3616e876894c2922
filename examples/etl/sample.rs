//! Sample sales, a few of them bad.

use std::fs::File;
use std::io::{BufWriter, Result, Write as _};
use std::path::Path;

use fastrand::Rng;

const SHOPS: [&str; 4] = ["harbour", "market", "mill", "\"north, old town\""];
const ITEMS: [&str; 6] = ["apples", "pears", "plums", "walnuts", "honey", "cider"];

/// One row in this many is bad.
const ONE_BAD_IN: u32 = 20_000;

/// Writes `rows` rows. The same seed gives the same rows.
pub(crate) fn write(path: &Path, rows: u32, seed: u64) -> Result<()> {
    let mut rng = Rng::with_seed(seed);
    let mut file = BufWriter::new(File::create(path)?);
    writeln!(file, "date,shop,item,quantity,price")?;
    for _ in 0..rows {
        let (month, day) = (rng.u8(1..=12), rng.u8(1..=28));
        let shop = SHOPS[rng.usize(..SHOPS.len())];
        let item = ITEMS[rng.usize(..ITEMS.len())];
        let (quantity, euros, cents) = (rng.u8(1..60), rng.u8(..20), rng.u8(1..100));
        if rng.u32(..ONE_BAD_IN) > 0 {
            writeln!(file, "2026-{month:02}-{day:02},{shop},{item},{quantity},{euros}.{cents:02}")?;
            continue;
        }
        match rng.u8(..5) {
            0 => writeln!(file, "2026-{month:02}-31x,{shop},{item},{quantity},{euros}"),
            1 => writeln!(file, "2026-{month:02}-{day:02},{shop},{item},a dozen,{euros}"),
            2 => writeln!(file, "2026-{month:02}-{day:02},{shop},{item},{quantity}"),
            3 => writeln!(file, "2026-{month:02}-{day:02},,{item},{quantity},{euros}"),
            _ => writeln!(file, "2026-{month:02}-{day:02},{shop},{item},{quantity},{euros} or so"),
        }?;
    }
    file.flush()
}
