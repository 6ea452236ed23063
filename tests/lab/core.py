"""A lab's folder, its services, and what of them really runs.

What runs is read from /proc and from nothing else: the processes of a service are those whose working directory is the
service's home (PostgreSQL and Redis go there by themselves, however they were started), and their children.
"""

import contextlib
import fcntl
import json
import os
import pwd
import random
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections import namedtuple
from datetime import datetime, timezone
from pathlib import Path

HERE = Path(__file__).resolve().parent
ENV = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC", "HOME": "/"}

REGIONS = {"east": "us-east-1", "west": "us-west-2"}

# name: kind. The order is that of `lab status`. Kubernetes' servers come after them, as many as there are.
SERVICES = {
    "pg-east": "postgres",
    "pg-west": "postgres",
    "redis-east": "redis",
    "redis-west": "redis",
    "sentinel-1": "sentinel",
    "sentinel-2": "sentinel",
    "sentinel-3": "sentinel",
    "api-east": "health",
    "api-west": "health",
    "traffic": "traffic",
}

# Not there from the beginning.
LATER = {"pg-copy": "postgres"}

# A person's shell that stands in a service's home is not part of the service; these programs are.
PROGRAMS = {"postgres", "redis-server", "redis-sentinel", "psql", "python3", Path(sys.executable).name[:15]}
PROGRAMS |= {"etcd", "kube-apiserver", "kube-controller-manager"[:15], "kube-scheduler", "kubemark"}


class LabError(Exception):
    """Something to tell the person in one line; `log` is the file whose end is shown below it."""

    def __init__(self, text, log=None):
        super().__init__(text)
        self.log = log


def rfc3339(seconds):
    """An instant in UTC with milliseconds."""
    at = datetime.fromtimestamp(seconds, timezone.utc)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def write(path, text, mode=0o600, owner=None):
    """Writes a whole file at once: a reader sees the old one or the new one."""
    path = Path(path)
    new = path.with_name(path.name + ".new")
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as file:
        file.write(text)
    os.chmod(new, mode)
    if owner is not None:
        os.chown(new, owner.pw_uid, owner.pw_gid)
    os.rename(new, path)


def wait_for(what, seconds, ask, every=0.03):
    """Asks until the answer is true; an error says `what` was waited for."""
    end = time.monotonic() + seconds
    while True:
        answer = ask()
        if answer:
            return answer
        if time.monotonic() > end:
            raise LabError(f"{what} in {seconds} s")
        time.sleep(every)


# ── The process table ────────────────────────────────────────────────────────────────────────────────────────────────

Process = namedtuple("Process", "pid ppid state start program")


def processes():
    """Every process that is not a zombie."""
    table = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                stat = Path("/proc", entry, "stat").read_text()
                program, rest = stat[stat.index("(") + 1 :].rsplit(")", 1)
                field = rest.split()
                if field[0] not in "ZXx":
                    table[int(entry)] = Process(int(entry), int(field[1]), field[0], int(field[19]), program)
    return table


def processes_at(home, owner):
    """The processes of the service at `home`, its first ones first."""
    table = processes()
    mine = set()
    for p in table.values():
        if p.program not in PROGRAMS:
            continue
        try:
            if os.readlink(f"/proc/{p.pid}/cwd") == str(home):
                mine.add(p.pid)
        except (FileNotFoundError, ProcessLookupError):
            pass
        except PermissionError:
            with contextlib.suppress(FileNotFoundError):
                if os.stat(f"/proc/{p.pid}").st_uid == owner.pw_uid:
                    raise LabError(f"the working directory of process {p.pid} ({p.program}) can't be read: who runs is unknown")
    grown = True
    while grown:
        grown = {p.pid for p in table.values() if p.ppid in mine} - mine
        mine |= grown
    found = [table[pid] for pid in mine]
    return sorted(found, key=lambda p: (p.ppid in mine, p.start, p.pid))


# ── A lab ────────────────────────────────────────────────────────────────────────────────────────────────────────────


