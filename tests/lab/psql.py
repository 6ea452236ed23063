"""psql as a library: one script at a time, or a session kept open whose every answer has a deadline."""

import os
import select
import shutil
import subprocess
import time
from pathlib import Path

from core import ENV, LabError


def program(name):
    """A program of PostgreSQL 15, or of the newest version there is."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: float(p.parent.name))
    for folder in [Path("/usr/lib/postgresql/15/bin"), *reversed(folders)]:
        if (folder / name).exists():
            return str(folder / name)
    found = shutil.which(name)
    if not found:
        raise LabError(f"{name} is not installed — apt-get install postgresql-15")
    return found


def environment(pgpass):
    return ENV | {"PGPASSFILE": str(pgpass), "PGTZ": "UTC"}


def command(conninfo):
    return [program("psql"), "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", conninfo]


def run(conninfo, pgpass, script):
    """Runs a script, stops at its first error."""
    done = subprocess.run(command(conninfo), input=script, env=environment(pgpass), capture_output=True, text=True)
    if done.returncode != 0:
        raise LabError(f"psql on {conninfo}: {done.stderr.strip() or done.returncode}")
    return done.stdout.splitlines()


class Session:
    """A psql kept open. An answer that misses its deadline, and any error, ends it; the next question opens another."""

    END = "--end-of-answer--"

    def __init__(self, conninfo, pgpass):
        self.conninfo, self.pgpass, self.psql = conninfo, pgpass, None

    def ask(self, sql, seconds):
        """The lines of the answer; LabError when there is none in time."""
        try:
            if self.psql is None:
                self.psql = subprocess.Popen(
                    command(self.conninfo),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    env=environment(self.pgpass),
                    bufsize=0,
                )
            return self._answer(sql, time.monotonic() + seconds)
        except (LabError, OSError) as error:
            self.close()
            raise LabError(str(error))

    def _answer(self, sql, end):
        self.psql.stdin.write(f"{sql}\n\\echo {self.END}\n".encode())
        out, text = self.psql.stdout.fileno(), b""
        while not text.endswith(self.END.encode() + b"\n"):
            if not select.select([out], [], [], max(0, end - time.monotonic()))[0]:
                raise LabError("no answer in time")
            piece = os.read(out, 65536)
            if not piece:
                raise LabError(" ".join(text.decode(errors="replace").split()) or "psql ended")
            text += piece
        return text.decode().splitlines()[:-1]

    def close(self):
        if self.psql is not None:
            self.psql.kill()
            self.psql.wait()
            self.psql.stdin.close()
            self.psql.stdout.close()
            self.psql = None
