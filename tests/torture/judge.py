"""The judge: what devices hold and whether anybody is locked out, by ncclient and vtysh, which share no code with us."""

import re
import subprocess

import paramiko
from ncclient import manager
from ncclient.operations import RPCError

IETF = {"if": "urn:ietf:params:xml:ns:yang:ietf-interfaces"}


class Judge:
    """Reads devices and counts what it asked of which part."""

    def __init__(self, parts):
        self.parts, self.operations = parts, {}

    def count(self, device, number=1):
        self.operations[device.kind] = self.operations.get(device.kind, 0) + number

    def connect(self, device):
        login = {"password": device.password} if device.password else {"key_filename": device.key}
        return manager.connect(host=device.address, port=device.port, username=device.user, hostkey_verify=False,
                               allow_agent=False, look_for_keys=False, timeout=20, **login)

    def description(self, device):
        """The description of eth1, or nothing."""
        if device.protocol == "cli":
            return self.from_terminal(self.running_config(device))
        with self.connect(device) as session:
            data = session.get_config(source="running").data_ele
            self.count(device)
        for interface in data.iterfind(".//if:interface", IETF):
            if interface.findtext("if:name", None, IETF) == "eth1":
                return interface.findtext("if:description", None, IETF)
        return None

    def running_config(self, device):
        self.count(device)
        if device.kind == "frr":
            real = self.parts["frr"]
            return real.run("exec", "vtysh", "-c", "show running-config")
        client = paramiko.SSHClient()
        client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
        client.connect(device.address, device.port, device.user, device.password, allow_agent=False,
                       look_for_keys=False, timeout=20)
        try:
            shell = client.invoke_shell(width=200)
            shell.settimeout(20)
            if device.platform == "cisco_ios":
                self.say(shell, "enable")
                self.say(shell, "terminal length 0")
            return self.say(shell, "show running-config")
        finally:
            client.close()

    @staticmethod
    def say(shell, line):
        """Types a line and reads up to the prompt after it."""
        shell.send(line + "\n")
        text = ""
        while True:
            text += shell.recv(65536).decode(errors="replace")
            echoed = text.find(line)
            if echoed >= 0 and re.search(r"[#>] ?$", text[echoed + len(line):]):
                return text.replace("\r", "")

    @staticmethod
    def from_terminal(text):
        inside = False
        for line in text.splitlines():
            if re.match(r"interface eth1\b", line):
                inside = True
            elif inside and re.match(r"\s+description ", line):
                return line.split("description ", 1)[1].strip()
            elif inside and not line.startswith(" "):
                inside = False
        return None

    def locked(self, device):
        """Who is locked out of a device, if anybody; a terminal has no lock that one could ask for."""
        if device.protocol == "cli":
            return None
        with self.connect(device) as session:
            stores = ["running"]
            if any("candidate" in it for it in session.server_capabilities if it.startswith("urn:ietf:params:netconf")):
                stores.append("candidate")
            for store in stores:
                self.count(device, 2)
                try:
                    session.lock(store)
                    session.unlock(store)
                except RPCError as error:
                    return f"{device.name}: {store}: {error.message or error.tag}"
        return None


def versions():
    """The versions of the real parts."""
    def said(*command):
        try:
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=20)
            return (done.stdout.strip().splitlines() or ["unknown"])[0]
        except OSError:
            return "missing"
    return {"netconfd": said("netconfd", "--version"), "frr": said("/usr/lib/frr/zebra", "--version")}
