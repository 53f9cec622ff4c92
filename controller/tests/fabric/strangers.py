"""What foreign clients get to hear that do not keep to the rules: grpcio on the streams, paho on the events.

Usage: strangers.py STREAMS EVENTS DEVICE PROTO_FOLDER, in a folder with ca.pem and NAME.pem, NAME.key of edge, expired,
foreign, broker and boss. Prints one JSON object: by case what came down, how it ended, and in which words.
"""

import importlib, json, os, pathlib, queue, ssl, sys, tempfile, threading

import grpc
import paho.mqtt.client as mqtt
from grpc_tools import protoc

STREAMS, EVENTS, DEVICE, PROTO = sys.argv[1:]
folder = tempfile.mkdtemp()
files = [str(it) for it in pathlib.Path(PROTO).rglob("*.proto")]
assert protoc.main(["", f"-I{PROTO}", f"--python_out={folder}", *files]) == 0
sys.path.insert(0, folder)
fabric, join, report, scope = (importlib.import_module(f"entente.v1.{it}_pb2") for it in ("fabric", "join", "report", "scope"))


def read(name):
    return pathlib.Path(name).read_bytes()


def streamed(holder, messages):
    """What becomes of a stream that says just that, and then waits."""
    upward, kinds = queue.Queue(), []
    for message in messages:
        upward.put(message if isinstance(message, bytes) else message.SerializeToString())
    credentials = grpc.ssl_channel_credentials(read("ca.pem"), read(f"{holder}.key"), read(f"{holder}.pem"))
    with grpc.secure_channel(f"127.0.0.1:{STREAMS}", credentials, [("grpc.enable_retries", 0)]) as channel:
        method = channel.stream_stream("/entente.v1.Fabric/Join", lambda it: it, fabric.Downward.FromString)
        try:
            for message in method(iter(upward.get, None), timeout=20):
                kind = message.WhichOneof("body")
                kinds.append(kind)
                if kind == "refused":
                    return kinds, message.refused.fault.code, message.refused.fault.detail
        except grpc.RpcError as error:
            return kinds, error.code().name, error.details()
    return kinds, "OK", ""


def hello(**other):
    said = dict(lowest_version=1, highest_version=1, agent="edge", devices=[join.Device(id=DEVICE)],
                session=os.urandom(16), program="strangers.py", capabilities=["configure"])
    return fabric.Upward(hello=join.Hello(**{**said, **other}))


def published(port, alpn, holder, newest=None):
    """Whether paho gets in."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations("ca.pem")
    context.load_cert_chain(f"{holder}.pem", f"{holder}.key")
    if newest:
        context.maximum_version = newest
    if alpn:
        context.set_alpn_protocols(["mqtt"])
    over, said = threading.Event(), []
    it = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=f"paho-{holder}", protocol=mqtt.MQTTv5)
    it.tls_set_context(context)
    it.on_connect = lambda c, u, flags, code, p: (said.append("connected"), over.set())
    it.on_disconnect = lambda c, u, flags, code, p: (said.append("closed"), over.set())
    try:
        it.connect("127.0.0.1", int(port), keepalive=5)
    except OSError as error:
        return [], type(error).__name__, str(error)
    it.loop_start()
    over.wait(30)
    it.disconnect()
    it.loop_stop()
    return [], said[0] if said else "silent", ""


about = scope.Scope(transaction=b"7" * 16, epoch=1, device=DEVICE, step=scope.STEP_APPLY)
strange = scope.Scope(transaction=b"7" * 16, epoch=1, device="01930000-0000-7000-8000-000000000002", step=scope.STEP_APPLY)
old, done = ssl.TLSVersion.TLSv1_2, report.Answer(done=report.Done())
cases = {
    "no protobuf": streamed("edge", [b"\xff\xff\xff\xff"]),
    "an empty message": streamed("edge", [fabric.Upward()]),
    "a heartbeat first": streamed("edge", [fabric.Upward(heartbeat=join.Heartbeat())]),
    "an answer first": streamed("edge", [fabric.Upward(sequence=1, scope=about, answer=done)]),
    "another's name": streamed("edge", [hello(agent="someone-else")]),
    "half a session": streamed("edge", [hello(session=b"123")]),
    "no version": streamed("edge", [hello(lowest_version=7, highest_version=9)]),
    "a gap": streamed("edge", [hello(), fabric.Upward(sequence=5, scope=about, answer=done)]),
    "garbage later": streamed("edge", [hello(), b"\xff\xff\xff\xff"]),
    "another's device": streamed("edge", [hello(), fabric.Upward(sequence=1, scope=strange, answer=done)]),
    "too much": streamed("edge", [hello(), fabric.Upward(scope=about, progress=report.Progress(words="x" * (5 << 20)))]),
    "expired": streamed("expired", [hello(agent="expired")]),
    "foreign": streamed("foreign", [hello(agent="foreign")]),
    "a broker": streamed("broker", [hello(agent="broker")]),
    "a controller": streamed("boss", [hello(agent="boss")]),
    "events: good": published(EVENTS, False, "edge"),
    "events: TLS 1.2": published(EVENTS, False, "edge", old),
    "events: expired": published(EVENTS, False, "expired"),
    "events: foreign": published(EVENTS, False, "foreign"),
    "events on the port of streams: good": published(STREAMS, True, "edge"),
    "events on the port of streams: TLS 1.2": published(STREAMS, True, "edge", old),
}
print(json.dumps(cases))