class Service:
    """One server of a lab."""

    def __init__(self, lab, name):
        self.lab, self.name, self.kind = lab, name, {**SERVICES, **LATER}.get(name, "kubernetes")
        self.port = lab.ports.get(name)
        self.home = lab.dir / name / "data" if self.kind == "postgres" else lab.dir / name
        self.log = lab.dir / "log" / f"{name}.log"
        self.owner = lab.postgres if self.kind == "postgres" else lab.me
        self.fence_file = lab.dir / "fenced" / name

    def run_file(self, suffix):
        return self.lab.dir / "run" / f"{self.name}.{suffix}"

    def processes(self):
        return processes_at(self.home, self.owner)

    def last_run(self):
        """What its keeper wrote of its last start: pid, keeper, and of its end: died, code."""
        facts = {}
        for suffix in ("pid", "died"):
            with contextlib.suppress(FileNotFoundError):
                facts |= json.loads(self.run_file(suffix).read_text())
        return facts

    def state(self):
        """`running`, `frozen`, `fenced` or `stopped`, and the first process."""
        alive = self.processes()
        if alive:
            return ("frozen" if any(p.state in "Tt" for p in alive) else "running"), alive[0].pid
        return ("fenced" if self.fence_file.exists() else "stopped"), None

    def launch(self, argv):
        """Starts it under a keeper of its own, which notes the moment it ends. Says nothing about being ready."""
        for suffix in ("pid", "died"):
            self.run_file(suffix).unlink(missing_ok=True)
        spec = {
            "argv": [str(a) for a in argv],
            "home": str(self.home),
            "log": str(self.log),
            "pid": str(self.run_file("pid")),
            "died": str(self.run_file("died")),
            "user": [self.owner.pw_uid, self.owner.pw_gid] if self.owner.pw_uid != os.getuid() else None,
            "env": ENV,
        }
        subprocess.Popen(
            [sys.executable, "-I", HERE / "keeper.py", json.dumps(spec)],
            stdin=subprocess.DEVNULL,
            stdout=open(self.log, "ab"),
            stderr=subprocess.STDOUT,
            cwd="/",
            env=ENV,
            start_new_session=True,
        )

    def wait_ready(self, ready, seconds=30):
        """Waits until `ready()`; an end of the process before that is an error, with its log."""

        def ask():
            run = self.last_run()
            if "died" in run:
                raise LabError(f"{self.name} ended at once ({run['code']})", self.log)
            return "pid" in run and ready()

        try:
            wait_for(f"{self.name} was not ready", seconds, ask)
        except LabError as error:
            raise LabError(str(error), self.log)

    def signal(self, number, everyone=True):
        alive = self.processes()
        for p in alive if everyone else [p for p in alive if p.ppid not in {q.pid for q in alive}]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(p.pid, number)
        return alive

    def kill(self):
        """SIGKILL, the first process first, until none is left; returns when that was."""
        wait_for(f"{self.name} did not go away", 10, lambda: not self.signal(signal.SIGKILL), every=0.01)
        return time.time()


class Lab:
    """The folder of a lab: `lab.json` says which services it has and which ports are theirs, all else is read from reality."""

    def __init__(self, folder):
        self.dir = Path(folder)
        self.me = pwd.getpwuid(os.getuid())
        # initdb, pg_ctl and postgres refuse root.
        self.postgres = pwd.getpwnam("postgres") if self.me.pw_uid == 0 else self.me
        self.names, self.ports = [], {}

    @staticmethod
    def load(folder):
        lab = Lab(os.path.realpath(folder))
        try:
            known = json.loads((lab.dir / "lab.json").read_text())
            lab.names, lab.ports = known["services"], known["ports"]
        except FileNotFoundError:
            raise LabError(f"{lab.dir} holds no lab — lab up {lab.dir}")
        return lab

    def save(self):
        text = json.dumps({"services": self.names, "ports": self.ports}, indent=1)
        write(self.dir / "lab.json", text + "\n", mode=0o644)

    def service(self, name):
        if name not in self.names:
            raise LabError(f"no service is called {name} — it is one of {', '.join(self.names)}")
        return Service(self, name)

    def services(self):
        return [Service(self, name) for name in self.names]

    def secret(self, name):
        """A password, made at the first call."""
        path = self.dir / "secrets" / name
        if not path.exists():
            write(path, secrets.token_hex(16) + "\n")
        return path.read_text().strip()

    @contextlib.contextmanager
    def locked(self, patience=60):
        """One command at a time may start, stop and fence; after `patience` seconds the next one goes ahead."""
        with open(self.dir / "lab.lock", "w") as lock:
            end = time.monotonic() + patience
            while time.monotonic() < end:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    time.sleep(0.02)
            yield


# ── Ports ────────────────────────────────────────────────────────────────────────────────────────────────────────────

# Held by a lab until its `down`, so that no other lab gets the port of a server that was killed. Below the ports the
# kernel gives to outgoing connections (32768 and up), so that no client sits on it when the server comes back.
HELD = Path(f"/tmp/warroom-lab-ports-{os.getuid()}")
RANGE = range(15000, 32000)


def free_port(port):
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", port))
            return True
        except OSError:
            return False


def answers(port):
    """Whether somebody listens there; a frozen server does."""
    with socket.socket() as s:
        s.settimeout(0.5)
        return s.connect_ex(("127.0.0.1", port)) == 0


def hold_ports(folder, names):
    HELD.mkdir(mode=0o700, exist_ok=True)
    for held in HELD.iterdir():
        if not held.exists():
            held.unlink(missing_ok=True)  # its lab was deleted without `down`
    ports = {}
    for name in names:
        while name not in ports:
            port = random.choice(RANGE)
            held = HELD / str(port)
            with contextlib.suppress(FileExistsError):
                os.symlink(folder, held)
                if free_port(port):
                    ports[name] = port
                else:
                    held.unlink()
    return ports


def release_ports(lab):
    for port in lab.ports.values():
        held = HELD / str(port)
        with contextlib.suppress(OSError):
            if os.readlink(held) == str(lab.dir):
                held.unlink()
