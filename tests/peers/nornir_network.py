"""The peer: one change on a whole network, as a script with Nornir and ncclient does it.

Reads a JSON job from standard input and writes one line of JSON: CPU and wall seconds, from the first connection to the
last answer. On every device: lock both, edit, validate, commit, read back, unlock both. What one device refuses the
others keep: that is what agreement is for.
"""

import json
import sys
import time

from ncclient import manager
from nornir.core import Nornir
from nornir.core.inventory import Defaults, Groups, Host, Hosts, Inventory
from nornir.plugins.runners import ThreadedRunner

BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"


def change(task, job):
    host = task.host
    with manager.connect(host=host.hostname, port=host.port, username=job["user"], password=job["password"],
                         hostkey_verify=False, allow_agent=False, look_for_keys=False, timeout=120) as session:
        session.lock("running")
        session.lock("candidate")
        session.edit_config(f'<config xmlns="{BASE}">{job["edit"]}</config>', target="candidate")
        session.validate("candidate")
        session.commit()
        back = session.get_config("running", filter=("subtree", job["filter"])).data_xml
        session.unlock("candidate")
        session.unlock("running")
    if job["marker"] not in back:
        raise RuntimeError("the change is not there after the commit")


def main():
    job = json.load(sys.stdin)
    hosts = Hosts()
    for at, device in enumerate(job["devices"]):
        name = f"d{at}"
        hosts[name] = Host(name=name, hostname=device["host"], port=device["port"])
    inventory = Inventory(hosts=hosts, groups=Groups(), defaults=Defaults())
    nornir = Nornir(inventory=inventory, runner=ThreadedRunner(num_workers=job["workers"]))
    cpu, wall = time.process_time(), time.perf_counter()
    result = nornir.run(task=change, job=job)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    result.raise_on_error()
    print(json.dumps({"cpu": cpu, "wall": wall}))


main()
