"""The judge: what a device holds, read by ncclient, which shares no code with us."""

import sys

from lxml import etree
from ncclient import manager

NS = {"if": "urn:ietf:params:xml:ns:yang:ietf-interfaces"}


def read(host, port, user, key, store):
    with manager.connect(host=host, port=int(port), username=user, key_filename=key, hostkey_verify=False,
                         allow_agent=False, look_for_keys=False, timeout=20) as device:
        data = device.get_config(source=store).data_ele
        for interface in sorted(data.iterfind(".//if:interface", NS), key=lambda it: it.findtext("if:name", None, NS)):
            name = interface.findtext("if:name", None, NS)
            for leaf in interface.iterfind("*"):
                tag = etree.QName(leaf).localname
                if tag in ("description", "enabled"):
                    print(f"{name} {tag} {leaf.text or ''}")


def main():
    """Reads once; told to stay, once for each line that comes, with a line of its own at the end."""
    where, stays = sys.argv[1:6], sys.argv[6:] == ["stay"]
    read(*where)
    while stays:
        print("--", flush=True)
        if not sys.stdin.readline():
            return
        read(*where)


main()
