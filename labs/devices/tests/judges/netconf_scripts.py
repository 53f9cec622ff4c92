"""Generated NETCONF scripts by ncclient against a simulated candidate device and a real netconfd.

Each script is a list of operations of two sessions, faulty ones included. Every reply (ok or error-tag) and both
datastores at the end are compared. What may differ stands in EXCEPTIONS, each with its reason.

Arguments: SIM-HOST SIM-PORT REAL-PORT REAL-USER REAL-KEY SEED SCRIPTS
"""

import json
import random
import re
import sys
from concurrent.futures import ThreadPoolExecutor

import ncclient.transport.session
from ncclient import manager
from ncclient.operations.errors import OperationError, TimeoutExpiredError
from ncclient.operations.rpc import RPCError
from ncclient.transport.errors import SessionCloseError, TransportError
from ncclient.xml_ import to_ele
from lxml import etree

ncclient.transport.session.TICK = 0.002  # its loop would wait a tenth of a second for every request

NC = "urn:ietf:params:xml:ns:netconf:base:1.0"
IF = "urn:ietf:params:xml:ns:yang:ietf-interfaces"
IP = "urn:ietf:params:xml:ns:yang:ietf-ip"
IANA = "urn:ietf:params:xml:ns:yang:iana-if-type"


class Side:
    """One device with two sessions."""

    def __init__(self, name, **login):
        self.name, self.login = name, login
        self.sessions = {}

    def session(self, which):
        known = self.sessions.get(which)
        if known is None or not known.connected:
            self.sessions[which] = self.connect()
        return self.sessions[which]

    def connect(self):
        """A session that has answered once: netconfd loses a first RPC that arrives together with the client's hello."""
        for _ in range(5):
            session = manager.connect(hostkey_verify=False, allow_agent=False, look_for_keys=False, timeout=2, **self.login)
            try:
                session.get_config("running", filter=("subtree", '<nothing xmlns="urn:nobody"/>'))
                session.timeout = 20
                return session
            except TimeoutExpiredError:
                session._session.close()
        raise SystemExit(f"{self.name} answers no first RPC")

    def run(self, script):
        replies = []
        for who, operation in script:
            replies.append(self.step(who, operation))
        stores = [canonical(self.session("a").get_config(store).data_ele) for store in ("running", "candidate")]
        return replies, stores

    def step(self, who, operation):
        if operation == "close":
            session = self.sessions.pop(who, None)
            if session:
                session.close_session()
            return "ok"
        try:
            self.session(who).dispatch(to_ele(operation))
            return "ok"
        except RPCError as error:
            return error.errors[0].tag if getattr(error, "errors", None) else error.tag
        except (SessionCloseError, TransportError, OperationError) as error:
            self.sessions.pop(who, None)
            return type(error).__name__

    def reset(self):
        """Whatever the last script left: sessions end, a persistent commit is cancelled, the datastores are emptied."""
        for who in list(self.sessions):
            self.step(who, "close")
        for ident in ("p1", "p2"):
            self.step("a", f'<cancel-commit xmlns="{NC}"><persist-id>{ident}</persist-id></cancel-commit>')
        self.step("a", rpc("discard-changes"))
        empty = (f'<edit-config xmlns="{NC}"><target><candidate/></target><config><interfaces xmlns="{IF}" xmlns:nc="{NC}" '
                 'nc:operation="remove"/></config></edit-config>')
        assert self.step("a", empty) == "ok", self.name
        assert self.step("a", rpc("commit")) == "ok", self.name


def canonical(element):
    """A tree without prefixes, order and text that means nothing; empty containers and foreign subtrees left out.

    So is `enabled true`: netconfd does not keep a default that is merged into an entry that is there already.
    """
    found = []
    for child in element:
        if not isinstance(child.tag, str):
            continue
        name = etree.QName(child)
        if name.namespace not in (IF, IP):
            continue
        inner = canonical(child)
        text = (child.text or "").strip()
        if name.localname == "type":
            text = text.split(":")[-1]
        if (name.localname, text) == ("enabled", "true"):
            continue
        if inner or text or name.localname in ("ipv4", "ipv6"):
            found.append((name.localname, text, tuple(inner)))
    return sorted(found)


def rpc(name, inner=""):
    return f'<{name} xmlns="{NC}">{inner}</{name}>'


TYPE = f'<type xmlns:t="{IANA}">t:ethernetCsmacd</type>'


