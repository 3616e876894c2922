//! How many connections this process may have.

use std::io;

use rlimit::increase_nofile_limit;

/// Files that are open anyhow: the standard streams, the runtime's own, the listener.
const SPARE: u64 = 64;

/// Makes room for `connections`, and returns for how many there is room.
///
/// Most systems let a process raise its limit up to a harder one, which only the administrator can raise.
pub(crate) fn make_room(connections: u64) -> io::Result<u64> {
    let limit = increase_nofile_limit(connections + SPARE)?;
    Ok(limit.saturating_sub(SPARE).clamp(1, connections))
}
