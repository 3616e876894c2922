#!/usr/bin/env bash
# Installs what the bench `farm` is compared with into target/peers: Celery with pip, BullMQ with npm. Both need a
# `redis-server`, which comes from the distribution.
set -euo pipefail
cd "$(dirname "$0")/../../../.."

command -v redis-server >/dev/null || echo "there is no redis-server: install it, as with \`apt-get install redis-server\`" >&2
python3 -m venv target/peers
target/peers/bin/python -m pip install --quiet --disable-pip-version-check "celery[redis]==5.7.0" packaging
npm install --silent --no-fund --no-audit --prefix target/peers "bullmq@6.7.0" ioredis
