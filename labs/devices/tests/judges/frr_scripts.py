"""Generated configuration scripts by a plain terminal against a simulated FRR-like router and a real FRR.

Every reply, every prompt and the running configuration at the end are compared. What may differ stands in EXCEPTIONS,
each with its reason.

Arguments: SIM-PORT REAL-PORT REAL-USER REAL-KEY SEED SCRIPTS
"""

import json
import random
import re
import sys
from concurrent.futures import ThreadPoolExecutor

import paramiko

PROMPT = re.compile(r"(?:^|[\r\n])(\S+?)(\(config[^)\r\n]*\))?# $")


class Side:
    """A terminal on one router."""

    def __init__(self, name, **login):
        self.name = name
        self.client = paramiko.SSHClient()
        self.client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
        self.client.connect("127.0.0.1", look_for_keys=False, allow_agent=False, timeout=20, **login)
        self.channel = self.client.invoke_shell(width=511, height=1000)
        self.channel.settimeout(20)
        self.read()
        self.send("terminal length 0")

    def read(self):
        text = ""
        while not (found := PROMPT.search(text)):
            part = self.channel.recv(65536)
            assert part, f"{self.name} hung up after {text!r}"
            text += re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", part.decode(errors="replace"))
        return text[: found.start()], found.group(2) or ""

    def send(self, line):
        """What the router said, and the mode of the prompt that followed."""
        self.channel.sendall(line + "\n")
        text, mode = self.read()
        lines = [it.strip() for it in text.replace("\r", "\n").split("\n")]
        said = [it for it in lines if it and it != line.strip() and not it.endswith(f"# {line.strip()}")]
        return " / ".join(said), mode

    def run(self, script):
        return [self.send(line) for line in script], self.config()

    def config(self):
        self.channel.sendall("show running-config\n")
        text, _ = self.read()
        return blocks(text.replace("\r", ""))

    def reset(self):
        self.send("end")
        self.send("configure terminal")
        for path, lines in sorted(self.config_of_mode().items()):
            if not path:
                undone = [f"no {line}" for line in lines]
            elif path[0].startswith("interface "):
                undone = [path[0]] + [f"no {undo(line)}" for line in sorted(lines)] + ["exit"]
            else:
                undone = [f"no {path[0]}"]
            for line in undone:
                self.send(line)
        self.send("end")
        left = {path: lines for path, lines in self.config().items() if lines or path and not path[0].startswith("interface ")}
        assert not left, f"{self.name} keeps {left}"

    def config_of_mode(self):
        self.channel.sendall("do show running-config\n")
        text, _ = self.read()
        return blocks(text.replace("\r", ""))


def undo(line):
    """FRR takes no text behind `no description`."""
    return "description" if line.startswith("description ") else line


IGNORED = re.compile(r"^(frr version|frr defaults|hostname|log |service |no ipv6 forwarding|no ip forwarding|ip forwarding|ipv6 forwarding|Current|Building|end$|!|$)")


def blocks(text):
    """The lines of a running configuration by the path of their headers, without what no script touches."""
    found, path = {}, []
    body = text.split("Current configuration:", 1)[-1]
    for raw in body.split("\n"):
        line, depth = raw.strip(), len(raw) - len(raw.lstrip(" "))
        if line in ("exit", "exit-address-family") or IGNORED.match(line):
            path = path[: depth] if line.startswith("exit") else path
            continue
        path = path[:depth]
        if re.match(r"(interface|router|route-map|address-family) ", line):
            path = path[:depth] + [line]
            found.setdefault(tuple(path), set())
        else:
            found.setdefault(tuple(path), set()).add(line)
    return {key: lines for key, lines in found.items() if lines or key and not key[0].startswith("interface ") and len(key) < 2}


def network(rng):
    return f"10.{rng.randint(1, 4)}.{rng.randint(0, 3)}.{rng.choice([0, 0, 77])}/{rng.choice([24, 24, 25])}"


def interface(rng):
    yield f"interface {rng.choice(['eth1', 'eth2'])}"
    for _ in range(rng.randint(1, 4)):
        yield rng.choice([
            f"description {rng.choice(['core link', 'edge', 'to r2'])}", "no description", "shutdown", "no shutdown",
            f"ip address 192.0.2.{rng.randint(1, 3)}/24", f"no ip address 192.0.2.{rng.randint(1, 3)}/24",
            f"ipv6 address 2001:db8::{rng.randint(1, 3)}/64", f"ip ospf cost {rng.choice([5, 50, 0, 70000])}", "no ip ospf cost",
            f"ip ospf dead-interval {rng.choice([4, 40, 80])}", "ip ospf network point-to-point", "ip address 300.0.0.1/24",
            "ip address 192.0.2.1", "mtu 9000"])
    yield "exit"


def routes(rng):
    for _ in range(rng.randint(1, 3)):
        no = rng.choice(["", "", "", "no "])
        hop = rng.choice(["192.0.2.9", "192.0.2.10", "blackhole"])
        distance = rng.choice(["", "", " 20", " 0", " 300"])
        yield f"{no}ip route {network(rng)} {hop}{distance}"