def interface(rng, faulty, names, explicit):
    name = rng.choice(names)
    operation = rng.choice(["merge", "create", "replace", "delete"] if explicit else OPERATIONS)
    attribute = f' nc:operation="{operation}"' if operation else ""
    if operation in ("delete", "remove"):
        return f"<interface{attribute}><name>{name}</name></interface>"
    leaves = [f"<description>{rng.choice(['core', 'edge', 'a &lt; b'])}</description>", f"<enabled>{rng.choice(['true', 'false'])}</enabled>"]
    inner = "".join(rng.sample(leaves, rng.randint(0, 2)))
    if rng.random() < 0.3:
        inner += (f'<ipv4 xmlns="{IP}"><mtu>{rng.choice([68, 1500, 9000])}</mtu><address><ip>192.0.2.{rng.randint(1, 3)}</ip>'
                  f"<prefix-length>{rng.choice([24, 30])}</prefix-length></address></ipv4>")
    if rng.random() < 0.04:
        inner += f'<description nc:operation="{rng.choice(["delete", "remove", "create"])}">core</description>'
        inner = inner.replace("<description>", "<!--").replace("</description>", "-->", 1) if "<description>" in inner else inner
    kind = TYPE
    fault = rng.choice(FAULTS) if faulty else None
    if fault == "no type":
        kind = ""
    elif fault == "value":
        inner += "<link-up-down-trap-enable>perhaps</link-up-down-trap-enable>"
    elif fault == "range":
        inner += f'<ipv6 xmlns="{IP}"><mtu>12</mtu></ipv6>'
    elif fault == "unknown":
        inner += "<unheard>1</unheard>"
    elif fault == "namespace":
        inner += '<description xmlns="urn:nobody">x</description>'
    elif fault == "type":
        kind = f'<type xmlns:t="{IANA}">t:carrierPigeon</type>'
    elif fault == "key":
        return f"<interface{attribute}>{kind}{inner}</interface>"
    elif fault == "operation":
        attribute = ' nc:operation="improve"'
    return f"<interface{attribute}><name>{name}</name>{kind}{inner}</interface>"


OPERATIONS = ["", "", "", "", "", "merge", "merge", "create", "create", "replace", "replace", "delete", "remove"]
FAULTS = ["no type", "value", "range", "unknown", "namespace", "type", "key", "operation"]


def edit(rng, faulty):
    default = rng.choice(["", "", "", "<default-operation>merge</default-operation>", "<default-operation>none</default-operation>"])
    explicit = ">none<" in default and rng.random() < 0.9
    twice = rng.random() < 0.02
    inner = interface(rng, faulty, ["eth1", "eth2", "eth3"] if twice else ["eth1", "eth2"], explicit)
    if rng.random() < 0.15:
        inner += interface(rng, False, ["eth1", "eth2", "eth3"] if twice else ["eth3"], explicit)
    return rpc("edit-config", f'<target><candidate/></target>{default}<config><interfaces xmlns="{IF}" xmlns:nc="{NC}">{inner}</interfaces></config>')


def script(seed):
    rng = random.Random(seed)
    steps, persist = [], None
    for _ in range(rng.randint(5, 14)):
        who = rng.choice("aaab")
        kind = rng.choices(list(WEIGHTS), WEIGHTS.values())[0]
        if kind == "edit":
            operation = edit(rng, False)
        elif kind == "bad edit":
            operation = edit(rng, True)
        elif kind in ("lock", "unlock"):
            operation = rpc(kind, f"<target><{rng.choice(['running', 'candidate', 'candidate'])}/></target>")
        elif kind == "confirmed":
            persist = rng.choice([None, "p1", "p2"])
            extra = f"<persist>{persist}</persist>" if persist else ""
            operation = rpc("commit", f"<confirmed/><confirm-timeout>600</confirm-timeout>{extra}")
        elif kind == "confirm":
            operation = rpc("commit", f"<persist-id>{persist if persist and rng.random() < 0.7 else 'p9'}</persist-id>")
        elif kind == "cancel":
            extra = f"<persist-id>{persist}</persist-id>" if persist and rng.random() < 0.7 else ""
            operation = rpc("cancel-commit", extra)
        elif kind == "copy":
            operation = rpc("copy-config", "<target><candidate/></target><source><running/></source>")
        elif kind == "nonsense":
            operation = rng.choice([rpc("dance"), rpc("get-config", "<source><cellar/></source>"), rpc("edit-config", "<target><candidate/></target>"),
                                    rpc("lock"), rpc("commit", "<confirmed/><confirm-timeout>soon</confirm-timeout>"),
                                    rpc("kill-session", "<session-id>4000000</session-id>"), rpc("unlock", "<target><startup/></target>")])
        else:
            operation = "close" if kind == "close" else rpc(kind)
        steps.append((who, operation))
    return steps


WEIGHTS = {"edit": 40, "bad edit": 14, "lock": 8, "unlock": 7, "commit": 14, "confirmed": 6, "confirm": 5, "cancel": 4,
           "discard-changes": 5, "copy": 3, "nonsense": 4, "close": 2}

