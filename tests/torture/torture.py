"""Torments the programs themselves while transactions flow against real and simulated devices, and judges what comes of it.

A victim halts at a named point and is killed with SIGKILL from outside; others are killed at random moments; links are cut,
devices restarted and told to refuse. The judge reads every device after every transaction and shares no code with us.
`./x torture --help` says how to call it; docs/torture.md what it finds and how to read it.
"""

import argparse
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

from judge import Judge, versions
from parts import ROOT, Broker, Lab, Place, Program, Real, Rest, Window, free_port, tell, until
from tormentor import DEMANDED, Tormentor

PLANTED = ["send-before-durable", "no-read-back", "timer-not-renewed", "unknown-as-committed"]
PERSONALITIES = ["confirmed", "candidate", "running-startup", "frr", "confirmed-1.0", "ios", "running", "confirmed"]


class Split(Exception):
    """What must never be."""


class Network:
    """Everything that runs, in a folder of its own."""

    def __init__(self, folder, programs, arguments):
        self.folder, self.programs, self.arguments = folder, programs, arguments
        self.real, self.clients, self.done = {}, [], {}
        self.random = random.Random(arguments.seed)
        self.in_flight, self.events, self.believed = 0, {}, 0
        self.disturbed = 0
        self.flight_lock = threading.Lock()
        self.full_until = 0.0
        self.small_disk()
        self.lab = Lab(programs, folder, PERSONALITIES)
        devices = list(self.lab.devices)
        if not arguments.no_real:
            # What its timer does it says at this level alone.
            said = ["--", "--log-level=debug"] if arguments.planted == "timer-not-renewed" else []
            self.real["netconfd"] = Real("netconfd", "netconfd", folder, *said)
            self.real["frr"] = Real("frr", "frr", folder, "--interface", "eth1")
            devices.append(self.real["netconfd"].device("ietf", "netconf"))
            devices.append(self.real["frr"].device("frr", "cli"))
        self.devices = devices
        self.judge = Judge(self.real)
        self.settle = 1.0 if arguments.no_real else 2.0
        self.start_programs()

    def start_programs(self):
        self.ports = [free_port() for _ in range(3)]
        count = min(3, len(self.devices))
        self.place = Place(count)
        self.window = Window(self.place, self.ports[0])
        self.broker = Broker(self.folder / "broker", self.place.near(0))
        rows = "".join(f"  - id: {it.id}\n    name: {it.name}\n    address: {it.address}\n    platforms: [{it.platform}]\n"
                       f"    protocols: [{{ name: {it.protocol}, port: {it.port} }}]\n" for it in self.devices)
        (self.folder / "inventory.yaml").write_text("version: 1\ndevices:\n" + rows)
        state = self.folder / "state"
        self.environment = {
            "ENTENTE_STATE": str(state), "ENTENTE_INVENTORY": str(self.folder / "inventory.yaml"),
            "ENTENTE_LISTEN": f"127.0.0.1:{self.ports[0]}", "ENTENTE_AGENTS_LISTEN": f"0.0.0.0:{self.ports[1]}",
            "ENTENTE_AGENTS_ENROLMENT": f"0.0.0.0:{self.ports[2]}",
            "ENTENTE_EVENTS_BROKER": f"{self.broker.address}:{self.broker.port}", "ENTENTE_LOG": "info,point=trace",
            # What is slow outlives a lease that nobody renews.
            "ENTENTE_TERMS_LEASE": "9s" if self.arguments.planted == "timer-not-renewed" else "15s", "ENTENTE_TERMS_IN_DOUBT": "10s", "ENTENTE_TERMS_PREPARE": "15s",
            "ENTENTE_TERMS_APPLY": "15s", "ENTENTE_TORMENTOR": str(self.folder / "tormentor"),
            "ENTENTE_PLANTED": self.arguments.planted or "", "NO_COLOR": "1",
        }
        self.victims = [Program("controller", self.place.command(self.programs / "entente", "serve"), self.folder, self.environment)]
        self.tormentor = Tormentor(self.folder / "tormentor", self.victims, lambda: self.in_flight, self.arguments.seed,
                                   self.arguments.planted)
        self.victims[0].start()
        token = state / "token"
        self.rest = Rest(self.ports[0], lambda: token.read_text().strip())
        until("the controller", lambda: self.up() and token.exists() and self.rest.ask("/v1/health")[0] == 200)
        for at in range(count):
            self.start_agent(at, self.devices[at::count])
        until("the agents", lambda: self.up() and self.rest.ask("/v1/health")[1]["agents"] == count)
        self.broker.set_up(self.programs / "entente", self.environment)
        self.broker.start()

    def small_disk(self):
        """The controller's state lies on a disk so small that it can be filled."""
        state = self.folder / "state"
        state.mkdir(mode=0o700)
        self.disk = os.geteuid() == 0 and subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=96m,mode=0700", "tmpfs", state]).returncode == 0

    def fill_disk(self, seconds):
        """For a while nothing more can be written. A controller may end then; it must not forget."""
        filler = self.folder / "state" / "filler"
        self.full_until = time.monotonic() + seconds + 5
        try:
            with open(filler, "wb", buffering=0) as out:
                while True:
                    out.write(bytes(1 << 20))
        except OSError:
            time.sleep(seconds)
        finally:
            filler.unlink(missing_ok=True)

    def up(self):
        """Whether no program has ended by itself while all start."""
        for victim in self.victims:
            if victim.ended() is not None:
                raise RuntimeError(f"{victim.name} does not start: {(self.folder / victim.name).with_suffix('.log').read_text()[-2000:]}")
        return True

    def start_agent(self, at, devices):
        name, address = f"agent-{at + 1}", self.place.address(at)
        asked = {"devices": [it.name for it in devices]}
        status, invited = self.rest.ask(f"/v1/agents/{name}/invitation", asked)
        if status not in (200, 201):
            raise RuntimeError(f"no invitation for {name}: {invited}")
        home = self.folder / name
        home.mkdir()
        lines = [f"name: {name}", "state: state", "controller:", f"  address: {address}:{self.ports[1]}",
                 f"  enrolment: {address}:{self.ports[2]}", f"  fingerprint: {invited['fingerprint']}",
                 "  token: { file: token }", "step-within: 12s", "log: { filter: 'info,point=trace' }", "credentials:"]
        self.secret(home / "token", invited["token"])
        for it in devices:
            if it.password:
                self.secret(home / f"{it.name}.password", it.password)
                lines.append(f"  {it.name}: {{ user: {it.user}, password: {{ file: {it.name}.password }} }}")
            else:
                self.secret(home / f"{it.name}.key", pathlib.Path(it.key).read_text())
                lines.append(f"  {it.name}: {{ user: {it.user}, key: {it.name}.key }}")
        lines.append("devices:")
        for it in devices:
            lines += [f"  - id: {it.id}", f"    name: {it.name}",
                      f"    ways: [{{ protocol: {it.protocol}, platform: {it.platform}, credential: {it.name}, "
                      f"address: '{it.address}:{it.port}', trust-first-use: true }}]"]
        (home / "agent.yaml").write_text("\n".join(lines) + "\n")
        agent = Program(name, [self.programs / "entente-agent", "run", "--config", home / "agent.yaml"], self.folder,
                        self.environment)
        self.victims.append(agent)
        agent.start()

    @staticmethod
    def secret(path, text):
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as out:
            out.write(text)

    def flying(self, by):
        with self.flight_lock:
            self.in_flight += by

    def listen(self):
        """Takes note of how many events have come: a controller that is started anew counts from nothing."""
        status, count = self.rest.ask("/v1/events/count", timeout=2)
        if status == 200:
            self.believed = max(self.believed, count["believed"])

    def did(self, what):
        """Counts what was done to the network beside killing."""
        self.disturbed += not what.startswith("device")
        tell(self.folder, what)
        self.done[what] = self.done.get(what, 0) + 1

    def fault(self, fault):
        """A simulated device will misbehave once."""
        self.lab.ask(self.random.choice(self.lab.devices), "faults", fault)

    def slow(self, seconds):
        """A simulated device without a candidate of its own timer takes long to apply, and the others have to wait for it."""
        device = self.random.choice([self.lab.devices[at] for at in (1, 2)])
        operation = "commit" if device is self.lab.devices[1] else "edit-config"
        self.lab.ask(device, "faults", {"fault": "delay", "operation": operation, "millis": int(seconds * 1000)})
        threading.Timer(seconds * 2, lambda: self.lab.ask(device, "faults", method="DELETE")).start()

    def troubles(self):
        """How often anybody was killed or cut off by now."""
        return self.tormentor.total + self.disturbed

    def stop(self):
        for victim in self.victims:
            victim.stop()
        for real in self.real.values():
            real.stop()
        self.lab.stop()
        self.broker.stop()
        self.place.stop()
        if self.disk:
            subprocess.run(["umount", "-l", self.folder / "state"])


