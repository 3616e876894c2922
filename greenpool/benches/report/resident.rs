//! The resident memory of this process.

/// Its peak in bytes: `VmHWM`, as reported by Linux.
pub(crate) fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("memory is measured on Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<usize>().ok());
    1024 * kilobytes.expect("Linux reports it in kB")
}