# (what the operation holds, what the simulation says, what netconfd says, why, whether the script ends there)
EXCEPTIONS = [
    ("<dance", ["operation-not-supported"], ["unknown-element"], "an unknown operation: two words", False),
    ("", ["missing-element"], ["data-missing"], "an operation without its parameter: two words", False),
    ("<unlock", ["lock-denied"], ["in-use"], "another session's lock is unlocked: two words", False),
    (">soon<", ["invalid-value"], ["bad-element"], "a time that is no number: two words", False),
    ("<cancel-commit", ["in-use"], ["operation-failed"], "another session's confirmed commit is cancelled: two words", False),
    ("<lock", ["ok"], ["in-use"], "netconfd gives no lock while a confirmed commit is pending, not even to its session", True),
    ("<commit", ["in-use"], ["operation-failed"], "another session's persistent commit is renewed without its id: two words", False),
    ("<edit-config", ["missing-element"], ["in-use"], "a missing key in a locked datastore: which fault is seen first", False),
    ("<lock", ["lock-denied"], ["in-use"], "running under another session's confirmed commit is locked: two words", False),
    (">none<", ["data-missing"], ["ok"], "netconfd keeps an emptied container, and a level that exists with it", True),
    ("<lock", ["lock-denied"], ["resource-denied"], "a dirty candidate: one situation, two words", False),
    ("<cancel-commit", ["in-use"], ["data-missing"], "a persistent commit is cancelled without its id: two words", False),
    ("persist-id", ["invalid-value"], ["operation-failed"], "no such persistent commit: two words", False),
    ("<commit", ["in-use"], ["ok"], "netconfd lets the session that began a persistent commit confirm it without the id", True),
    ('"remove"', ["ok"], ["data-missing"], "netconfd misses mandatory leaves in an entry that is only named to be removed", True),
]

# Edits after which netconfd's datastore is known to be wrong: the comparison of a script ends before them.
KNOWN_WRONG = [
    (lambda edit: ">none<" in edit and edit.count("nc:operation") < edit.count("<interface") - 1,
     "with default-operation none netconfd overlooks missing levels and keys, and writes leaves all the same"),
    (lambda edit: len(set(re.findall("<name>(eth.)", edit))) < edit.count("<name>eth"),
     "an entry that stands twice in one edit stands twice in netconfd's datastore"),
    (lambda edit: re.search('<description nc:operation="(delete|remove)"', edit) is not None,
     "a leaf that is to go from an entry which the same edit makes: netconfd writes it instead"),
]

# Steps that both sides take or both refuse, after which the datastores may differ by right: the comparison of a script ends behind them.
VAGUE = [
    (lambda operation, reply: reply != "ok" and operation.count("<interface") > 2,
     "a refused edit of two entries: which fault is named, and which part stop-on-error leaves, nobody says"),
    (lambda operation, reply: reply == "ok" and "<cancel-commit" in operation,
     "after a cancel netconfd's candidate holds what was cancelled, the simulated one what is in force"),
]


def excepted(operation, ours, theirs):
    for part, sim, real, reason, ends in EXCEPTIONS:
        if part in operation and ours in sim and theirs in real:
            return reason, ends
    return None


def compare(steps, ours, theirs, tally, seed):
    for at, ((who, operation), mine, other) in enumerate(zip(steps, ours[0], theirs[0])):
        wrong = [reason for known, reason in KNOWN_WRONG if known(operation)]
        if wrong:
            tally["excepted"][wrong[0]] = tally["excepted"].get(wrong[0], 0) + 1
            return None
        tally["steps"] += 1
        if mine == other or "ok" not in (mine, other):
            tally["refusals"] += mine != "ok"
            vague = [reason for known, reason in VAGUE if known(operation, mine)]
            if vague:
                tally["excepted"][vague[0]] = tally["excepted"].get(vague[0], 0) + 1
                return None
        if mine == other:
            continue
        excuse = excepted(operation, mine, other)
        if excuse is None:
            return f"seed {seed} step {at} of session {who}: {mine} here, {other} there: {short(operation)}\n" + trail(steps, ours[0], theirs[0], at)
        tally["excepted"][excuse[0]] = tally["excepted"].get(excuse[0], 0) + 1
        if excuse[1]:
            return None
    for name, mine, other in zip(("running", "candidate"), ours[1], theirs[1]):
        if mine != other:
            return f"seed {seed}: {name} differs:\n  {mine}\n  {other}\n" + trail(steps, ours[0], theirs[0], len(steps))
    tally["whole"] += 1
    return None


def short(operation):
    """An operation without what every operation has."""
    return re.sub(r' xmlns(:\w+)?="[^"]*"', "", operation)


def trail(steps, ours, theirs, until):
    return "".join(f"    {who} {a} {b} {short(operation)}\n" for (who, operation), a, b in list(zip(steps, ours, theirs))[: until + 1])


def main():
    host, port, real_port, user, key, seed, count = sys.argv[1:8]
    ours = Side("simulated", host=host, port=int(port), username="admin", password="admin")
    theirs = Side("netconfd", host="127.0.0.1", port=int(real_port), username=user, key_filename=key)
    tally = {"scripts": 0, "steps": 0, "refusals": 0, "whole": 0, "excepted": {}}
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
