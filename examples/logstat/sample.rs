//! A sample log.

use std::fmt::Write as _;
use std::io;
use std::path::Path;

use fastrand::Rng;
use indicatif::ProgressBar;
use tokio::fs::File;
use tokio::io::AsyncWriteExt as _;
use tokio::task;

const PATHS: [&str; 8] =
    ["/", "/guide", "/guide/install", "/guide/use", "/faq", "/news", "/images/logo.png", "/search"];

/// Writes a log of about `bytes` bytes, piece by piece. The same seed gives the same log.
pub(crate) async fn write(path: &Path, bytes: u64, seed: u64, bar: &ProgressBar) -> io::Result<()> {
    let mut file = File::create(path).await?;
    let mut rng = Rng::with_seed(seed);
    let mut written = 0;
    let mut second = 0;
    while written < bytes {
        let piece = usize::try_from(bytes - written).unwrap_or(usize::MAX).min(1 << 20);
        let mut text = String::with_capacity(piece + 200);
        while text.len() < piece {
            second += u64::from(rng.u8(..4) == 0);
            line(&mut text, &mut rng, second);
        }
        file.write_all(text.as_bytes()).await?;
        written += text.len() as u64;
        bar.set_position(written);
        // The disk may always be ready. Ctrl-C needs a turn too.
        task::yield_now().await;
    }
    file.flush().await
}

fn line(text: &mut String, rng: &mut Rng, second: u64) {
    if rng.u32(..100_000) == 0 {
        text.push_str("-- the log was turned over here --\n");
        return;
    }
    let (hour, minute, second) = (second / 3600 % 24, second / 60 % 60, second % 60);
    let path = PATHS[rng.usize(..PATHS.len()).min(rng.usize(..PATHS.len()))];
    let status = match rng.u8(..100) {
        0..90 => 200,
        90..95 => 304,
        95..99 => 404,
        _ => 500,
    };
    let (host, size) = (rng.u8(..), rng.u32(200..40_000));
    let time = format_args!("25/Nov/2026:{hour:02}:{minute:02}:{second:02} +0000");
    // Writing to a string cannot fail.
    let _ = writeln!(text, r#"203.0.113.{host} - - [{time}] "GET {path} HTTP/1.1" {status} {size}"#);
}
