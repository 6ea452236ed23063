"""Writes as role `app` every 200 ms: the heartbeat row and a message, to whichever server takes writes.

    traffic.py CONNINFO PGPASS ACKED

Each commit the server acknowledged is a line `INSTANT MESSAGE-ID` in the file ACKED: what must not be lost.
"""

import sys
import time

sys.dont_write_bytecode = True

import psql
from core import LabError, rfc3339

EVERY = 0.2
WRITE = (
    "BEGIN; UPDATE heartbeat SET at = clock_timestamp();"
    " INSERT INTO messages (debate_id, agent, body)"
    " VALUES (1 + floor(random() * 1500), 'traffic', 'written at ' || clock_timestamp()) RETURNING id; COMMIT;"
)


def main():
    conninfo, pgpass, path = sys.argv[1:]
    session, last = psql.Session(conninfo, pgpass), None
    with open(path, "a", buffering=1) as acked:
        while True:
            begun = time.monotonic()
            try:
                # Longer for the first: two servers may have to be tried, 2 s each.
                written = session.ask(WRITE, 1.0 if session.psql else 5.0)
                acked.write(f"{rfc3339(time.time())} {written[0]}\n")
                said = "writing"
            except LabError as error:
                said = str(error)
            if said != last:
                print(rfc3339(time.time()), said, flush=True)
                last = said
            time.sleep(max(0, EVERY - (time.monotonic() - begun)))


if __name__ == "__main__":
    main()
