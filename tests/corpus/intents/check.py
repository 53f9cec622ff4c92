"""Checks the format of the corpus beside this file and counts what it holds.

Run it without arguments; it prints counts, then every fault, and exits with 1 if there is one. It needs nothing but the
standard library. Classes and slots are read from classes.md, names from inventory.yaml and holding.jsonl.
"""

import collections
import hashlib
import ipaddress
import json
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).parent
LEAST = {"all": 410, "class": 15, "ask": 40, "refuse": 40, "compound": 30}
REASONS = {"missing", "unknown", "ambiguous", "contradiction", "invalid"}
MATCH = {"src", "dst", "protocol", "ports", "dscp", "prefix", "community", "interface"}
SPECIAL = {"context", "unit", "prefix_length"}
BEYOND = {"isolation.segment", "qos.priority", "usage.quota", "sla.ensure", "overlay.l2"}
LISTS = {"ntp", "dns", "syslog", "ports", "devices", "interfaces", "prefixes", "redistribute", "families", "weights", "exceptions"}
NAMED = {"target", "device", "devices", "src", "dst", "via", "avoid", "where", "primary", "backup", "paths", "peer",
         "scope", "exceptions", "interface", "interfaces"}
PREFIXES = {"prefix", "prefixes"}
ADDRESSES = {"ntp", "dns", "syslog", "address", "next_hop"}
NUMBERS = {"max", "min", "mtu", "cost", "distance", "local_as", "remote_as", "keepalive", "hold_time", "med", "n", "prepend",
           "local_preference", "window", "switch_time"}
CHOICES = {
    "family": {"ipv4", "ipv6"}, "direction": {"in", "out"}, "admin": {"up", "down"}, "detection": {"bfd", "ping", "link"},
    "action": {"allow", "deny", "allow-only"}, "area_type": {"stub", "totally-stub", "nssa"},
    "operator": {">", ">=", "<", "<=", "="},
    "symptom": {"unreachable", "slow", "loss", "jitter", "flapping", "no-route", "session-down"},
}
INTERFACE = re.compile(r"(lo|eth[0-4])")
SERVICE = re.compile(r"icmp|(tcp|udp)/\d+")


def read_classes():
    """The slots of each class, and those of every class, from classes.md."""
    shared, *parts = (HERE / "classes.md").read_text("utf-8").split("\n## ")
    slots = lambda text: set(re.findall(r"`([a-z_]+)`", re.sub(r"\([^)]*\)", "", text)))
    classes = {}
    for part in parts:
        name, _, rest = part.partition("\n")
        classes[name.strip()] = slots(rest.partition("Slots:")[2])
    return classes, slots(shared.partition("Slots of every class:")[2])


def read_names():
    """All names of the inventory, told from its text: this file may not need a YAML library."""
    text = (HERE / "inventory.yaml").read_text("utf-8")
    names = set(re.findall(r"\bname: ([^,}]+)", text)) | {"all", "sites"}
    for tags in re.findall(r"tags: \[([^]]+)\]", text):
        names |= {tag.strip() for tag in tags.split(",")}
    section = None
    for line in text.splitlines():
        if re.fullmatch(r"\w+:", line):
            section = line[:-1]
        elif section in {"sites", "groups", "prefixes"}:
            names.add(line.strip().partition(":")[0])
    return names


def read_lines(name):
    """The objects of a file of JSON Lines, with their line numbers."""
    for number, line in enumerate((HERE / name).read_text("utf-8").splitlines(), 1):
        yield number, json.loads(line)


def half(ident):
    """The half that an utterance belongs to."""
    return "develop" if int(hashlib.sha256(ident.encode()).hexdigest()[0], 16) % 2 == 0 else "scored"


def leaves(slots, above=""):
    """Every slot with its path, objects opened."""
    for key, value in slots.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def is_network(text):
    """Whether this is an address, or a prefix with zero host bits."""
    try:
        return str(ipaddress.ip_network(text)).startswith(text)
    except ValueError:
        return False


