"""The peer: a ten-line change with netmiko, written the way its documentation does it.

Reads a JSON job from standard input and writes one line of JSON: CPU and wall seconds, and peak memory in bytes. What is
typed is what we type: show, the lines, show, save.
"""

import json
import resource
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from netmiko import ConnectHandler


def connect(job, device):
    return ConnectHandler(device_type="cisco_ios", host=device["host"], port=device["port"], username=job["user"],
                          password=job["password"], secret=job["password"], use_keys=False, allow_agent=False,
                          auto_connect=True, fast_cli=True)


def change(session, job, lines, present):
    session.send_command("show running-config")
    session.send_config_set(lines)
    if (job["marker"] in session.send_command("show running-config")) != present:
        raise SystemExit("the change is not there")
    session.save_config()


def cold(job, device):
    for lines, present in ((job["lines"], True), (job["lines_back"], False)):
        with connect(job, device) as session:
            session.enable()
            change(session, job, lines, present)


def warm(job, session):
    for _ in range(job["pairs"]):
        change(session, job, job["lines"], True)
        change(session, job, job["lines_back"], False)


def opened(job, device):
    session = connect(job, device)
    session.enable()
    return session


def main():
    job = json.load(sys.stdin)
    with ThreadPoolExecutor(job["workers"]) as pool:
        things = list(pool.map(lambda it: opened(job, it), job["devices"])) if job["warm"] else job["devices"]
        work = warm if job["warm"] else cold
        cpu, wall = time.process_time(), time.perf_counter()
        list(pool.map(lambda thing: work(job, thing), things))
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        if job["warm"]:
            list(pool.map(lambda session: session.disconnect(), things))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"cpu": cpu, "wall": wall, "memory": memory}))


main()
