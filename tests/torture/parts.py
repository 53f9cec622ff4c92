"""The parts of a torture run: simulated and real devices, the controller, its agents, and the links between them."""

import ctypes
import datetime
import http.client
import json
import os
import pathlib
import select
import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.request
import uuid

CLONE_NEWNET = 0x40000000
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


def tell(folder, words):
    """Adds to the story of a run, beside what the programs say themselves."""
    stamp = datetime.datetime.now(datetime.timezone.utc).strftime("%H:%M:%S.%f")
    with open(folder / "story.log", "a", encoding="utf-8") as out:
        out.write(f"{stamp} {words}\n")


class Device:
    """What the judge has to know of a device."""

    def __init__(self, name, kind, platform, protocol, port, user, password=None, key=None, address="127.0.0.1",
                 personality=None):
        self.id = str(uuid.uuid4())
        self.name, self.kind, self.platform, self.protocol = name, kind, platform, protocol
        self.personality = personality
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
                      address=card["address"], personality=card["personality"])

    def ask(self, device, what, body=None, method=None):
        """The control of the simulated devices, past everything that is ours."""
        url = f"http://{self.control.removeprefix('http://')}/devices/{device.name}/{what}"
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(url, data, {"content-type": "application/json"}, method=method)
        with urllib.request.urlopen(asked, timeout=20) as answer:
            return answer.read().decode()

    def times(self, device, operation):
        """How often something happened on a device."""
        return sum(it["operation"] == operation for it in json.loads(self.ask(device, "log")))

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


class Place:
    """A network namespace for the controller; each agent reaches it over a link of its own, which can be cut."""

    def __init__(self, agents):
        self.mark = f"tor{os.getpid()}"
        # Several runs may go on beside one another.
        self.net = f"10.{100 + os.getpid() % 100}"
        self.links = [f"{self.mark}-{at}" for at in range(agents)]
        self.ip("netns", "add", self.mark)
        self.inside("link", "set", "lo", "up")
        for at, link in enumerate(self.links):
            self.ip("link", "add", link, "type", "veth", "peer", "name", f"agent{at}", "netns", self.mark)
            self.inside("address", "add", f"{self.address(at)}/30", "dev", f"agent{at}")
            self.inside("link", "set", f"agent{at}", "up")
            self.ip("address", "add", f"{self.near(at)}/30", "dev", link)
            self.ip("link", "set", link, "up")

    def address(self, at):
        """The controller's address on the link of an agent."""
        return f"{self.net}.{at}.1"

    def near(self, at):
        """Our own."""
        return f"{self.net}.{at}.2"

    def command(self, *words):
        """A command that runs in the namespace."""
        return ["nsenter", f"--net=/run/netns/{self.mark}", *words]

    def ip(self, *words):
        subprocess.run(["ip", *words], check=True, timeout=20)

    def inside(self, *words):
        self.ip("-n", self.mark, *words)

    def cut(self, at, seconds):
        """No packet passes for a while."""
        self.ip("link", "set", self.links[at], "down")
        time.sleep(seconds)
        self.ip("link", "set", self.links[at], "up")

    def sever(self, at, seconds=2):
        """Whoever sends something over this link is told that the connection is no more; his peer is not."""
        rules = (f"table inet {self.mark} {{\n chain out {{\n  type filter hook output priority 0;\n"
                 f"  ip daddr {self.address(at)} ip protocol tcp reject with tcp reset\n }}\n}}\n")
        subprocess.run(["nft", "-f", "-"], input=rules, text=True, check=True, timeout=20)
        time.sleep(seconds)
        subprocess.run(["nft", "delete", "table", "inet", self.mark], check=True, timeout=20)

    def enter(self):
        """Sockets that this thread opens from now on are in the namespace."""
        with open(f"/run/netns/{self.mark}", "rb") as place:
            if ctypes.CDLL(None, use_errno=True).setns(place.fileno(), CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")

    def stop(self):
        # The links go with it.
        subprocess.run(["ip", "netns", "delete", self.mark], check=False, timeout=20)


class Window:
    """The controller's REST, seen from outside of its namespace: connections are passed on as they are."""

    def __init__(self, place, port):
        self.listener = socket.create_server(("127.0.0.1", port), backlog=64)
        threading.Thread(target=self.accept, args=(place, port), daemon=True).start()

    def accept(self, place, port):
        place.enter()
        while True:
            near, _ = self.listener.accept()
            try:
                far = socket.create_connection(("127.0.0.1", port), timeout=5)
            except OSError:
                near.close()
                continue
            far.settimeout(None)
            threading.Thread(target=self.carry, args=(near, far), daemon=True).start()

    @staticmethod
    def carry(near, far):
        try:
            while True:
                ready, _, _ = select.select([near, far], [], [])
                for end in ready:
                    data = end.recv(65536)
                    if not data:
                        return
                    (far if end is near else near).sendall(data)
        except OSError:
            pass
        finally:
            near.close()
            far.close()


class Broker:
    """mosquitto beside the controller, which carries the signed events and is restarted again and again."""

    def __init__(self, folder, address):
        self.folder, self.address, self.port, self.process = folder, address, free_port(), None
        folder.mkdir()
        self.openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "broker.key")
        self.openssl("req", "-new", "-key", "broker.key", "-subj", "/CN=mosquitto", "-out", "broker.csr")

    def openssl(self, *words):
        subprocess.run(["openssl", *words], cwd=self.folder, check=True, capture_output=True, timeout=60)

    def set_up(self, entente, environment):
        """Asks the controller for what a broker needs, once all agents are known to it."""
        words = ["event", "broker", ".", "--request", "broker.csr", "--address", self.address, "--days", "7", "--port", str(self.port)]
        done = subprocess.run([entente, *words], cwd=self.folder, env=os.environ | environment, capture_output=True, text=True, timeout=60)
        if done.returncode:
            raise RuntimeError(f"no broker: {done.stdout}{done.stderr}")
        (self.folder / "whole.conf").write_text("user root\n" + (self.folder / "mosquitto.conf").read_text())

    def start(self):
        log = open(self.folder / "mosquitto.log", "ab")
        command = [shutil.which("mosquitto", path=os.environ["PATH"] + ":/usr/sbin"), "-c", "whole.conf"]
        self.process = subprocess.Popen(command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def restart(self, pause):
        self.stop()
        time.sleep(pause)
        self.start()

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()


class Program:
    """A program of ours that is killed and started again."""

    def __init__(self, name, command, folder, environment):
        self.name, self.command, self.folder, self.environment = name, command, folder, environment
        self.process, self.lock = None, threading.Lock()
        self.wanted = True

    def start(self):
        with self.lock:
            if self.process is None and self.wanted:
                tell(self.folder, f"{self.name} is started")
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
        except (OSError, ValueError, http.client.HTTPException) as error:
            return 0, str(error)
