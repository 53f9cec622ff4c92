"""The judge beside a NETCONF device: for each line of input the whole running configuration, read by ncclient anew."""

import json
import sys

from lxml import etree
from ncclient import manager

PORT, USER, KEY = int(sys.argv[1]), sys.argv[2], sys.argv[3]


def running():
    with manager.connect(host="127.0.0.1", port=PORT, username=USER, key_filename=KEY, hostkey_verify=False,
                         allow_agent=False, look_for_keys=False, timeout=30) as device:
        data = device.get_config(source="running").data_ele
        return etree.tostring(data, method="c14n").decode()


for _ in sys.stdin:
    print(json.dumps(running()), flush=True)
