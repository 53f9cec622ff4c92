"""The peer: a candidate transaction with scrapli-netconf over asyncssh, written the way its documentation does it.

Reads a JSON job from standard input and writes one line of JSON: CPU and wall seconds, and peak memory in bytes. The
RPCs are the same as ours: lock both, read, edit, validate, confirmed commit, read, confirm, read, unlock both.
"""

import asyncio
import json
import logging
import resource
import sys
import time

from scrapli_netconf.driver import AsyncNetconfDriver

BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"
logging.disable(logging.CRITICAL)


def driver(job, device):
    login = {"auth_password": job["password"]} if job.get("key") is None else {"auth_private_key": job["key"]}
    return AsyncNetconfDriver(host=device["host"], port=device["port"], auth_username=job["user"],
                              auth_strict_key=False, transport="asyncssh", timeout_socket=60, timeout_transport=60,
                              timeout_ops=60, **login)


def checked(response):
    if response.failed:
        raise SystemExit(f"refused: {response.result[:300]}")
    return response


async def transaction(session, job, edit, mark, present):
    async def read():
        return checked(await session.get_config(source="running", filter_=job["filter"], filter_type="subtree"))

    checked(await session.lock(target="running"))
    checked(await session.lock(target="candidate"))
    await read()
    checked(await session.edit_config(config=f'<config xmlns="{BASE}">{edit}</config>', target="candidate"))
    if job["validate"]:
        checked(await session.validate(source="candidate"))
    checked(await session.commit(confirmed=True, timeout=60, persist=mark))
    if (job["marker"] in (await read()).result) != present:
        raise SystemExit("the change is not there after the commit")
    checked(await session.commit(persist_id=mark))
    if (job["marker"] in (await read()).result) != present:
        raise SystemExit("the change is not there after the confirm")
    checked(await session.unlock(target="candidate"))
    checked(await session.unlock(target="running"))


async def cold(job, device):
    for edit, mark, present in ((job["there"], "cold-there", True), (job["back"], "cold-back", False)):
        async with driver(job, device) as session:
            await transaction(session, job, edit, mark, present)


async def warm(job, session):
    for _ in range(job["pairs"]):
        await transaction(session, job, job["there"], "warm-there", True)
        await transaction(session, job, job["back"], "warm-back", False)


async def work(job):
    turn = asyncio.Semaphore(job["workers"])

    async def in_turn(act, thing):
        async with turn:
            return await act(thing)

    async def opened(device):
        session = driver(job, device)
        await session.open()
        return session

    things = job["devices"]
    if job["warm"]:
        things = await asyncio.gather(*(in_turn(opened, device) for device in things))
    act = (lambda session: warm(job, session)) if job["warm"] else (lambda device: cold(job, device))
    cpu, wall = time.process_time(), time.perf_counter()
    await asyncio.gather(*(in_turn(act, thing) for thing in things))
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    if job["warm"]:
        await asyncio.gather(*(session.close() for session in things))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"cpu": cpu, "wall": wall, "memory": memory}))


asyncio.run(work(json.load(sys.stdin)))
