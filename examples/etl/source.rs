//! Extract: reads batches of raw rows on a separate thread.

use std::io;
use std::path::{Path, PathBuf};

use csv::{ByteRecord, Reader, ReaderBuilder};
use futures::Stream;
use futures::stream::poll_fn;
use tokio::sync::mpsc::{self, Sender};
use tokio::task;

const COLUMNS: [&str; 5] = ["date", "shop", "item", "quantity", "price"];

/// A batch, or the error that ends the file.
pub(crate) type Read = csv::Result<Batch>;

/// Rows as they are in the file.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) columns: ByteRecord,
    pub(crate) rows: Vec<ByteRecord>,
    /// The offset of the end of the batch in the file.
    pub(crate) read: u64,
}

// ANCHOR: batches
/// Reads the file in batches of `size` rows. It reads little ahead of the consumer: the
/// channel has a capacity of one, and a full channel makes the reader wait.
pub(crate) fn batches(path: &Path, size: usize) -> impl Stream<Item = Read> + use<> {
    let path = PathBuf::from(path);
    let (give, mut take) = mpsc::channel(1);
    // Reading a file blocks, so it must not happen on a runtime worker thread.
    task::spawn_blocking(move || {
        if let Err(error) = read(&path, size, &give) {
            let _ = give.blocking_send(Err(error));
        }
    });
    poll_fn(move |cx| take.poll_recv(cx))
}
// ANCHOR_END: batches

fn read(path: &Path, size: usize, give: &Sender<Read>) -> csv::Result<()> {
    // A row with too few or too many fields is a bad row, not a reason to stop.
    let mut reader = ReaderBuilder::new().flexible(true).from_path(path)?;
    let columns = reader.byte_headers()?.clone();
    if let Some(missing) = COLUMNS.iter().find(|name| !columns.iter().any(|column| column == name.as_bytes())) {
        let message = format!("the first line has no column `{missing}`; see `--help`");
        return Err(io::Error::new(io::ErrorKind::InvalidData, message).into());
    }
    loop {
        let rows = rows(&mut reader, size)?;
        if rows.is_empty() {
            return Ok(());
        }
        let batch = Batch { columns: columns.clone(), rows, read: reader.position().byte() };
        if give.blocking_send(Ok(batch)).is_err() {
            // The consumer is gone.
            return Ok(());
        }
    }
}

fn rows<R: io::Read>(reader: &mut Reader<R>, size: usize) -> csv::Result<Vec<ByteRecord>> {
    reader.byte_records().take(size).collect()
}