def prefix_lists(rng):
    for _ in range(rng.randint(1, 3)):
        sequence = rng.choice([5, 10, 15])
        more = rng.choice(["", "", " le 32", " ge 26", " ge 26 le 30"])
        yield f"ip prefix-list {rng.choice(['P1', 'P2'])} seq {sequence} {rng.choice(['permit', 'deny'])} {network(rng)}{more}"


def route_maps(rng):
    yield f"route-map {rng.choice(['M1', 'M2'])} {rng.choice(['permit', 'permit', 'deny'])} {rng.choice([10, 20])}"
    for _ in range(rng.randint(1, 3)):
        yield rng.choice(["match ip address prefix-list P1", "match ip address prefix-list P2", f"set local-preference {rng.choice([50, 200])}",
                          f"set metric {rng.choice([5, 10])}", "set as-path prepend 65001 65001", "no set metric", "description why not",
                          "set local-preference much", "no match ip address prefix-list P1"])
    yield "exit"


def bgp(rng):
    yield f"router bgp {rng.choice([65001, 65001, 65001, 65002])}"
    for _ in range(rng.randint(1, 4)):
        peer = f"198.51.100.{rng.randint(1, 2)}"
        yield rng.choice([
            "bgp router-id 192.0.2.255", f"neighbor {peer} remote-as {rng.choice([65001, 65010])}", f"neighbor {peer} remote-as 65010",
            f"neighbor {peer} description peer of ours", f"neighbor {peer} timers 10 30", f"neighbor {peer} shutdown",
            f"no neighbor {peer}", "bgp log-neighbor-changes", "no bgp ebgp-requires-policy", f"neighbor {peer} remote-as 0"])
    if rng.random() < 0.6:
        yield "address-family ipv4 unicast"
        for _ in range(rng.randint(1, 3)):
            yield rng.choice([f"network {network(rng)}", f"network {network(rng)}", "redistribute connected", "redistribute static",
                              "neighbor 198.51.100.1 route-map M1 out", "neighbor 198.51.100.1 next-hop-self", "no redistribute static",
                              f"no network {network(rng)}"])
        yield "exit-address-family"
    yield "end"
    yield "configure terminal"


def ospf(rng):
    yield "router ospf"
    for _ in range(rng.randint(1, 3)):
        yield rng.choice(["ospf router-id 192.0.2.254", "network 10.1.0.0/24 area 0.0.0.0", "network 10.2.0.77/24 area 0.0.0.1",
                          "redistribute connected", "redistribute static", "no ospf router-id", "network 10.1.0.0/24 area middle"])
    yield "exit"


def mistakes(rng):
    yield rng.choice(["nonsense", "interfaces eth1 up", "description outside", "neighbor 198.51.100.1 remote-as 65010", "router rip2",
                      "ip route 10.0.0.0/33 192.0.2.1", "no such thing", "set metric 5", "show me", "router bgp none"])


def script(seed):
    rng = random.Random(seed)
    lines = ["configure terminal"]
    for _ in range(rng.randint(2, 6)):
        lines.extend(rng.choice([interface, interface, routes, prefix_lists, route_maps, bgp, bgp, ospf, mistakes])(rng))
    return lines + ["end"]


# (pattern of the line, pattern of the simulation's reply, pattern of FRR's reply, why)
EXCEPTIONS = []


def excepted(line, ours, theirs):
    for part, sim, real, reason in EXCEPTIONS:
        if re.search(part, line) and re.search(sim, ours) and re.search(real, theirs):
            return reason
    return None


def compare(steps, ours, theirs, tally, seed):
    for at, (line, mine, other) in enumerate(zip(steps, ours[0], theirs[0])):
        tally["lines"] += 1
        tally["refusals"] += bool(other[0])
        if mine == other:
            continue
        reason = excepted(line, mine[0], other[0]) if mine[1] == other[1] else None
        if reason is None:
            return f"seed {seed}: {line!r} after {steps[max(0, at - 6):at]}:\n    here  {mine}\n    there {other}"
        tally["excepted"][reason] = tally["excepted"].get(reason, 0) + 1
    if ours[1] != theirs[1]:
        both = set(ours[1]) | set(theirs[1])
        parts = [f"{path}: here {sorted(ours[1].get(path, ['-'])) } there {sorted(theirs[1].get(path, ['-']))}" for path in sorted(both)
                 if ours[1].get(path) != theirs[1].get(path)]
        return f"seed {seed}: configuration differs: {steps}\n    " + "\n    ".join(parts)
    return None


def main():
    sim_port, real_port, user, key, seed, count = sys.argv[1:7]
    ours = Side("simulated", port=int(sim_port), username="admin", password="admin")
    theirs = Side("FRR", port=int(real_port), username=user, key_filename=key)
    tally = {"scripts": 0, "lines": 0, "refusals": 0, "excepted": {}}
    differences = []
    with ThreadPoolExecutor(2) as pool:
        for number in range(int(seed), int(seed) + int(count)):
            steps = script(number)
            list(pool.map(Side.reset, (ours, theirs)))
            results = list(pool.map(lambda side: side.run(steps), (ours, theirs)))
            difference = compare(steps, *results, tally, number)
            tally["scripts"] += 1
            if difference:
                differences.append(difference)
    print(json.dumps(tally))
    if differences:
        print(f"{len(differences)} scripts differ", *differences, sep="\n")
        sys.exit(1)


main()
