"""Judges inventories by the published schema: `judge.py SCHEMA` prints each inventory, the verdict and what is expected."""

import importlib.metadata
import json
import sys

from jsonschema import Draft202012Validator

with open(sys.argv[1], encoding="utf-8") as file:
    schema = json.load(file)
Draft202012Validator.check_schema(schema)
assert schema["$id"], "a schema that others refer to has an id"
validator = Draft202012Validator(schema)

DEVICE = {
    "id": "0193a5b0-0000-7000-8000-000000000001",
    "name": "r1",
    "address": "192.0.2.1",
    "platforms": ["frr"],
    "protocols": ["cli"],
}


def device(**changes):
    return {"version": 1, "devices": [{**DEVICE, **changes}]}


def host(**changes):
    return {"version": 1, "hosts": [{"name": "h1", **changes}]}


def link(*ends):
    return {"version": 1, "hosts": [{"name": "a"}, {"name": "b"}], "links": [{"ends": list(ends)}]}


ROWS = [
    ({"version": 1}, True),
    (device(), True),
    (device(name="\u5317\u4eac-1"), True),
    (device(name="r\u00e9seau/1.a_b"), True),
    (device(name="9r"), True),
    (device(name="-r"), False),
    (device(name="r 1"), False),
    (device(name="r:1"), False),
    (device(name=""), False),
    (device(name="r" * 64), False),
    (device(address="2001:db8::1"), True),
    (device(address="fe80::1%eth0"), True),
    (device(address="r1.example.net"), True),
    (device(address="192.0.2.300"), False),
    (device(address="192.0.2"), False),
    (device(address="r1:830"), False),
    (device(address="a b"), False),
    (device(id="7"), False),
    (device(platforms=[]), False),
    (device(protocols=["telnet"]), False),
    (device(port=0), False),
    (device(sitee="x"), False),
    (host(address="198.51.100.300"), False),
    (host(tags=["a"]), True),
    (link("a:e", "b:e"), True),
    (link("a:e"), False),
    ({"version": 1, "sites": {"a b": None}}, False),
    ({"version": 1, "prefixes": {"p": ["192.0.2.0"]}}, False),
    ({"version": 2}, False),
    (device(name=7), True),
    (device(name=-7), False),
    (device(name=True), True),
    (device(site=None, tags=None, port=None, credentials=None, guarantee=None), True),
    (device(name=None), False),
    (device(address="-oProxyCommand=x"), False),
    (device(address="1.2.3.x"), True),
    (device(address=7), False),
    (device(address="2001:db8:::1"), False),
    (device(address="1:2:3:4:5:6:7:8:9"), False),
    (device(address="::ffff:192.0.2.1"), True),
    (host(address=None), True),
    ({"version": 1, "devices": None, "links": None, "sites": None, "groups": None}, True),
    ({"version": 1, "sites": {"s": {"about": 3}}, "groups": {"g": {"about": None, "members": None}}}, True),
    ({"version": 1, "prefixes": {"p": ["192.0.2.0/33"]}}, False),
    ({"version": 1, "prefixes": {"p": ["192.0.2.7/24", "2001:db8::/32", "::/0"]}}, True),
    ({"version": 1, "prefixes": {"p": ["2001:db8::/129"]}}, False),
    ({"version": 1, "prefixes": {"p": ["2001:db8/32"]}}, False),
    ({"version": 1, "prefixes": {"p": {"prefixes": ["192.0.2.0/24"], "at": None}}}, True),
]

print(
    json.dumps(
        {
            "version": importlib.metadata.version("jsonschema"),
            "rows": [
                {"inventory": row, "valid": validator.is_valid(row), "expected": expected} for row, expected in ROWS
            ],
        }
    )
)
