"""What paho says of a broker: it connects, subscribes, publishes with receipt, goes on with its session.

Usage: judge.py PORT TOPIC STRANGE, in a folder with ca.pem, edge-3.pem and edge-3.key.
"""

import ssl, sys, threading
import paho.mqtt.client as mqtt
from paho.mqtt.properties import Properties
from paho.mqtt.packettypes import PacketTypes

port, topic, strange = int(sys.argv[1]), sys.argv[2], sys.argv[3]
heard, acknowledged, subscribed, connected = [], [], [], []
step = threading.Condition()

def note(where, what):
    with step:
        where.append(what)
        step.notify_all()

def client():
    it = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="paho", protocol=mqtt.MQTTv5)
    it.tls_set("ca.pem", "edge-3.pem", "edge-3.key", tls_version=ssl.PROTOCOL_TLS_CLIENT)
    it.on_connect = lambda c, u, flags, code, p: note(connected, (flags.session_present, code.value, p))
    it.on_message = lambda c, u, message: note(heard, message.payload)
    it.on_publish = lambda c, u, mid, code, p: note(acknowledged, code.value)
    it.on_subscribe = lambda c, u, mid, codes, p: note(subscribed, [code.value for code in codes])
    remembered = Properties(PacketTypes.CONNECT)
    remembered.SessionExpiryInterval = 600
    it.connect("127.0.0.1", port, keepalive=5, clean_start=False, properties=remembered)
    it.loop_start()
    return it

def until(where, count):
    with step:
        assert step.wait_for(lambda: len(where) >= count, 15), (where, count)

one = client()
until(connected, 1)
assert connected[0][:2] == (False, 0), connected
said = connected[0][2]
assert (said.MaximumQoS, said.RetainAvailable, said.SharedSubscriptionAvailable) == (1, 0, 0), said
one.subscribe([("entente/v1/event/+/+/pe1", 1), ("#", 1), ("entente/v1/event/+/+/" + strange, 1)])
until(subscribed, 1)
assert subscribed[0] == [1, 0x87, 0x87], subscribed
one.publish(topic, b"one", qos=1)
one.publish("entente/v1/event/link-fault/error/" + strange, b"not mine", qos=1)
until(acknowledged, 2)
assert sorted(acknowledged) == [0, 0x87], acknowledged
until(heard, 1)
one.disconnect()
one.loop_stop()

# What comes while it is away waits for it.
print("away", flush=True)
sys.stdin.readline()
two = client()
until(connected, 2)
assert connected[1][:2] == (True, 0), connected
until(heard, 2)
assert heard == [b"one", b"two"], heard
two.disconnect()
two.loop_stop()
print(sum(map(len, (connected, subscribed, acknowledged, heard))), flush=True)