class Client(threading.Thread):
    """Commits one intent after another on its own devices, and has them judged after each."""

    def __init__(self, network, name, devices):
        super().__init__(name=name, daemon=True)
        self.network, self.name, self.devices = network, name, devices
        self.told, self.number, self.stopping = None, 0, threading.Event()
        self.committed = self.rolled_back = self.transactions = 0
        self.torn, self.failure, self.slowest = [], None, 0.0

    def run(self):
        try:
            while not self.stopping.is_set() and not self.torn:
                self.number += 1
                self.once(f"{self.name}-{self.number}")
        except Split as error:
            self.failure = str(error)
        except Exception as error:  # whatever else it was, the run is not good
            self.failure = f"{type(error).__name__}: {error}"

    def once(self, text):
        plan = self.plan(text)
        if plan is None:
            return
        self.network.flying(1)
        disturbed, fallen = self.network.troubles(), self.fallen()
        tell(self.network.folder, f"{text}: plan {plan['id']}")
        try:
            state, reason = self.commit(plan)
        finally:
            self.network.flying(-1)
        # Nobody was killed and no way was cut: then no device's own timer may have taken back what all agreed on.
        if state in ("committed", "torn") and disturbed == self.network.troubles() and fallen < (now := self.fallen()):
            raise Split(f"{self.name}: {state}, and devices took the change back meanwhile: {fallen} before, {now} now")
        if state == "never began":
            self.judge(self.told, "never began")
            return
        tell(self.network.folder, f"{text}: {state} {reason}")
        self.transactions += 1
        if state == "committed":
            self.committed += 1
            self.judge(text, "committed")
            self.told = text
        elif state == "rolled-back":
            self.rolled_back += 1
            self.judge(self.told, "rolled back")
        else:
            self.torn.append(self.explain(text, reason))
        self.unlocked()

    def plan(self, text):
        """The plan's id and hash, or nothing while nobody can plan."""
        intent = {"class": "interface.set", "name": self.name, "gate": "none", "slots": {
            "device": [it.name for it in self.devices], "interface": "eth1", "description": text,
            "admin": "down" if self.number % 2 else "up"}}
        status, plan = self.network.rest.ask("/v1/plans", intent)
        if status in (200, 201) and plan["devices"]:
            return plan
        self.stopping.wait(0.3)
        return None

    def commit(self, plan):
        rest = self.network.rest
        status, begun = rest.ask(f"/v1/plans/{plan['id']}/commit", {"hash": plan["hash"]})
        if 400 <= status < 500:
            return "never began", begun
        # Only while there is a controller it can be asked to come to an end.
        left, last = 150.0, time.monotonic() + 900
        while left > 0 and time.monotonic() < last:
            asked = time.monotonic()
            status, rows = rest.ask("/v1/transactions")
            rows = rows.get("items", []) if status == 200 and isinstance(rows, dict) else rows
            if status == 200:
                mine = [row for row in rows if row["plan"] == plan["id"]]
                if len(mine) > 1:
                    raise Split(f"{self.name}: one plan was committed {len(mine)} times")
                if not mine:
                    return "never began", ""
                if mine[0]["state"] != "running":
                    return mine[0]["state"], mine[0]["reason"]
            time.sleep(0.2)
            left -= time.monotonic() - asked if status == 200 else 0
        raise Split(f"{self.name}: the transaction of plan {plan['id']} does not end")

    def held(self):
        """What each device holds; None as a whole while one of them does not answer."""
        try:
            return {it.name: self.network.judge.description(it) for it in self.devices}
        except Exception:
            return None

    def judge(self, text, how):
        begun, held = time.monotonic(), None
        while time.monotonic() < begun + 60:
            held = self.held() or held
            if held and all(value == text for value in held.values()):
                self.slowest = max(self.slowest, time.monotonic() - begun)
                return
            time.sleep(0.5)
        raise Split(f"{self.name}: {how}, so every device should say {text!r}, and they say {held}")

    def fallen(self):
        """How often the timers of those devices that have one took a change back, in their own words."""
        timed = [it for it in self.devices if it.personality in ("confirmed", "confirmed-1.0")]
        count = sum(self.network.lab.times(it, "confirm-timeout") for it in timed)
        if any(it.kind == "netconfd" for it in self.devices):
            log = self.network.folder / "netconfd" / "netconfd.log"
            count += log.read_text(errors="replace").count("Confirmed-commit timeout")
        return count

    def explain(self, text, reason):
        """A torn transaction names every device that does not say what the others do, and a device may be away or refuse;
        that it did the opposite of what was decided is what must never be."""
        if "the opposite was done" in reason:
            raise Split(f"{self.name}: torn, and devices did the opposite of what was decided: {reason}")
        held = until(f"the devices of {self.name}", self.held)
        odd = [name for name, value in held.items() if value != text] if text in held.values() else []
        missing = [name for name in odd if name not in reason]
        if missing or not reason:
            raise Split(f"{self.name}: torn without naming {missing}: {reason!r}, and they say {held}")
        return f"{self.name}: {reason}"

    def unlocked(self):
        left = None
        for device in self.devices:
            end = time.monotonic() + 40
            while True:
                try:
                    left = self.network.judge.locked(device)
                except Exception:
                    left = "cannot be asked"
                if left is None or time.monotonic() > end:
                    break
                time.sleep(1)
            if left:
                raise Split(f"{self.name}: a lock was left: {left}")


