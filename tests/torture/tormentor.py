"""Who torments: each named point that a program comes to is told here, and the program waits until it is let go or killed."""

import collections
import random
import socket
import struct
import threading

from parts import tell

# What a point is for: all of these must be killed at, or the run says so. Points that only a repair or a take-over visits
# are counted, and not demanded.
DEMANDED = [
    "controller: before recording the beginning",
    "controller: before sending stage",
    "controller: before sending apply",
    "controller: before recording confirm",
    "controller: before recording revert",
    "controller: before sending confirm",
    "controller: before sending revert",
    "controller: before recording the ending",
    "controller: before releasing a device",
    "controller: before telling the ending",
    "controller: before forgetting",
    "agent: before stage on the device",
    "agent: before answering stage",
    "agent: before recording the way back",
    "agent: before apply on the device",
    "agent: before answering apply",
    "agent: before confirm on the device",
    "agent: before recording the end",
    "agent: before answering confirm",
    "agent: before revert on the device",
    "agent: before answering revert",
    "agent: before reading the device",
    "agent: before asking what was decided",
    "netconf: lock sent",
    "netconf: edit-config sent",
    "netconf: validate sent",
    "netconf: commit sent",
    "cli: line sent",
    "cli: line of a change sent",
]


# Where a planted bug can be seen at all: its run kills there, so that ten minutes are enough.
FOCUS = {
    "send-before-durable": ["controller: before sending confirm", "controller: before recording the ending"],
    "no-read-back": ["agent: before answering apply", "agent: before answering renew"],
    "unknown-as-committed": ["cli: line of a change sent"],
    "timer-not-renewed": [],
}


class Tormentor:
    """Listens for points; kills at one of them when it is told to."""

    def __init__(self, path, programs, in_flight, seed, planted=None):
        self.focus, self.passed = FOCUS.get(planted), 0
        self.programs, self.in_flight, self.random = programs, in_flight, random.Random(seed)
        self.visits, self.kills = collections.Counter(), collections.Counter()
        self.in_flight_kills = self.total = 0
        self.armed = frozenset()
        self.lock = threading.Lock()
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(str(path))
        self.listener.listen(64)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            stream, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(stream,), daemon=True).start()

    def serve(self, stream):
        pid = struct.unpack("3i", stream.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
        lines = stream.makefile("r", encoding="utf-8", newline="\n")
        try:
            for line in lines:
                if self.arrive(pid, line.rstrip("\n")):
                    return  # killed: nobody waits for an answer any more
                stream.sendall(b".")
        except OSError:
            pass
        finally:
            stream.close()

    def arrive(self, pid, point):
        """Whether the program was killed at this point."""
        with self.lock:
            self.visits[point] += 1
            if point not in self.armed:
                return False
            # Of several devices that come by, it is not always the first.
            if self.passed:
                self.passed -= 1
                return False
            self.armed = frozenset()
        return self.kill(pid, point)

    def arm(self):
        """Whoever comes next to one of the points that have had the fewest kills is killed there."""
        with self.lock:
            self.passed = self.random.choice([0, 0, 0, 1, 2, 3])
            if self.focus is not None:
                self.armed = frozenset(self.focus)
                return
            # Those that are demanded in turn; what only a repair or a take-over visits whenever it comes by.
            fewest = min(self.kills[it] for it in DEMANDED)
            rare = (it for it in self.visits if it not in DEMANDED and self.kills[it] < fewest)
            self.armed = frozenset(it for it in DEMANDED if self.kills[it] == fewest).union(rare)

    def kill(self, pid, point):
        for program in self.programs:
            if program.pid() == pid:
                flying = self.in_flight() > 0
                program.kill()
                tell(program.folder, f"{program.name} was killed {point}")
                with self.lock:
                    self.kills[point] += 1
                    self.total += 1
                    self.in_flight_kills += flying
                return True
        return False

    def kill_any(self):
        """Kills somebody at a moment of no meaning."""
        alive = [program for program in self.programs if program.pid()]
        if alive:
            self.kill(self.random.choice(alive).pid(), "at random")
