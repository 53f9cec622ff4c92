"""The parts of a torture run: simulated and real devices, the controller, its agents, and the links between them."""

import json
import os
import pathlib
import select
import signal
import socket
import subprocess
import threading
import time
import urllib.request
import uuid

ROOT = pathlib.Path(__file__).resolve().parents[2]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(what, holds, within=60.0, pause=0.05):
    """Waits until something holds; its value, or an error that says what did not come."""
    end = time.monotonic() + within
    while True:
        found = holds()
        if found:
            return found
        if time.monotonic() > end:
            raise TimeoutError(f"waited {within:.0f} s for {what}")
        time.sleep(pause)


class Device:
    """What the judge has to know of a device."""

    def __init__(self, name, kind, platform, protocol, port, user, password=None, key=None, address="127.0.0.1"):
        self.id = str(uuid.uuid4())
        self.name, self.kind, self.platform, self.protocol = name, kind, platform, protocol
        self.address, self.port, self.user, self.password, self.key = address, port, user, password, key


class Lab:
    """Simulated devices, all in one process of their own."""

    def __init__(self, programs, folder, personalities):
        self.log = open(folder / "lab.log", "wb")
        command = [programs / "entente-lab", "devices", "--count", str(len(personalities)), "--name", "sim",
                   "--personality", ",".join(personalities)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.devices = []
        for line in self.process.stdout:
            card = json.loads(line)
            if "control" in card:
                self.control = card["control"]
                break
            self.devices.append(self.device(card))

    @staticmethod
    def device(card):
        terminal = card["personality"] in ("frr", "ios")
        platform = {"frr": "frr", "ios": "cisco_ios"}.get(card["personality"], "ietf")
        port = card["cli_port"] if terminal else card["netconf_port"]
        return Device(card["name"], "simulated", platform, "cli" if terminal else "netconf", port, "admin", "admin",
                      address=card["address"])

    def running(self, device):
        """A datastore past all locks."""
        url = f"http://{self.control.removeprefix('http://')}/devices/{device.name}/config/running"
        with urllib.request.urlopen(url, timeout=20) as answer:
            return answer.read().decode()

    def stop(self):
        self.process.kill()
        self.process.wait()


class Real:
    """A real part behind one of the scripts in labs/real."""

    def __init__(self, name, script, folder, *more):
        self.name, self.script, self.folder = name, ROOT / "labs/real" / script, folder / name
        said = self.run("start", str(free_port()), *more)
        self.card = json.loads(said.strip().splitlines()[-1])

    def run(self, verb, *more, check=True):
        done = subprocess.run([self.script, verb, self.folder, *more], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, timeout=120)
        if check and done.returncode:
            raise RuntimeError(f"{self.name}: {verb} failed: {done.stderr}")
        return done.stdout

    def device(self, platform, protocol):
        card = self.card
        return Device(self.name, self.name, platform, protocol, card["port"], card["user"], key=card["key"])

    def stop(self):
        self.run("stop", check=False)


class Link:
    """The way from the agents to the controller; it can be cut."""

    def __init__(self, target):
        self.target, self.port, self.open, self.pairs = target, free_port(), True, set()
        self.listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            near, _ = self.listener.accept()
            try:
                far = socket.create_connection(("127.0.0.1", self.target), timeout=5)
            except OSError:
                near.close()
                continue
            far.settimeout(None)
            threading.Thread(target=self.carry, args=(near, far), daemon=True).start()

    def carry(self, near, far):
        self.pairs.add((near, far))
        try:
            while True:
                ready, _, _ = select.select([near, far], [], [], 0.5)
                if not self.open:  # bytes wait, as they do behind a link that is down
                    time.sleep(0.05)
                    continue
                for end in ready:
                    data = end.recv(65536)
                    if not data:
                        return
                    (far if end is near else near).sendall(data)
        except OSError:
            pass
        finally:
            self.pairs.discard((near, far))
            near.close()
            far.close()

    def sever(self):
        """Every connection ends at once."""
        for pair in list(self.pairs):
            for end in pair:
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass


class Program:
    """A program of ours that is killed and started again."""

    def __init__(self, name, command, folder, environment):
        self.name, self.command, self.folder, self.environment = name, command, folder, environment
        self.process, self.lock = None, threading.Lock()
        self.wanted = True

    def start(self):
        with self.lock:
            if self.process is None and self.wanted:
                log = open(self.folder / f"{self.name}.log", "ab")
                self.process = subprocess.Popen(self.command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log,
                                                stderr=log, env=os.environ | self.environment)

    def kill(self):
        with self.lock:
            if self.process is not None:
                self.process.send_signal(signal.SIGKILL)
                self.process.wait()
                self.process = None

    def pid(self):
        with self.lock:
            return self.process.pid if self.process else None

    def ended(self):
        """How it ended by itself, if it did."""
        with self.lock:
            return self.process.poll() if self.process else None

    def stop(self):
        self.wanted = False
        self.kill()


class Rest:
    """The controller's REST, as any client sees it."""

    def __init__(self, port, token):
        self.base, self.token = f"http://127.0.0.1:{port}", token

    def ask(self, path, body=None, timeout=15):
        """The answer's status and value; status 0 where there is no answer."""
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(self.base + path, data=data, headers={
            "authorization": f"Bearer {self.token()}", "content-type": "application/json"})
        try:
            with urllib.request.urlopen(asked, timeout=timeout) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(errors="replace")
        except (OSError, ValueError) as error:
            return 0, str(error)
