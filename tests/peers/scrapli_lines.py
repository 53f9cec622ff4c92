"""The peer: a ten-line change with scrapli over asyncssh, written the way its documentation does it.

Reads a JSON job from standard input and writes one line of JSON: CPU and wall seconds, and peak memory in bytes. What is
typed is what we type: show, the lines, show, save.
"""

import asyncio
import json
import logging
import resource
import sys
import time

from scrapli.driver.core import AsyncIOSXEDriver

logging.disable(logging.CRITICAL)


def driver(job, device):
    return AsyncIOSXEDriver(host=device["host"], port=device["port"], auth_username=job["user"],
                            auth_password=job["password"], auth_secondary=job["password"], auth_strict_key=False,
                            transport="asyncssh", timeout_socket=60, timeout_transport=60, timeout_ops=60)


def checked(response):
    if response.failed:
        raise SystemExit(f"refused: {response.result[:300]}")
    return response


async def change(session, job, lines, present):
    checked(await session.send_command("show running-config"))
    checked(await session.send_configs(lines))
    if (job["marker"] in checked(await session.send_command("show running-config")).result) != present:
        raise SystemExit("the change is not there")
    checked(await session.send_command("write memory"))


async def cold(job, device):
    for lines, present in ((job["lines"], True), (job["lines_back"], False)):
        async with driver(job, device) as session:
            await change(session, job, lines, present)


async def warm(job, session):
    for _ in range(job["pairs"]):
        await change(session, job, job["lines"], True)
        await change(session, job, job["lines_back"], False)


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
