"""The peer: a candidate transaction with ncclient, written the way its documentation does it.

Reads a JSON job from standard input and writes one line of JSON: CPU and wall seconds, and peak memory in bytes. The
RPCs are the same as ours: lock both, read, edit, validate, confirmed commit, read, confirm, read, unlock both.
"""

import json
import resource
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from ncclient import manager
from ncclient.xml_ import to_ele

BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"


def connect(job, device):
    return manager.connect(host=device["host"], port=device["port"], username=job["user"], password=job["password"],
                           key_filename=job.get("key"), hostkey_verify=False, allow_agent=False, look_for_keys=False, timeout=60)


def transaction(session, job, edit, mark, present):
    wanted = ("subtree", job["filter"])
    session.lock("running")
    session.lock("candidate")
    session.get_config("running", filter=wanted)
    session.edit_config(f'<config xmlns="{BASE}">{edit}</config>', target="candidate")
    if job["validate"]:
        session.validate("candidate")
    session.dispatch(to_ele(f'<commit xmlns="{BASE}"><confirmed/><confirm-timeout>60</confirm-timeout>'
                            f"<persist>{mark}</persist></commit>"))
    if (job["marker"] in session.get_config("running", filter=wanted).data_xml) != present:
        raise SystemExit("the change is not there after the commit")
    session.dispatch(to_ele(f'<commit xmlns="{BASE}"><persist-id>{mark}</persist-id></commit>'))
    if (job["marker"] in session.get_config("running", filter=wanted).data_xml) != present:
        raise SystemExit("the change is not there after the confirm")
    session.unlock("candidate")
    session.unlock("running")


def cold(job, device):
    with connect(job, device) as session:
        transaction(session, job, job["there"], "cold-there", True)
    with connect(job, device) as session:
        transaction(session, job, job["back"], "cold-back", False)


def warm(job, session):
    for _ in range(job["pairs"]):
        transaction(session, job, job["there"], "warm-there", True)
        transaction(session, job, job["back"], "warm-back", False)


def main():
    job = json.load(sys.stdin)
    with ThreadPoolExecutor(job["workers"]) as pool:
        if job["warm"]:
            things = list(pool.map(lambda device: connect(job, device), job["devices"]))
        else:
            things = job["devices"]
        work = warm if job["warm"] else cold
        cpu, wall = time.process_time(), time.perf_counter()
        list(pool.map(lambda thing: work(job, thing), things))
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        if job["warm"]:
            list(pool.map(lambda session: session.close_session(), things))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"cpu": cpu, "wall": wall, "memory": memory}))


main()
