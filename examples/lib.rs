//! Code that the examples share.

/// The peak memory of this process so far, in bytes, if the system reports it.
pub fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// Runs `work` until it is done or Ctrl-C comes. Then `work` is dropped, with its progress bars and maps, and `None` is
/// returned.
pub async fn until_interrupt<T>(work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        // In this order, so that Ctrl-C is handled from the first line that `work` prints.
        biased;
        Ok(()) = tokio::signal::ctrl_c() => None,
        output = work => Some(output),
    }
}
