//! Sample sales, a few of them bad.

use std::fmt::Write as _;
use std::io::Result;
use std::path::Path;

use fastrand::Rng;
use tokio::fs::File;
use tokio::io::AsyncWriteExt as _;
use tokio::task;

const SHOPS: [&str; 4] = ["harbour", "market", "mill", "\"north, old town\""];
const ITEMS: [&str; 6] = ["apples", "pears", "plums", "walnuts", "honey", "cider"];

/// One row in this many is bad.
const ONE_BAD_IN: u32 = 20_000;

/// Writes `rows` rows, piece by piece. The same seed gives the same rows.
pub(crate) async fn write(path: &Path, rows: u32, seed: u64) -> Result<()> {
    let mut rng = Rng::with_seed(seed);
    let mut file = File::create(path).await?;
    let mut text = "date,shop,item,quantity,price\n".to_owned();
    for _ in 0..rows {
        row(&mut text, &mut rng);
        if text.len() >= 1 << 20 {
            file.write_all(text.as_bytes()).await?;
            text.clear();
            // The disk may always be ready. Ctrl-C needs a turn too.
            task::yield_now().await;
        }
    }
    file.write_all(text.as_bytes()).await?;
    file.flush().await
}

fn row(text: &mut String, rng: &mut Rng) {
    let (month, day) = (rng.u8(1..=12), rng.u8(1..=28));
    let shop = SHOPS[rng.usize(..SHOPS.len())];
    let item = ITEMS[rng.usize(..ITEMS.len())];
    let (quantity, euros, cents) = (rng.u8(1..60), rng.u8(..20), rng.u8(1..100));
    // Writing to a string cannot fail.
    let _ = if rng.u32(..ONE_BAD_IN) > 0 {
        writeln!(text, "2026-{month:02}-{day:02},{shop},{item},{quantity},{euros}.{cents:02}")
    } else {
        match rng.u8(..5) {
            0 => writeln!(text, "2026-{month:02}-31x,{shop},{item},{quantity},{euros}"),
            1 => writeln!(text, "2026-{month:02}-{day:02},{shop},{item},a dozen,{euros}"),
            2 => writeln!(text, "2026-{month:02}-{day:02},{shop},{item},{quantity}"),
            3 => writeln!(text, "2026-{month:02}-{day:02},,{item},{quantity},{euros}"),
            _ => writeln!(text, "2026-{month:02}-{day:02},{shop},{item},{quantity},{euros} or so"),
        }
    };
}