class Check:
    """What is known while the corpus is read, and what was found."""

    def __init__(self):
        self.classes, self.shared = read_classes()
        self.names = read_names()
        self.intents = {intent["name"] for _, intent in read_lines("holding.jsonl")}
        self.faults = []
        self.ids = set()
        self.used = collections.Counter()

    def fault(self, ident, what):
        self.faults.append(f"{ident}: {what}")

    def known(self, text):
        device, _, interface = text.partition(":")
        return (text in self.names or is_network(text) or INTERFACE.fullmatch(text) or SERVICE.fullmatch(text)
                or (device in self.names and INTERFACE.fullmatch(interface)))

    def value(self, ident, path, value, partial):
        leaf = path.split(".")[-1]
        if leaf in LISTS and not isinstance(value, list):
            self.fault(ident, f"{path} is no list")
        if leaf in NUMBERS and not isinstance(value, (int, float)):
            self.fault(ident, f"{path} is no number: {value!r}")
        if leaf in ("from", "to") and not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
            self.fault(ident, f"{path} is no time: {value!r}")
        for one in value if isinstance(value, list) else [value]:
            if leaf in CHOICES and one not in CHOICES[leaf]:
                self.fault(ident, f"{path} cannot be {one!r}")
            if leaf in NAMED and isinstance(one, str) and not self.known(one):
                self.fault(ident, f"{path} is unknown: {one!r}")
            if leaf == "intent" and one not in self.intents and not one.startswith("@"):
                self.fault(ident, f"no intent is called {one!r}")
            if leaf in PREFIXES and not ("/" in one and is_network(one)):
                self.fault(ident, f"{path} is no prefix: {one!r}")
            if leaf in ADDRESSES and one != "blackhole":
                try:
                    (ipaddress.ip_interface if leaf == "address" else ipaddress.ip_address)(one)
                except ValueError:
                    self.fault(ident, f"{path} is no address: {one!r}")
                if leaf == "address" and "/" not in one and not partial:
                    self.fault(ident, f"{path} has no prefix length: {one!r}")

    def intent(self, ident, intent, partial=False, count=True):
        if set(intent) != {"class", "slots"} or intent["class"] not in self.classes:
            return self.fault(ident, f"no intent: {intent}")
        if count:
            self.used.update((intent["class"], slot) for slot in intent["slots"])
        for slot in set(intent["slots"]) - self.classes[intent["class"]] - self.shared:
            self.fault(ident, f"{intent['class']} has no slot {slot}")
        for path, value in leaves(intent["slots"]):
            if path.startswith("match.") and path.split(".")[1] not in MATCH:
                self.fault(ident, f"no {path}")
            if path.startswith("changes.filter") or path.endswith(".class"):
                continue
            self.value(ident, path, value, partial)

    def ask(self, ident, line):
        ask = line["ask"]
        if ask["reason"] not in REASONS or not ask["slots"]:
            self.fault(ident, f"no question: {ask}")
        slots = SPECIAL | self.shared | set().union(*(self.classes[it["class"]] for it in line["intents"]))
        for slot in ask["slots"]:
            if slot.split(".")[0] not in slots:
                self.fault(ident, f"no slot {slot} to ask for")
        said = ask.get("said")
        if said and said not in line["text"]:
            self.fault(ident, f"{said!r} is not in the text")
        if ask["reason"] == "unknown" and (said in self.names | self.intents or INTERFACE.fullmatch(said)):
            self.fault(ident, f"{said!r} is known")
        for one in ask.get("candidates", []):
            if not self.known(one) and one not in self.intents:
                self.fault(ident, f"candidate {one!r} is unknown")

    def line(self, line):
        ident = line["id"]
        if ident in self.ids:
            self.fault(ident, "twice")
        self.ids.add(ident)
        wanted = {"id", "text", "expect"} | {"intent": {"intents"}, "ask": {"intents", "ask"}, "refuse": {"nearest"}}[line["expect"]]
        if not wanted <= set(line) <= wanted | {"context", "beyond"} or not line["text"].strip():
            return self.fault(ident, f"has fields {sorted(line)}")
        for intent in line.get("context", []):
            self.intent(ident, intent, count=False)
        for intent in line.get("intents", []):
            self.intent(ident, intent, partial=line["expect"] == "ask", count=line["expect"] == "intent")
        if line["expect"] == "intent" and not line["intents"]:
            self.fault(ident, "means nothing")
        if line["expect"] == "ask":
            self.ask(ident, line)
        if line["expect"] == "refuse" and line["nearest"] not in {None, *self.classes}:
            self.fault(ident, f"no class {line['nearest']}")
        if line.get("beyond", "overlay.l2") not in BEYOND:
            self.fault(ident, f"no class {line['beyond']}")

    def language(self, language):
        self.used.clear()
        expects, classes, halves, texts = (collections.Counter() for _ in range(4))
        for number, line in read_lines(f"{language}.jsonl"):
            if not re.fullmatch(rf"{language}-\d{{3}}", line["id"]):
                self.fault(line["id"], f"is no id, line {number}")
            self.line(line)
            texts[line["text"], json.dumps(line.get("context"))] += 1
            expects["all"] += 1
            expects[line["expect"]] += 1
            expects["context"] += "context" in line
            halves[half(line["id"]), line["expect"]] += 1
            if line["expect"] == "intent":
                expects["compound"] += len(line["intents"]) > 1
                classes.update({it["class"] for it in line["intents"]})
        for text, count in texts.items():
            if count > 1:
                self.fault(language, f"{text[0]!r} stands {count} times")
        self.report(language, expects, classes, halves)

    def report(self, language, expects, classes, halves):
        print(f"{language}: " + ", ".join(f"{key} {expects[key]}" for key in ("all", "intent", "compound", "context", "ask", "refuse")))
        for name in ("develop", "scored"):
            counts = {key: halves[name, key] for key in ("intent", "ask", "refuse")}
            print(f"  {name}: {sum(counts.values())} ({', '.join(f'{k} {v}' for k, v in counts.items())})")
        for name, slots in self.classes.items():
            print(f"  {name}: {classes[name]}")
            if classes[name] < LEAST["class"]:
                self.fault(language, f"{name} has {classes[name]}, fewer than {LEAST['class']}")
            for slot in sorted(slots):
                if not self.used[name, slot]:
                    self.fault(language, f"{name} never uses {slot}")
        for slot in sorted(self.shared):
            if not any(key[1] == slot for key in self.used):
                self.fault(language, f"nothing uses {slot}")
        for key, least in LEAST.items():
            if key != "class" and expects[key] < least:
                self.fault(language, f"{key}: {expects[key]}, fewer than {least}")


def main():
    check = Check()
    for language in ("en", "zh"):
        check.language(language)
    for number, line in read_lines("errors.jsonl"):
        if set(line) != {"id", "field", "label", "should", "why"} or line["id"] not in check.ids:
            check.fault("errors.jsonl", f"line {number} is no error of a label")
    print(*check.faults, f"{len(check.faults)} faults", sep="\n")
    return 1 if check.faults else 0


if __name__ == "__main__":
    sys.exit(main())
