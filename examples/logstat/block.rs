//! A block of the log: the lines that begin in it.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::path::Path;

/// How far a line may extend beyond the block in which it begins. The rest of a longer line is ignored.
const MOST_BEYOND: u64 = 64 << 10;

/// Reads the lines that begin in these bytes of the file. So each line is in exactly one block, and complete.
pub(crate) fn read(path: &Path, bytes: Range<u64>) -> io::Result<Vec<u8>> {
    // The byte before the block tells whether a line begins at the block's first byte.
    let from = bytes.start.saturating_sub(1);
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(from))?;
    let mut file = BufReader::new(file);
    let mut block = Vec::new();
    file.by_ref().take(bytes.end - from).read_to_end(&mut block)?;
    if bytes.start > 0 {
        let first = block.iter().position(|&byte| byte == b'\n').map_or(block.len(), |end| end + 1);
        block.drain(..first);
    }
    if block.last().is_some_and(|&byte| byte != b'\n') {
        file.take(MOST_BEYOND).read_until(b'\n', &mut block)?;
    }
    Ok(block)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_in_one_block_for_any_block_size() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        for text in ["one\n\nthree, longer\nfour\n", "no end", "\n", "a\nb"] {
            std::fs::write(&path, text).unwrap();
            let length = text.len() as u64;
            for size in 1..=length {
                let starts = (0..length).step_by(size as usize);
                let blocks = starts.map(|start| read(&path, start..length.min(start + size)).unwrap());
                assert_eq!(blocks.collect::<Vec<_>>().concat(), text.as_bytes(), "in blocks of {size}");
            }
        }
    }
}
