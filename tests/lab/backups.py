"""Dumps of `app`, each with its checksum and the row counts of the very snapshot it was taken from."""

import hashlib
import json
import os
import shutil
import subprocess
import time

import postgres
import psql
from core import LabError

TABLES = ["customers", "debates", "messages", "heartbeat"]
DAY = 86400


def name(at):
    return time.strftime("app-%Y%m%dT%H%M%SZ.dump", time.gmtime(at))


def take(lab):
    """Takes one from whichever server takes writes. The dump gets its name last, when it is whole."""
    session = psql.Session(postgres.conninfo(lab, None), postgres.pgpass(lab))
    at = time.time()
    dump = lab.dir / "backups" / name(at)
    if dump.exists():
        raise LabError(f"{dump.name} is there already — at most one a second")
    part = dump.with_name(dump.name + ".part")
    counts = " UNION ALL ".join(f"SELECT '{table}', count(*) FROM {table}" for table in TABLES)
    try:
        snapshot, port = session.ask(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT pg_export_snapshot(), inet_server_port();", 5
        )[0].split("|")
        server = next(s for s, p in lab.ports.items() if str(p) == port)
        conninfo = postgres.conninfo(lab, server)
        command = [psql.program("pg_dump"), "-Fc", "--snapshot", snapshot, "-f", str(part), "-d", conninfo]
        environment = psql.environment(postgres.pgpass(lab))
        done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode != 0:
            part.unlink(missing_ok=True)
            raise LabError(f"pg_dump of {server}: {done.stderr.strip()}")
        rows = {table: int(n) for table, n in (line.split("|") for line in session.ask(counts + ";", 10))}
        session.ask("COMMIT;", 5)
    finally:
        session.close()
    describe(dump, hashlib.sha256(part.read_bytes()).hexdigest(), rows)
    os.rename(part, dump)
    return dump


def describe(dump, checksum, rows):
    dump.with_name(dump.name + ".sha256").write_text(f"{checksum}  {dump.name}\n")
    dump.with_name(dump.name + ".counts.json").write_text(json.dumps(rows) + "\n")


def create(lab):
    """Today's, the six days before it, and a newer one whose writer died half-way."""
    folder = lab.dir / "backups"
    newest = take(lab)
    at = newest.stat().st_mtime
    data = newest.read_bytes()
    checksum = hashlib.sha256(data).hexdigest()
    rows = json.loads(newest.with_name(newest.name + ".counts.json").read_text())
    for days in range(1, 7):
        dump = folder / name(at - days * DAY)
        shutil.copyfile(newest, dump)
        describe(dump, checksum, rows)
        for suffix in ("", ".sha256", ".counts.json"):
            os.utime(dump.with_name(dump.name + suffix), (at - days * DAY,) * 2)
    (folder / (name(at + 1) + ".part")).write_bytes(data[: len(data) // 2])
