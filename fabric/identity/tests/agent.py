"""An agent made from the protobuf files and the docs alone: it enrols, joins and takes part in transactions.

Its device is a dictionary. Usage: agent.py ENROLMENT CONTROLLER FINGERPRINT TOKEN NAME DEVICE PROTO_FOLDER
"""

import base64
import http.client
import importlib
import os
import pathlib
import queue
import ssl
import sys
import tempfile

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import NameOID
from grpc_tools import protoc

ENROLMENT, CONTROLLER, FINGERPRINT, TOKEN, NAME, DEVICE, PROTO = sys.argv[1:]
PEM = serialization.Encoding.PEM


def ask(context, method, operation, body=None, headers=None):
    connection = http.client.HTTPSConnection(ENROLMENT, context=context, timeout=10)
    connection.request(method, f"/.well-known/est/{operation}", body, headers or {})
    answer = connection.getresponse()
    text = answer.read()
    assert answer.status == 200, (answer.status, text)
    return pkcs7.load_der_pkcs7_certificates(base64.b64decode(text))


def enrol():
    stranger = ssl.create_default_context()
    stranger.check_hostname, stranger.verify_mode = False, ssl.CERT_NONE
    (authority,) = ask(stranger, "GET", "cacerts")
    assert authority.fingerprint(hashes.SHA256()).hex() == FINGERPRINT
    trusted = ssl.create_default_context(cadata=authority.public_bytes(PEM).decode())
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    login = base64.b64encode(f"{NAME}:{TOKEN}".encode()).decode()
    headers = {"Content-Type": "application/pkcs10", "Authorization": f"Basic {login}"}
    body = base64.b64encode(request.public_bytes(serialization.Encoding.DER))
    (own,) = ask(trusted, "POST", "simpleenroll", body, headers)
    pkcs8 = key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return authority.public_bytes(PEM), pkcs8, own.public_bytes(PEM)


def compiled():
    folder = tempfile.mkdtemp()
    files = [str(it) for it in pathlib.Path(PROTO).rglob("*.proto")]
    assert protoc.main(["", f"-I{PROTO}", f"--python_out={folder}", f"--grpc_python_out={folder}", *files]) == 0
    sys.path.insert(0, folder)
    part = lambda name: importlib.import_module(f"entente.v1.{name}")
    return part("fabric_pb2"), part("fabric_pb2_grpc"), part("join_pb2"), part("report_pb2"), part("request_pb2")


class Device:
    """Its configuration: values by path. It refuses what says `refuse`."""

    def __init__(self, value):
        self.running = {"interface[eth1]": value(present=True), "interface[eth1]/mtu": value(scalar="1500")}
        self.staged, self.before = None, None

    def stage(self, change):
        found = []
        for entry in change.entries:
            has = self.running.get(entry.path)
            if has != (entry.before if entry.HasField("before") else None):
                found.append((entry, has))
        if not found:
            self.staged = change
        return found

    def refuses(self):
        return any("refuse" in entry.after.scalar for entry in self.staged.entries)

    def apply(self):
        self.before = dict(self.running)
        for entry in self.staged.entries:
            if entry.HasField("after"):
                self.running[entry.path] = entry.after
            else:
                self.running.pop(entry.path, None)

    def revert(self):
        if self.before is not None:
            self.running = self.before
        self.staged, self.before = None, None

    def below(self, paths):
        def wanted(path):
            return not paths or any(path == it or path.startswith((it + "/", it + "[")) for it in paths)
        return sorted((path, value) for path, value in self.running.items() if wanted(path))


def main():
    authority, key, own = enrol()
    fabric, service, join, report, request = compiled()
    channel = grpc.secure_channel(CONTROLLER, grpc.ssl_channel_credentials(authority, key, own))
    upward, state, device, answered = queue.Queue(), {"sequence": 0, "seen": 0}, Device(request.Value), {}
    devices = [join.Device(id=DEVICE, platforms=["dictionary"], guarantee=join.GUARANTEE_WHOLE)]
    hello = join.Hello(lowest_version=1, highest_version=1, agent=NAME, devices=devices, session=os.urandom(16),
                       program="agent.py", capabilities=["configure", "stands"])
    upward.put(fabric.Upward(hello=hello))

    def say(message, scope):
        message.scope.CopyFrom(scope)
        if message.WhichOneof("body") == "answer":
            state["sequence"] += 1
            message.sequence = state["sequence"]
        message.seen = state["seen"]
        upward.put(message)

    def answer(kind, body):
        if kind == "stage":
            found = device.stage(body.change)
            if found:
                words = ", ".join(it.path for it, has in found)
                return report.Answer(standing=report.STANDING_UNTOUCHED, vote=report.Vote(stale=report.Stale(words=words)))
            if device.refuses():
                fault = {"code": "refused", "detail": "the device says no"}
                device.revert()
                return report.Answer(standing=report.STANDING_UNTOUCHED, vote=report.Vote(no=report.No(fault=fault)))
            yes = report.Yes(guarantee=join.GUARANTEE_WHOLE, renews=True)
            return report.Answer(standing=report.STANDING_STAGED, vote=report.Vote(yes=yes))
        if kind == "apply":
            device.apply()
            return report.Answer(standing=report.STANDING_APPLIED, done=report.Done())
        if kind == "confirm":
            device.staged = device.before = None
            return report.Answer(standing=report.STANDING_CONFIRMED, done=report.Done())
        if kind == "revert":
            device.revert()
            return report.Answer(standing=report.STANDING_UNTOUCHED, done=report.Done())
        if kind == "renew":
            return report.Answer(standing=report.STANDING_APPLIED, done=report.Done())
        if kind == "inquire":
            standing = report.STANDING_APPLIED if device.before else report.STANDING_UNTOUCHED
            return report.Answer(standing=standing, done=report.Done())
        if kind == "query" and body.source == request.SOURCE_NATIVE:
            text = "".join(f"{path} = {value}" for path, value in device.below([]))
            return report.Answer(standing=report.STANDING_UNTOUCHED, reading=report.Reading(native=text))
        if kind == "query":
            paths = body.paths if body.source == request.SOURCE_RUNNING else ["nothing"]
            entries = [report.Observed(path=path, value=it) for path, it in device.below([it for it in paths if it])]
            return report.Answer(standing=report.STANDING_UNTOUCHED, reading=report.Reading(entries=entries))
        return report.Answer(fault={"code": "unsupported"})

    for message in service.FabricStub(channel).Join(iter(upward.get, None)):
        kind = message.WhichOneof("body")
        if kind == "refused":
            sys.exit(f"refused: {message.refused.fault.code}")
        if kind == "welcome":
            assert message.welcome.version == 1
            continue
        if kind == "heartbeat":
            upward.put(fabric.Upward(seen=state["seen"], heartbeat=join.Heartbeat()))
            continue
        if message.sequence <= state["seen"]:
            continue
        assert message.sequence == state["seen"] + 1
        state["seen"] = message.sequence
        again = message.scope.SerializeToString(deterministic=True)
        if again not in answered:
            say(fabric.Upward(progress=report.Progress(words="working")), message.scope)
            answered[again] = answer(kind, getattr(message, kind))
        it = report.Answer()
        it.CopyFrom(answered[again])
        it.to = message.sequence
        say(fabric.Upward(answer=it), message.scope)


main()
