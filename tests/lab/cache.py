"""Redis `redis-east` with its replica `redis-west`, and the three Sentinels that watch them as `cache`."""

import signal
import socket

from core import LabError, wait_for, write

MASTER = "cache"

REDIS = """\
bind 127.0.0.1
port {port}
dir {home}
requirepass {password}
masterauth {password}
replica-announce-ip 127.0.0.1
replica-announce-port {port}
repl-diskless-sync-delay 0
repl-ping-replica-period 1
appendonly yes
save 3600 1
"""
# The replica must be there before the Sentinels: they ask a healthy master for its replicas only every 10 s.
SENTINEL = """\
bind 127.0.0.1
port {port}
dir {home}
sentinel announce-ip 127.0.0.1
sentinel monitor cache 127.0.0.1 {master} 2
sentinel auth-pass cache {password}
sentinel down-after-milliseconds cache 1500
sentinel failover-timeout cache 10000
sentinel parallel-syncs cache 1
"""


def ask(port, commands, password=None, seconds=1):
    """Sends commands (lists of words), gives their replies. An error reply comes as LabError."""
    if password:
        commands = [["AUTH", password], *commands]
    try:
        with socket.create_connection(("127.0.0.1", port), seconds) as s:
            file = s.makefile("rwb")
            for words in commands:
                file.write(b"*%d\r\n" % len(words))
                for word in words:
                    data = str(word).encode()
                    file.write(b"$%d\r\n%s\r\n" % (len(data), data))
            file.flush()
            replies = [reply(file) for _ in commands]
    except OSError as error:
        raise LabError(f"redis at {port}: {error}")
    return replies[1:] if password else replies


def reply(file):
    line = file.readline().decode()
    kind, rest = line[:1], line[1:].strip()
    match kind:
        case "+":
            return rest
        case ":":
            return int(rest)
        case "$" if rest == "-1":
            return None
        case "$":
            return file.read(int(rest) + 2)[:-2].decode(errors="replace")
        case "*":
            return [reply(file) for _ in range(int(rest))]
    raise LabError(f"redis: {rest or 'no answer'}")


def create(lab):
    """All five from nothing, until the Sentinels agree on each other and on the replica."""
    password = lab.secret("redis")
    master, replica = lab.service("redis-east"), lab.service("redis-west")
    for service, more in [(master, ""), (replica, f"replicaof 127.0.0.1 {master.port}\n")]:
        service.home.mkdir(mode=0o700)
        text = REDIS.format(port=service.port, home=service.home, password=password) + more
        write(service.home / "redis.conf", text)
        service.launch(["redis-server", service.home / "redis.conf"])
    for service in (master, replica):
        service.wait_ready(lambda: ready(service))
    ask(master.port, keys(), password)
    wait_for("redis-west did not sync", 30, lambda: linked(replica, password))
    sentinels = [lab.service(f"sentinel-{n}") for n in (1, 2, 3)]
    for service in sentinels:
        service.home.mkdir(mode=0o700)
        text = SENTINEL.format(port=service.port, home=service.home, master=master.port, password=password)
        write(service.home / "sentinel.conf", text)
        start(service)
    for service in sentinels:
        wait_for(f"{service.name} did not find the others", 30, lambda: agrees(service), every=0.1)


def keys():
    sessions = [["SET", f"session:{n:04}", f"customer-{n}", "EX", 86400] for n in range(1, 301)]
    limits = [["SET", f"rate:customer-{n}", n % 60] for n in range(1, 101)]
    return [*sessions, *limits, ["RPUSH", "queue:debates", *range(1, 41)], ["SET", "config:version", "2026.02.1"]]


def linked(replica, password):
    info = ask(replica.port, [["INFO", "replication"]], password)[0]
    return "master_link_status:up" in info and "master_sync_in_progress:0" in info


def agrees(sentinel):
    try:
        others, replicas, quorum = ask(
            sentinel.port,
            [["SENTINEL", "SENTINELS", MASTER], ["SENTINEL", "REPLICAS", MASTER], ["SENTINEL", "CKQUORUM", MASTER]],
        )
    except LabError:
        return False  # NOQUORUM is an error reply
    return len(others) == 2 and len(replicas) == 1 and quorum.startswith("OK 3 ")


def ready(service):
    try:
        password = service.lab.secret("redis") if service.kind == "redis" else None
        return ask(service.port, [["PING"]], password) == ["PONG"]
    except LabError:
        return False


def start(service):
    """From its own configuration file, which Redis and the Sentinels rewrite as roles change."""
    program, conf = ("redis-server", "redis.conf") if service.kind == "redis" else ("redis-sentinel", "sentinel.conf")
    service.launch([program, service.home / conf])
    service.wait_ready(lambda: ready(service))


def stop(service, seconds=15):
    service.signal(signal.SIGTERM)
    wait_for(f"{service.name} did not stop", seconds, lambda: not service.processes())
