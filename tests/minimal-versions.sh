#!/usr/bin/env bash
# Tests the library crates with the oldest versions of their dependencies that Cargo.toml allows:
# a copy of the workspace under the target directory, with these versions in its lock file.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TERM_COLOR=never CARGO_INCREMENTAL=0 RUST_BACKTRACE=0

workspace=${CARGO_TARGET_DIR:-target}/minimal
mkdir -p "$workspace"
# What was built before stays.
find "$workspace" -mindepth 1 -maxdepth 1 ! -name target -exec rm -r {} +
git ls-files -z --cached --others --exclude-standard | tar --null --files-from=- --create \
    | tar --extract --directory "$workspace"

# `NAME = "1.2"`, or `NAME = { version = "1.2", .. }`
minimum() {
    sed -nE "s/^$1 = (\{ version = )?\"([0-9.]+)\".*/\2/p" Cargo.toml greenpool/Cargo.toml | head -n 1
}

cd "$workspace"
export CARGO_TARGET_DIR=$PWD/target
# tokio-util, of which only the tests make use, lets tokio be that old.
for crate in tokio-util tokio futures-core pin-project-lite proc-macro2 quote slab syn tracing; do
    version=$(minimum "$crate")
    [[ -n $version ]] || { echo "error: Cargo.toml has no minimum for $crate" >&2; exit 1; }
    if [[ $version != *.*.* ]]; then version=$version.0; fi
    echo "== $crate $version"
    cargo update --quiet --package "$crate@${version%%.*}" --precise "$version"
done

# Local runtimes are stable since tokio 1.51.
grep --recursive --files-with-matches LocalOptions tests/tests | xargs --no-run-if-empty rm

echo "== build"
cargo build --locked -p greenpool --features tracing
echo "== tests"
cargo test --locked --no-fail-fast -p greenpool -p greenpool-macros -p greenpool-tests
echo "all is well"