def supervise(network, stop, failures):
    """Who was killed is started again, after a moment of no certain length."""
    due = {}
    while not stop.is_set():
        for victim in network.victims:
            code = victim.ended()
            if code is not None and victim.name == "controller" and time.monotonic() < network.full_until:
                victim.kill()
            elif code is not None:
                failures.append(f"{victim.name} ended by itself with status {code}")
                victim.kill()
            if victim.pid() is None:
                at = due.setdefault(victim.name, time.monotonic() + network.random.uniform(0, 1.5))
                if time.monotonic() >= at:
                    due.pop(victim.name)
                    victim.start()
        stop.wait(0.05)


def calm(network, end):
    """Who is tormented without a pause commits nothing: then it is waited until somebody has committed again."""
    def committed():
        return sum(it.committed for it in network.clients)
    before, transactions = committed(), sum(it.transactions for it in network.clients)
    if before * 10 >= transactions * 6:
        return
    until_ = min(end, time.monotonic() + 90)
    while time.monotonic() < until_ and committed() == before and all(it.is_alive() for it in network.clients):
        time.sleep(0.05)


def torment(network, end, show):
    """One torment after another until the time is over."""
    random_, tormentor = network.random, network.tormentor
    while time.monotonic() < end and any(it.is_alive() for it in network.clients):
        if network.arguments.planted and any(it.failure for it in network.clients):
            return
        calm(network, end)
        # nobody is killed while nothing flies: that would prove little
        if network.in_flight == 0:
            time.sleep(0.02)
            continue
        choice = random_.random() if network.arguments.planted != "timer-not-renewed" else 0.89
        if choice < 0.74:
            tormentor.arm()
        elif choice < 0.79:
            tormentor.kill_any()
        elif choice < 0.88:
            operation = random_.choice(["commit", "edit-config", "validate"])
            network.did("device refuses")
            network.fault({"fault": "reject", "operation": operation, "tag": "operation-failed", "times": 1})
        elif choice < 0.90:
            network.did("device is slow")
            network.slow(10.5)
        elif choice < 0.91:
            network.did("severed")
            network.place.sever(random_.randrange(len(network.place.links)))
        elif choice < 0.95:
            network.did("cut")
            network.place.cut(random_.randrange(len(network.place.links)), random_.uniform(0.5, 20))
        elif choice < 0.97:
            network.did("broker restarted")
            network.broker.restart(random_.uniform(0, 3))
        elif choice < 0.985 and network.disk:
            network.did("disk full")
            network.fill_disk(2)
        elif network.real:
            name, part = random_.choice(list(network.real.items()))
            network.did(f"{name} restarted")
            part.run("restart", check=False)
        show()
        network.listen()
        time.sleep(random_.uniform(0.3, 2 * network.arguments.pace))


