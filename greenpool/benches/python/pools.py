"""The cost of a no-op job in the pools of eventlet and gevent, from which greenpool takes its terms.

    python3 -m venv /tmp/pools
    /tmp/pools/bin/pip install eventlet gevent
    /tmp/pools/bin/python greenpool/benches/python/pools.py

Each figure comes from its own process: the CPU time of 50,000 jobs in a pool of 100, divided by their number (the
median of three processes), and the peak memory of a process that maps over 10,000 and over 1,000,000 items.
"""

import importlib.metadata
import platform
import resource
import statistics
import subprocess
import sys
import time

SIZE = 100
JOBS = 50_000
RUNS = 3
FEW, MANY = 10_000, 1_000_000


def noop(number):
    return number


def eventlet_spawn_n(jobs):
    import eventlet

    pool = eventlet.GreenPool(SIZE)
    for number in range(jobs):
        pool.spawn_n(noop, number)
    pool.waitall()


def eventlet_spawn(jobs):
    import eventlet

    pool = eventlet.GreenPool(SIZE)
    for first in range(0, jobs, SIZE):
        threads = [pool.spawn(noop, number) for number in range(first, first + SIZE)]
        for thread in threads:
            thread.wait()


def eventlet_imap(jobs):
    import eventlet

    count = sum(1 for _ in eventlet.GreenPool(SIZE).imap(noop, range(jobs)))
    assert count == jobs, "a result is missing"


def gevent_spawn(jobs):
    from gevent.pool import Pool

    pool = Pool(SIZE)
    for number in range(jobs):
        pool.spawn(noop, number)
    pool.join()


def gevent_imap(jobs):
    from gevent.pool import Pool

    count = sum(1 for _ in Pool(SIZE).imap(noop, range(jobs)))
    assert count == jobs, "a result is missing"


CASES = {
    "eventlet spawn_n + waitall": eventlet_spawn_n,
    "eventlet spawn + wait": eventlet_spawn,
    "eventlet imap": eventlet_imap,
    "gevent spawn + join": gevent_spawn,
    "gevent imap": gevent_imap,
}


def child(name, jobs):
    """Prints the CPU time per job in microseconds and the peak memory in MiB."""
    case = CASES[name]
    case(SIZE)  # imports, and starts the hub
    begin = time.process_time()
    case(jobs)
    cpu = time.process_time() - begin
    # Linux reports kB, macOS reports bytes.
    scale = 1024 if sys.platform == "darwin" else 1
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale / 1024
    print(cpu / jobs * 1e6, peak)


def measure(name, jobs):
    output = subprocess.run([sys.executable, __file__, name, str(jobs)], check=True, capture_output=True, text=True)
    cpu, peak = map(float, output.stdout.split())
    return cpu, peak


def main():
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ["eventlet", "gevent", "greenlet"])
    print(f"Python {platform.python_version()}, {versions}\n")
    print("| what | us of CPU per job | peak, 10,000 items | peak, 1,000,000 items |")
    print("|---|--:|--:|--:|")
    for name in CASES:
        cpu = statistics.median(measure(name, JOBS)[0] for _ in range(RUNS))
        peaks = [f"{measure(name, jobs)[1]:.1f} MiB" for jobs in (FEW, MANY)] if "imap" in name else ["", ""]
        print(f"| {name} | {cpu:.1f} | {peaks[0]} | {peaks[1]} |", flush=True)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        child(sys.argv[1], int(sys.argv[2]))
    else:
        main()
