"""A stand-in for an organisation's own service behind a load balancer: a shop that keeps its orders in PostgreSQL, its products at
hand in Redis, and is paid by a provider. Real are the database, the cache, the names and the connections that it needs.

    GET  /health    200 when it reads its database, its cache answers and its own file is whole, else 503
    POST /order     201 when the provider at https://$PROVIDER took the payment; else its own word: 429, 502
    POST /warm      with the administrator's key: every customer into the cache; else 401
    GET  /metrics   answers so far by their status, and when its only job ran: at its start
    GET  /login, /socket as the company's (company.py)
"""

import collections
import json
import os
import signal
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from http.server import ThreadingHTTPServer
from pathlib import Path

import company

# What it keeps in its container for itself, and what it holds in memory. Started on a damaged file, it ends.
OWN = Path("/srv/own.json")
HELD = bytearray(os.urandom(1 << 20) * 48)
ANSWERS = collections.Counter()
STARTED = time.time()


def ask(*words):
    return subprocess.run(words, capture_output=True, text=True, timeout=10)


def customers():
    asked = "SELECT id, name FROM customers ORDER BY id"
    done = ask("psql", "--no-psqlrc", "-XAtqc", asked, "-d", os.environ["DATABASE"])
    done.check_returncode()
    return [line.split("|") for line in done.stdout.splitlines()]


def redis(*words):
    done = ask("redis-cli", "-e", "-h", "cache", *words)
    done.check_returncode()
    return done.stdout.strip()


def pays():
    """The provider's status: 201 when it took the payment, 502 when it can't be reached."""
    trusts = ssl.create_default_context(cafile="/srv/ca.pem")
    url = f"https://{os.environ['PROVIDER']}/charge"
    asked = urllib.request.Request(url, data=b'{"cents": 100}', method="POST", headers={"Content-Type": "application/json"})
    try:
        return urllib.request.urlopen(asked, timeout=10, context=trusts).status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError as error:
        print(error, file=sys.stderr, flush=True)
        return 502


class Shop(company.handler(Path("/srv"), os.environ["DATABASE"], "/dev/null")):
    def do_GET(self):
        if self.path == "/health":
            return self.health()
        if self.path == "/metrics":
            return self.metrics()
        return super().do_GET()

    def do_POST(self):
        if self.path == "/order":
            return self.reply(pays(), {})
        if self.path != "/warm":
            return self.reply(404, {})
        if not self.has_key("admin.key"):
            return self.reply(401, {})
        for number, name in customers():
            redis("SET", f"customer:{number}", name, "EX", "3600")
        return self.reply(201, {})

    def health(self):
        try:
            json.loads(OWN.read_text())
            customers()
            redis("PING")
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            return self.reply(503, {"status": "down", "why": str(error)})
        return self.reply(200, {"status": "ok"})

    def metrics(self):
        lines = [f'http_requests_total{{code="{code}"}} {count}' for code, count in sorted(ANSWERS.items())]
        lines.append(f"job_last_success_timestamp_seconds {STARTED}")
        data = "".join(f"{line}\n" for line in lines).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def reply(self, status, body):
        ANSWERS[status] += 1
        super().reply(status, body)


if OWN.exists():
    json.loads(OWN.read_text())
OWN.write_text("{}")
for name in ("login", "admin"):
    Path(f"/srv/{name}.key").write_text(os.environ[f"{name.upper()}_KEY"])
ANSWERS.update({code: 0 for code in (200, 201, 429, 502, 503)})
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
tls = ThreadingHTTPServer(("0.0.0.0", 8443), Shop)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("/srv/tls.pem")
tls.socket = context.wrap_socket(tls.socket, server_side=True, do_handshake_on_connect=False)
threading.Thread(target=tls.serve_forever, daemon=True).start()
print("the shop is open", flush=True)
ThreadingHTTPServer(("0.0.0.0", 8000), Shop).serve_forever()
