"""A subscriber that shares no code with us: enrols for a certificate of its own, listens by MQTT, believes signatures.

    subscriber.py INVITATION FOLDER DEVICE…

INVITATION is what `entente agent invite --output json` printed. One line of JSON for each event that holds: who told
it, of which type, about what, with which algorithm. The first event that does not hold ends it with status 1.
"""

import base64
import hashlib
import http.client
import json
import pathlib
import ssl
import sys
import threading

import paho.mqtt.client as mqtt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import NameOID
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey

INVITATION = json.loads(pathlib.Path(sys.argv[1]).read_text())
FOLDER, DEVICES = pathlib.Path(sys.argv[2]), sys.argv[3:]


def ask(context, method, path, body=None, headers=None):
    connection = http.client.HTTPSConnection(INVITATION["enrolment"], context=context, timeout=30)
    connection.request(method, path, body, headers or {})
    answer = connection.getresponse()
    data = answer.read()
    if answer.status != 200:
        raise SystemExit(f"{path}: {answer.status} {data!r}")
    return pkcs7.load_der_pkcs7_certificates(base64.b64decode(data))


def enrolled():
    """The authority, known by its fingerprint alone, and a certificate of its making for a key of our own."""
    blind = ssl.create_default_context()
    blind.check_hostname, blind.verify_mode = False, ssl.CERT_NONE
    wanted = INVITATION["fingerprint"].removeprefix("sha256:")
    found = ask(blind, "GET", "/.well-known/est/cacerts")
    der = serialization.Encoding.DER
    authority = next(it for it in found if hashlib.sha256(it.public_bytes(der)).hexdigest() == wanted)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, INVITATION["name"])])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    FOLDER.mkdir()
    pem = serialization.Encoding.PEM
    (FOLDER / "authority.pem").write_bytes(authority.public_bytes(pem))
    sighted = ssl.create_default_context(cafile=FOLDER / "authority.pem")
    pair = base64.b64encode(f"{INVITATION['name']}:{INVITATION['token']}".encode()).decode()
    own = ask(sighted, "POST", "/.well-known/est/simpleenroll", base64.b64encode(request.public_bytes(der)),
              {"authorization": f"Basic {pair}", "content-type": "application/pkcs10"})
    (FOLDER / "own.pem").write_bytes(own[0].public_bytes(pem))
    (FOLDER / "own.key").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8,
                                                       serialization.NoEncryption()))
    return authority


def believed(authority, message):
    """The event, if chain, name and signature over its canonical form (RFC 8785) hold."""
    event = json.loads(message)
    header, signature = event.pop("signature").split("..")
    protected = json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))
    certificate = x509.load_der_x509_certificate(base64.b64decode(protected["x5c"][0]))
    certificate.verify_directly_issued_by(authority)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    if event["source"] not in names.get_values_for_type(x509.UniformResourceIdentifier):
        raise ValueError(f"{event['source']} is not who signed")
    canonical = json.dumps(event, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    payload = base64.urlsafe_b64encode(canonical).rstrip(b"=").decode()
    public = certificate.public_key()
    kind = ECKey if isinstance(public, ec.EllipticCurvePublicKey) else OKPKey
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    key = kind.import_key(public.public_bytes(serialization.Encoding.PEM, spki).decode())
    registry = jws.JWSRegistry(algorithms=["EdDSA", "Ed25519", "ES256"], strict_check_header=False)
    registry.max_header_length = 8192  # the certificate comes along
    jws.deserialize_compact(f"{header}.{payload}.{signature}", key, registry=registry)
    return {"algorithm": protected["alg"], **{name: event.get(name, "") for name in ("source", "type", "subject", "data")}}


def main():
    authority, ended, failed = enrolled(), threading.Event(), []
    context = ssl.create_default_context(cafile=FOLDER / "authority.pem")
    context.load_cert_chain(FOLDER / "own.pem", FOLDER / "own.key")
    context.set_alpn_protocols(["mqtt"])

    def connected(client, _data, _flags, code, _properties):
        if code.value:
            failed.append(f"not connected: {code}")
            return ended.set()
        client.subscribe([(f"entente/v1/event/+/+/{device}", 1) for device in [*DEVICES, "_"]])

    def subscribed(_client, _data, _id, codes, _properties):
        print(json.dumps({"subscribed": [code.value for code in codes]}), flush=True)

    def heard(_client, _data, message):
        try:
            print(json.dumps(believed(authority, message.payload)), flush=True)
        except Exception as error:  # whatever it is, the event does not hold
            failed.append(f"{error!r} in {message.payload!r}")
            ended.set()

    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="mission", protocol=mqtt.MQTTv5)
    client.tls_set_context(context)
    client.on_connect, client.on_subscribe, client.on_message = connected, subscribed, heard
    host, port = INVITATION["address"].rsplit(":", 1)
    client.connect(host, int(port), keepalive=10)
    client.loop_start()
    ended.wait()
    raise SystemExit("; ".join(failed))


main()