def groups(network):
    """Disjoint sets of devices, the real ones among simulated ones; agents have every third device, so that a set needs
    several of them."""
    order = [it for it in network.devices if it.kind == "simulated"]
    for at, real in zip((3, 7), (it for it in network.devices if it.kind != "simulated")):
        order.insert(at, real)
    count = max(1, len(order) // 3)
    size = -(-len(order) // count)
    return [order[at * size:(at + 1) * size] for at in range(count)]


def summary(network, clients, failures):
    tormentor = network.tormentor
    unhit = [point for point in DEMANDED if not tormentor.kills[point]]
    version = versions()
    split = [it.failure for it in clients if it.failure and "lock was left" not in it.failure]
    locks = [it.failure for it in clients if it.failure and "lock was left" in it.failure]
    return {
        "kills": tormentor.total, "kills_in_flight": tormentor.in_flight_kills,
        "transactions": sum(it.transactions for it in clients), "committed": sum(it.committed for it in clients),
        "rolled_back": sum(it.rolled_back for it in clients), "torn": sum(len(it.torn) for it in clients),
        "split": len(split), "locks_left": len(locks), "unhit_points": unhit,
        "by_client": {it.name: {"devices": [device.name for device in it.devices], "transactions": it.transactions,
                                "committed": it.committed} for it in clients},
        "done": network.done, "events": network.events, "kills_by_point": dict(sorted(tormentor.kills.items())), "visits_by_point": dict(sorted(tormentor.visits.items())),
        "explained": [reason for it in clients for reason in it.torn], "failures": split + locks + failures,
        "slowest_to_agree_seconds": round(max((it.slowest for it in clients), default=0), 1),
        "real": {kind: {"version": version.get(kind, "simulated"), "operations": number}
                 for kind, number in network.judge.operations.items()},
    }


def verdict(found, minutes):
    """Why the run is not good; empty if it is."""
    why = list(found["failures"])
    if found["committed"] * 2 < found["transactions"]:
        why.append(f"only {found['committed']} of {found['transactions']} transactions were committed")
    why += [f"{name} with {', '.join(it['devices'])} committed nothing" for name, it in found["by_client"].items()
            if not it["committed"]]
    if found["transactions"] < minutes * 4:
        why.append(f"only {found['transactions']} transactions in {minutes} minutes")
    if found["kills_in_flight"] * 10 < found["kills"] * 9:
        why.append(f"only {found['kills_in_flight']} of {found['kills']} kills found a transaction in flight")
    if found["unhit_points"]:
        why.append("never killed at: " + "; ".join(found["unhit_points"]))
    return why


def final(network, clients, failures):
    """After the last torment: everything comes up, every intent is there once, and the audit chain holds."""
    for client in clients:
        client.stopping.set()
    for client in clients:
        client.join(timeout=300)
        if client.is_alive():
            failures.append(f"{client.name} does not come to an end")
    if network.arguments.planted and any(it.failure for it in clients):
        return  # it was caught, which is all that is asked here
    until("the controller", lambda: network.rest.ask("/v1/health")[0] == 200)
    for client in clients:
        if client.torn or client.failure:
            continue
        status, rows = network.rest.ask("/v1/intents")
        rows = rows.get("items", []) if isinstance(rows, dict) else rows
        active = [row for row in rows if row["state"] == "active" and row["intent"].get("name") == client.name]
        expected = 1 if client.told else 0
        if len(active) != expected:
            failures.append(f"{client.name}: {len(active)} active intents, {expected} expected")
        elif active and client.told not in json.dumps(active[0]["intent"]["slots"]):
            failures.append(f"{client.name}: holds {active[0]['intent']}, the devices say {client.told!r}")
    delivered(network, clients, failures)
    command = [network.programs / "entente", "audit", "verify"]
    try:
        done = subprocess.run(command, env=os.environ | network.environment, capture_output=True, text=True, timeout=600)
        if done.returncode:
            failures.append(f"the audit chain does not hold: {done.stdout}{done.stderr}")
    except subprocess.TimeoutExpired as error:
        failures.append(f"the audit chain was not verified: {error}")


def delivered(network, clients, failures):
    """Events wait while the broker is away, and none is lost: at the end all have come."""
    def settled():
        status, count = network.rest.ask("/v1/events/count")
        return count if status == 200 and count.get("waiting") == 0 else None
    try:
        network.events = until("the events to be delivered", settled)
    except TimeoutError as error:
        failures.append(f"{error}: {network.rest.ask('/v1/events/count')[1]}")
        return
    if network.events["lost"]:
        failures.append(f"events were lost: {network.events}")
    network.listen()
    if not network.believed:
        failures.append(f"no event came over the broker: {network.events}")


def run(arguments):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="entente-torture-"))
    # The real router's user reads his keys below; what is secret has a mode of its own.
    folder.chmod(0o711)
    network, failures, stop = None, [], threading.Event()
    try:
        network = Network(folder, pathlib.Path(arguments.programs), arguments)
        clients = [Client(network, f"group-{at}", group) for at, group in enumerate(groups(network))]
        network.clients = clients
        threading.Thread(target=supervise, args=(network, stop, failures), daemon=True).start()
        for client in clients:
            client.start()
        begun = time.monotonic()

        def show():
            if sys.stderr.isatty():
                done = sum(it.transactions for it in clients)
                left = max(0, arguments.minutes * 60 - (time.monotonic() - begun))
                sys.stderr.write(f"\r{done} transactions, {network.tormentor.total} kills, {left:.0f} s left   ")
        torment(network, begun + arguments.minutes * 60, show)
        took = time.monotonic() - begun
        final(network, clients, failures)
        stop.set()
        return summary(network, clients, failures) | {"planted": arguments.planted, "seconds": round(took)}, folder
    finally:
        stop.set()
        if network:
            network.stop()


