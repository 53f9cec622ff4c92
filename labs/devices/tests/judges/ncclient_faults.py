"""ncclient meets each fault of a simulated device and sees what the fault promises.

Arguments: HOST PORT CONTROL-URL
"""

import json
import socket
import sys
import time
import urllib.request

import paramiko
from ncclient import manager
from ncclient.operations.rpc import RPCError

HOST, PORT, CONTROL = sys.argv[1], int(sys.argv[2]), sys.argv[3]
IF = "urn:ietf:params:xml:ns:yang:ietf-interfaces"
ETHERNET = '<type xmlns:t="urn:ietf:params:xml:ns:yang:iana-if-type">t:ethernetCsmacd</type>'


def connect(timeout=3):
    return manager.connect(host=HOST, port=PORT, username="admin", password="admin", hostkey_verify=False,
                           allow_agent=False, look_for_keys=False, timeout=timeout)


def control(path, body=None, method=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{CONTROL}/devices/device{path}", data, {"content-type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def fault(kind, **more):
    control("/faults", {"fault": kind, **more})


def clear():
    control("/faults", method="DELETE")


def description(text):
    return (f'<config><interfaces xmlns="{IF}"><interface><name>eth1</name>{ETHERNET}<description>{text}</description>'
            "</interface></interfaces></config>")


def store(name="running"):
    return control(f"/config/{name}")["xml"]


def fails(what):
    begun = time.monotonic()
    try:
        what()
    except RPCError:
        raise
    except Exception as error:  # noqa: BLE001
        assert time.monotonic() - begun < 40, "hung"
        return type(error).__name__
    raise AssertionError("did not fail")


def commit(text, session=None, **more):
    session = session or connect(10)
    session.edit_config(description(text), target="candidate")
    session.commit(**more)
    return session


def listens():
    try:
        socket.create_connection((HOST, PORT), timeout=5).close()
    except ConnectionRefusedError:
        return False
    return True


def until(what, condition, seconds=15):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds} s for {what}"
        time.sleep(0.05)


def connections():
    for name, more in (("refuse", {}), ("no-hello", {"times": 1}), ("refuse-login", {"times": 1}), ("close-at-byte", {"byte": 100, "times": 1})):
        fault(name, **more)
        print(name, fails(connect))
        clear()
    connect().close_session()
    before = control("")["host_key"]
    control("/acts", {"act": "rotate-host-key"})
    assert control("")["host_key"] != before
    connect().close_session()


def answers():
    for name in ("no-answer", "truncated-frame", "garbage", "oversized-frame"):
        a = connect()
        fault(name, times=1)
        print(name, fails(lambda: a.get_config("running")))
        clear()
    a = connect(10)
    fault("delay", millis=700, times=1)
    begun = time.monotonic()
    a.get_config("running")
    assert time.monotonic() - begun > 0.7
    commit("seen", a)
    fault("strange-xml")
    strange = str(a.get_config("running"))
    assert ">seen<" in strange and "description>" in strange and "<description>" not in strange, strange
    clear()
    fault("hide", name="description")
    assert "seen" not in str(a.get_config("running"))
    clear()
    fault("counters", octets_per_second=1000000)
    octets = [int(str(a.get()).split("<in-octets>")[1].split("<")[0]) for _ in range(2)]
    assert octets[0] < octets[1], octets
    clear()
    a.close_session()


def commits():
    for moment, kept in (("before", False), ("after", True)):
        a = connect()
        a.edit_config(description(f"dropped {moment}"), target="candidate")
        fault("drop", operation="commit", moment=moment, times=1)
        print("drop", moment, fails(a.commit))
        assert (f"dropped {moment}" in store()) == kept
    connect().discard_changes()
    fault("lose-commit", times=1)
    a = commit("lost")
    assert "lost" not in store(), "ok was said, and the edit is gone"
    a.edit_config(description("pending"), target="candidate")
    a.commit(confirmed=True, timeout="600", persist="p")
    assert "pending" in store()
    control("/acts", {"act": "restart", "down_millis": 300})
    fails(lambda: a.get_config("running"))
    until("the device to come back", listens)
    a = connect(10)
    assert "pending" not in store()
    try:
        a.commit(persist_id="p")
        raise SystemExit("a persist id survived a restart")
    except RPCError as error:
        assert error.tag == "invalid-value"
    a.close_session()


def quirks():
    a = commit("start")
    fault("quirk", quirk="validate-loses-edit")
    a.edit_config(description("validated"), target="candidate")
    a.validate("candidate")
    a.commit()
    assert "validated" not in store()
    clear()
    fault("quirk", quirk="lax-commit")
    commit("lax", confirmed=True, timeout="600", persist="mine")
    a.commit(persist_id="not yours")
    assert not control("")["pending"]
    clear()
    fault("quirk", quirk="candidate-kept")
    a.edit_config(description("withdrawn"), target="candidate")
    a.commit(confirmed=True, timeout="600")
    a.cancel_commit()
    assert "withdrawn" in store("candidate") and "withdrawn" not in store()
    a.discard_changes()
    clear()
    fault("quirk", quirk="lock-blocks-revert")
    with a.locked("running"):
        a.edit_config(description("forever"), target="candidate")
        a.commit(confirmed=True, timeout="1", persist="q")
        until("the timer", lambda: not control("")["pending"])
    assert "forever" in store()
    clear()
    fault("quirk", quirk="no-modules")
    assert not [it for it in connect().server_capabilities if "module=" in it]
    clear()
    first_rpc()
    fault("quirk", quirk="late-checks")
    a.edit_config(description("late").replace(ETHERNET, "").replace("eth1", "eth7"), target="candidate")
    try:
        a.commit()
        raise SystemExit("a missing leaf was never noticed")
    except RPCError as error:
        assert error.tag == "data-missing"
    clear()


def first_rpc():
    """hello and an RPC in one write: the RPC is lost, the next one is answered."""
    fault("quirk", quirk="lose-first-rpc")
    transport = paramiko.Transport((HOST, PORT))
    transport.connect(username="admin", password="admin")
    channel = transport.open_session()
    channel.settimeout(10)
    channel.invoke_subsystem("netconf")
    base = 'xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"'
    hello = f"<hello {base}><capabilities><capability>urn:ietf:params:netconf:base:1.0</capability></capabilities></hello>]]>]]>"
    channel.sendall(hello + f'<rpc {base} message-id="first"><get-config><source><running/></source></get-config></rpc>]]>]]>')
    channel.sendall(f'<rpc {base} message-id="second"><close-session/></rpc>]]>]]>')
    said = b""
    while part := channel.recv(65536):
        said += part
    transport.close()
    assert b"second" in said and b"first" not in said, said[-300:]
    clear()


def slow():
    fault("slow-link", bytes_per_second=4000, times=1)
    begun = time.monotonic()
    connect(10).close_session()
    assert time.monotonic() - begun > 0.3, "hello came too fast"


connections()
slow()
answers()
commits()
quirks()
print("ok")
