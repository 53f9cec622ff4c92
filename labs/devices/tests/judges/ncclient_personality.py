"""ncclient drives one simulated personality through everything that it offers; any surprise ends with an error.

Arguments: HOST PORT PERSONALITY CONTROL-URL
"""

import json
import sys
import time
import urllib.request

from ncclient import manager
from ncclient.operations.rpc import RPCError
from ncclient.xml_ import to_ele

HOST, PORT, PERSONALITY, CONTROL = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
IF = "urn:ietf:params:xml:ns:yang:ietf-interfaces"
ETHERNET = '<type xmlns:t="urn:ietf:params:xml:ns:yang:iana-if-type">t:ethernetCsmacd</type>'


def connect(password="admin"):
    return manager.connect(host=HOST, port=PORT, username="admin", password=password, hostkey_verify=False,
                           allow_agent=False, look_for_keys=False, timeout=20)


def control(path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{CONTROL}/devices/device{path}", data, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def interface(name, text):
    return f'<config><interfaces xmlns="{IF}"><interface><name>{name}</name>{ETHERNET}<description>{text}</description></interface></interfaces></config>'


def running(session):
    return session.get_config("running", filter=("subtree", f'<interfaces xmlns="{IF}"/>')).data_xml


def refused(what, *tags):
    try:
        what()
    except RPCError as error:
        assert not tags or error.tag in tags, f"refused with {error.tag}, not {tags}"
        return
    raise AssertionError("was not refused")


def until(what, condition, seconds=15):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds} s for {what}"
        time.sleep(0.05)


def plain_commit(a):
    with a.locked("running"), a.locked("candidate"):
        a.edit_config(interface("eth1", "one"), target="candidate")
        a.validate("candidate")
        a.commit()
    assert ">one<" in running(a)
    a.edit_config(interface("eth1", "two"), target="candidate")
    b = connect()
    refused(lambda: b.lock("candidate"), "lock-denied")
    a.discard_changes()
    with b.locked("candidate"):
        refused(lambda: a.edit_config(interface("eth1", "three"), target="candidate"), "in-use")
    refused(lambda: a.edit_config(interface("eth1", "x").replace("description>", "unheard>"), target="candidate"), "unknown-element")
    incomplete = interface("eth2", "x").replace(ETHERNET, "")
    refused(lambda: a.edit_config(incomplete, target="candidate"), "data-missing")
    a.edit_config(incomplete, target="candidate", test_option="set")
    refused(lambda: a.validate("candidate"), "data-missing")
    refused(a.commit, "data-missing")
    a.discard_changes()
    assert ">one<" in running(a)
    b.close_session()


def session_commit(a):
    a.edit_config(interface("eth1", "confirmed"), target="candidate")
    a.commit(confirmed=True, timeout="600")
    assert ">confirmed<" in running(a)
    a.commit()
    b = connect()
    b.edit_config(interface("eth1", "volatile"), target="candidate")
    b.commit(confirmed=True, timeout="600")
    assert ">volatile<" in running(a)
    refused(a.commit)
    b.close_session()
    until("the end of the session to revert", lambda: ">confirmed<" in running(a))
    a.discard_changes()


def persistent_commit(a):
    a.edit_config(interface("eth1", "kept"), target="candidate")
    a.commit(confirmed=True, timeout="600", persist="p1")
    a.close_session()
    b = connect()
    assert ">kept<" in running(b)
    refused(lambda: b.commit(persist_id="other"))
    refused(b.commit)
    b.dispatch(to_ele('<commit xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><confirmed/><confirm-timeout>600</confirm-timeout>'
                      '<persist>p2</persist><persist-id>p1</persist-id></commit>'))
    b.commit(persist_id="p2")
    refused(lambda: b.commit(persist_id="p2"))
    b.edit_config(interface("eth1", "cancelled"), target="candidate")
    b.commit(confirmed=True, timeout="600", persist="p3")
    b.cancel_commit(persist_id="p3")
    assert ">kept<" in running(b)
    b.discard_changes()
    b.edit_config(interface("eth1", "expired"), target="candidate")
    b.commit(confirmed=True, timeout="1", persist="p4")
    assert ">expired<" in running(b)
    until("the timer to revert", lambda: ">kept<" in running(b))
    b.discard_changes()
    return b


def direct_edits(a, whole):
    refused(lambda: a.edit_config(interface("eth1", "x"), target="candidate"))
    with a.locked("running"):
        a.edit_config(interface("eth1", "one"), target="running")
    assert ">one<" in running(a)
    again = f'<interface xmlns:nc="urn:ietf:params:xml:ns:netconf:base:1.0" nc:operation="create"><name>eth1</name>{ETHERNET}</interface>'
    two = interface("eth3", "good").replace("</interfaces>", f"{again}</interfaces>")
    option = "rollback-on-error" if whole else "stop-on-error"
    refused(lambda: a.edit_config(two, target="running", error_option=option), "data-exists")
    assert ("eth3" in running(a)) != whole, "what a failed edit leaves behind"


def startup(a):
    a.copy_config(source="running", target="startup")
    a.edit_config(interface("eth1", "unsaved"), target="running")
    control("/acts", {"act": "restart"})
    b = connect()
    assert ">one<" in running(b), "a restart keeps startup only"
    return b


def faults():
    control("/faults", {"fault": "reject", "operation": "get", "tag": "access-denied", "times": 1})
    a = connect()
    refused(lambda: a.get(), "access-denied")
    assert "in-octets" not in running(a)
    control("/acts", {"act": "foreign-edit", "store": "running",
                      "config": f'<interfaces xmlns="{IF}"><interface><name>eth9</name>{ETHERNET}</interface></interfaces>'})
    assert "eth9" in running(a)
    control("/acts", {"act": "hold-lock", "store": "running"})
    refused(lambda: a.lock("running"), "lock-denied")
    control("/acts", {"act": "release-locks"})
    with a.locked("running"):
        pass
    b = connect()
    b.kill_session(str(a.session_id))
    until("the killed session to end", lambda: not a.connected)
    b.close_session()
    operations = control("/counts")
    assert operations["lock"] >= 2 and operations["kill-session"] == 1, operations


def main():
    try:
        connect("wrong")
        raise SystemExit("a wrong password was accepted")
    except Exception as error:  # noqa: BLE001
        assert type(error).__name__ == "AuthenticationError", error
    a = connect()
    names = {it.split("?")[0] for it in a.server_capabilities}
    assert ("urn:ietf:params:netconf:base:1.1" in names) == (PERSONALITY != "base-1.0")
    assert "module ietf-ip" in a.get_schema("ietf-ip").data
    library = a.get(("subtree", '<yang-library xmlns="urn:ietf:params:xml:ns:yang:ietf-yang-library"/>')).data_xml
    assert "ietf-routing" in library
    if PERSONALITY.startswith("running"):
        direct_edits(a, PERSONALITY != "running-bare")
        if PERSONALITY == "running-startup":
            a = startup(a)
    else:
        plain_commit(a)
        if PERSONALITY == "candidate":
            assert "urn:ietf:params:netconf:capability:confirmed-commit:1.1" not in names
        else:
            session_commit(a)
            if PERSONALITY != "confirmed-1.0":
                a = persistent_commit(a)
    faults()
    print("ok")


main()
