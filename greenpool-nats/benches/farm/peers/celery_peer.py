"""The jobs of the bench on Celery with Redis.

`celery -A celery_peer worker` works, and `python celery_peer.py JOBS SINGLES` submits: it prints how many jobs that do
nothing are done per second, and the median time of one job in seconds.
"""

import os
import statistics
import sys
import time

from celery import Celery, group

URL = os.environ["REDIS_URL"]
app = Celery("peer", broker=URL, backend=URL)
# As on a farm, a job is over when it has run, and its result is kept until it is taken.
app.conf.update(task_acks_late=True, broker_connection_retry_on_startup=True)


@app.task(name="work")
def work(order):
    return {"id": order["id"], "process": os.getpid()}


def order(number):
    return {"id": number, "milliseconds": 0, "article": "a pound of tea"}


def throughput(jobs):
    begin = time.perf_counter()
    results = group(work.s(order(number)) for number in range(jobs))().get()
    taken = time.perf_counter() - begin
    assert [result["id"] for result in results] == list(range(jobs))
    return jobs / taken


def single(jobs):
    times = []
    for number in range(jobs):
        begin = time.perf_counter()
        work.delay(order(number)).get()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


if __name__ == "__main__":
    jobs, singles = int(sys.argv[1]), int(sys.argv[2])
    print(throughput(jobs), single(singles))
