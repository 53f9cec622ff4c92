"""netmiko drives one simulated terminal; any surprise ends with an error.

Arguments: HOST PORT DIALECT(frr|ios|vrp) CONTROL-URL
"""

import json
import sys
import time
import urllib.request

from netmiko import ConnectHandler
from netmiko.exceptions import ReadTimeout

HOST, PORT, DIALECT, CONTROL = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
DRIVER = {"frr": "cisco_ios", "ios": "cisco_ios", "vrp": "huawei_vrp"}[DIALECT]


def connect():
    return ConnectHandler(device_type=DRIVER, host=HOST, port=PORT, username="admin", password="admin",
                          fast_cli=True, conn_timeout=15, read_timeout_override=20)


def control(path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{CONTROL}/devices/device{path}", data, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def until(what, condition, seconds=15):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds} s for {what}"
        time.sleep(0.05)


def holds(text, *wanted):
    for line in wanted:
        assert line in text, f"{line!r} is missing in:\n{text}"


def frr(link):
    said = link.send_config_set(["interface eth1", "description to the core", "ip address 192.0.2.1/24", "exit",
                                 "router bgp 65001", "neighbor 192.0.2.2 remote-as 65002",
                                 "address-family ipv4 unicast", "network 198.51.100.77/24", "exit-address-family", "nonsense here"])
    holds(said, "% Unknown command: nonsense here", "(config-router-af)#")
    shown = link.send_command("show running-config")
    holds(shown, "interface eth1\n description to the core\n ip address 192.0.2.1/24", "router bgp 65001",
          "  network 198.51.100.0/24")
    link.send_config_set(["interface eth1", "no description", "no ip address 192.0.2.1/24"])
    assert "to the core" not in link.send_command("show running-config")
    holds(link.send_command("write memory"), "[OK]")
    holds(link.send_command("show startup-config"), "router bgp 65001")


def ios(link):
    link.enable()
    assert link.check_enable_mode()
    link.send_config_set(["interface GigabitEthernet0/1", "description to the core", "ip address 192.0.2.1 255.255.255.0"])
    holds(link.send_command("show running-config"), "interface GigabitEthernet0/1\n description to the core\n ip address 192.0.2.1 255.255.255.0")
    holds(link.send_config_set(["interface GigabitEthernet0/1", "mtu 1"]), "% Invalid input detected")
    holds(link.save_config(), "[OK]")
    # the revert timer: two devices' minutes are one second here
    link.send_command("configure terminal revert timer 1", expect_string=r"\(config\)#")
    link.send_command("hostname other", expect_string=r"#")
    link.send_command("end", expect_string=r"other#")
    until("the revert timer", lambda: "other" not in control("/config/running")["xml"])
    link.set_base_prompt()
    link.send_command("configure terminal revert timer 120", expect_string=r"\(config\)#")
    link.send_command("ip route 10.0.0.0 255.0.0.0 192.0.2.9", expect_string=r"#")
    link.send_command("end", expect_string=r"#")
    link.send_command("configure confirm", expect_string=r"#")
    holds(link.send_command("show running-config"), "ip route 10.0.0.0 255.0.0.0 192.0.2.9")
    link.send_command("terminal length 5")
    link.write_channel("show running-config\n")
    holds(link.read_until_pattern(r"--More--"), "Building")
    link.write_channel("q")
    link.read_until_pattern(r"#")


def vrp(link):
    said = link.send_config_set(["interface GE0/0/1", "description to the core", "ip address 192.0.2.1 24", "quit"], exit_config_mode=False)
    holds(said, "[*device-GE0/0/1]", "[*device]")
    assert "to the core" not in link.send_command("display current-configuration", expect_string=r"\]"), "not yet committed"
    link.send_command("commit", expect_string=r"\[~device\]")
    holds(link.send_command("display current-configuration", expect_string=r"\]"), "interface GE0/0/1\n description to the core")
    link.send_config_set(["interface GE0/0/1", "undo description", "quit"], exit_config_mode=False, enter_config_mode=False)
    link.send_command("commit trial 60", expect_string=r"\[~device\]")
    assert "to the core" not in control("/config/running")["xml"]
    until("the trial to end", lambda: "to the core" in control("/config/running")["xml"])
    link.send_config_set(["sysname edge", ], exit_config_mode=False, enter_config_mode=False)
    link.send_command("commit trial 65535", expect_string=r"\[~edge\]")
    link.send_command("commit", expect_string=r"\[~edge\]")
    holds(link.send_command("unheard of", expect_string=r"\]"), "Error: Unrecognized command")
    link.send_command("return", expect_string=r"<edge>")
    link.send_command("save", expect_string=r"\[Y/N\]:")
    holds(link.send_command("y", expect_string=r"<edge>"), "successfully")


def main():
    link = connect()
    {"frr": frr, "ios": ios, "vrp": vrp}[DIALECT](link)
    link.disconnect()
    control("/faults", {"fault": "banner", "bytes": 1000000, "times": 1})
    link = connect()
    assert "device" in link.find_prompt() or "edge" in link.find_prompt()
    link.disconnect()
    link = connect()
    link.read_timeout_override = 2
    control("/faults", {"fault": "no-prompt", "times": 1})
    try:
        link.send_command({"frr": "show version", "ios": "show version", "vrp": "display version"}[DIALECT])
        raise SystemExit("a prompt that never came was not missed")
    except ReadTimeout:
        pass
    print("ok")


main()
