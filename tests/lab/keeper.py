"""Starts one service, waits for its end and writes down when that was.

A server that was killed can't tell when; its parent can. That moment is what a failover's loss is counted from.
"""

import json
import os
import signal
import subprocess
import sys
import time


def write(path, facts):
    with open(path + ".new", "w") as file:
        json.dump(facts, file)
    os.rename(path + ".new", path)


spec = json.loads(sys.argv[1])
user = {}
if spec["user"]:
    user = {"user": spec["user"][0], "group": spec["user"][1], "extra_groups": []}
child = subprocess.Popen(
    spec["argv"], cwd=spec["home"], env=spec["env"], stdin=subprocess.DEVNULL, start_new_session=True, **user
)
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
try:
    write(spec["pid"], {"pid": child.pid, "keeper": os.getpid()})
    code = child.wait()
    died = time.time()
    how = f"exit {code}" if code >= 0 else signal.Signals(-code).name
    write(spec["died"], {"died": died, "code": how})
except FileNotFoundError:
    pass  # the lab's folder was deleted
