"""The health service of a region: what its own database says right now.

    health.py PORT REGION CONNINFO PGPASS

GET /health answers 200 when the database answered within 0.7 s, 503 when not: below the second that callers wait.
"""

import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

sys.dont_write_bytecode = True

import psql
from core import LabError

DEADLINE = 0.7
FRESH = 0.5
QUESTION = "SELECT current_setting('transaction_read_only');"


class Database:
    """One open session; an answer serves everybody for half a second. Nobody asks: nothing is sent."""

    def __init__(self, conninfo, pgpass):
        self.session = psql.Session(conninfo, pgpass)
        self.lock = threading.Lock()
        self.at, self.answer = 0.0, None

    def health(self):
        with self.lock:
            if time.monotonic() - self.at > FRESH:
                self.answer = self.ask()
                self.at = time.monotonic()
            return self.answer

    def ask(self):
        end = time.monotonic() + DEADLINE
        # A session that was ended since the last question says nothing about the server: one more try, in the same time.
        for _ in range(2 if self.session.psql else 1):
            try:
                read_only = self.session.ask(QUESTION, end - time.monotonic())
                return {"status": "ok", "writable": read_only == ["off"]}
            except LabError as error:
                print(time.strftime("%FT%TZ", time.gmtime()), error, flush=True)
                if time.monotonic() >= end:
                    break
        return {"status": "down", "writable": False}


def main():
    port, region, conninfo, pgpass = sys.argv[1:]
    database = Database(conninfo, pgpass)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            if self.path != "/health":
                return self.reply(404, {"error": "there is only /health"})
            health = database.health()
            status = health["status"]
            self.reply(200 if status == "ok" else 503, {"status": status, "region": region, "database": health})

        def reply(self, status, body):
            data = json.dumps(body).encode() + b"\n"
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            pass

    ThreadingHTTPServer.daemon_threads = True
    ThreadingHTTPServer(("127.0.0.1", int(port)), Handler).serve_forever()


if __name__ == "__main__":
    main()
