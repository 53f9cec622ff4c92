"""The judge: what a terminal shows of its configuration, read by netmiko, which shares no code with us."""

import sys

import netmiko

host, port, user, key, kind = sys.argv[1:6]
stays = sys.argv[6:] == ["stay"]
show = "display current-configuration" if kind == "huawei_vrp" else "show running-config"
with netmiko.ConnectHandler(device_type=kind, host=host, port=int(port), username=user, use_keys=True, key_file=key,
                            disabled_algorithms={"pubkeys": []}) as device:
    while True:
        lines = (line.rstrip() for line in device.send_command(show, read_timeout=30).splitlines())
        # What says when something was shown or saved is no configuration.
        print("\n".join(line for line in lines if line and not line.startswith(("!", "Building", "Current"))))
        if not stays:
            break
        print("--", flush=True)
        if not sys.stdin.readline():
            break