def main():
    parser = argparse.ArgumentParser(prog="x torture", description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=3, help="how long (default 3; 30 in a full run)")
    parser.add_argument("--pace", type=float, default=1.0, help="seconds between torments, on average")
    parser.add_argument("--seed", type=int, default=1, help="the order of torments; what the machine does with them differs")
    parser.add_argument("--planted", choices=PLANTED, help="plant this bug: the run must then fail")
    parser.add_argument("--no-real", action="store_true", help="simulated devices only")
    parser.add_argument("--report", help="write what was found as JSON")
    parser.add_argument("--keep", action="store_true", help="keep the logs also of a good run")
    parser.add_argument("--programs", default=str(ROOT / "target/torture"), help="where the tormented programs are")
    arguments = parser.parse_args()
    found, folder = run(arguments)
    if arguments.report:
        pathlib.Path(arguments.report).write_text(json.dumps(found, indent=2) + "\n")
    why = verdict(found, arguments.minutes)
    for point, number in found["kills_by_point"].items():
        print(f"  {number:4} kills  {found['visits_by_point'].get(point, 0):6} visits  {point}")
    for line in found["explained"]:
        print(f"  torn: {line}")
    print("{transactions} transactions: {committed} committed, {rolled_back} rolled back, {torn} torn, {split} split; "
          "{kills} kills, {kills_in_flight} with a transaction in flight; {locks_left} locks left; at most "
          "{slowest_to_agree_seconds} s until all devices said the same".format(**found))
    if why:
        print("the run is not good:\n  " + "\n  ".join(why) + f"\nlogs: {folder}")
        sys.exit(1)
    if not arguments.keep:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
