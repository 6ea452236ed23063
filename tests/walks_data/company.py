"""What a company has beside its databases, for runbooks that ask it: an erasure register with its audit, a login, a WebSocket
endpoint, the health of its service, and the hook of its chat, which stands in for somebody else's service. As strict as the real
ones: a wrong key, a wrong method or a wrong body is refused.

    company.py FOLDER PORT TLS_PORT CONNINFO PGPASS

Serves HTTP on PORT and HTTPS on TLS_PORT (FOLDER/localhost.pem and .key).

    GET  /erased    who asked to be forgotten: FOLDER/erased.json, a list of ids, as of now
    POST /audit     with the key of FOLDER/audit.key: a record of a restore, appended to FOLDER/audit.jsonl
    GET  /login     with the key of FOLDER/login.key: 200, else 401
    GET  /socket    101 for a WebSocket handshake, else 426
    GET  /health    whether the application's role reads its database right now: that of FOLDER/conninfo, where it was configured
    POST /hook      {"text": …}: a message, appended to FOLDER/channel.jsonl
"""

import base64
import hashlib
import json
import os
import ssl
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

sys.dont_write_bytecode = True

# RFC 6455, section 1.3.
WEBSOCKET = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
RECORD = {"excluded_users", "list_as_of", "restore_timestamp", "database", "incident"}


def well(conninfo, pgpass, configured):
    if configured.exists():
        conninfo = configured.read_text()
    ask = ["psql", "--no-psqlrc", "-XAtqc", "SELECT count(*) > 0 FROM customers", "-d", conninfo]
    done = subprocess.run(ask, env={**os.environ, "PGPASSFILE": pgpass}, capture_output=True, text=True)
    return done.stdout.strip() == "t"


def handler(folder, conninfo, pgpass):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            if self.path == "/erased":
                erased = json.loads((folder / "erased.json").read_text())
                return self.reply(200, {"as_of": time.strftime("%FT%TZ", time.gmtime()), "excluded": erased})
            if self.path == "/login":
                return self.reply(200, {"user": "test"}) if self.has_key("login.key") else self.reply(401, {})
            if self.path == "/socket":
                return self.upgrade()
            if self.path == "/health":
                fine = well(conninfo, pgpass, folder / "conninfo")
                return self.reply(200 if fine else 503, {"status": "ok" if fine else "down"})
            return self.reply(404, {})

        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.path == "/hook":
                return self.tell(body)
            if self.path != "/audit":
                return self.reply(404, {})
            if not self.has_key("audit.key"):
                return self.reply(401, {})
            record = json.loads(body)
            if set(record) != RECORD or self.headers.get("Content-Type") != "application/json":
                return self.reply(422, {"wanted": sorted(RECORD)})
            with open(folder / "audit.jsonl", "a") as audit:
                audit.write(json.dumps(record) + "\n")
            return self.reply(201, {})

        def tell(self, body):
            message = json.loads(body)
            if set(message) != {"text"} or self.headers.get("Content-Type") != "application/json":
                return self.reply(400, {"error": "invalid_payload"})
            with open(folder / "channel.jsonl", "a") as channel:
                channel.write(json.dumps(message) + "\n")
            return self.reply(200, {})

        def has_key(self, name):
            return self.headers.get("Authorization") == f"Bearer {(folder / name).read_text().strip()}"

        def upgrade(self):
            key = self.headers.get("Sec-WebSocket-Key", "")
            asks = self.headers.get("Upgrade", "").lower() == "websocket" and "upgrade" in self.headers.get("Connection", "").lower()
            if not (asks and key and self.headers.get("Sec-WebSocket-Version") == "13"):
                return self.reply(426, {})
            accept = base64.b64encode(hashlib.sha1((key + WEBSOCKET).encode()).digest()).decode()
            self.send_response(101)
            self.send_header("Upgrade", "websocket")
            self.send_header("Connection", "Upgrade")
            self.send_header("Sec-WebSocket-Accept", accept)
            self.end_headers()
            self.close_connection = True

        def reply(self, status, body):
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            pass

    return Handler


def main():
    folder, port, tls_port, conninfo, pgpass = sys.argv[1:]
    folder = Path(folder)
    answers = handler(folder, conninfo, pgpass)
    plain = ThreadingHTTPServer(("127.0.0.1", int(port)), answers)
    tls = ThreadingHTTPServer(("127.0.0.1", int(tls_port)), answers)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "localhost.pem", folder / "localhost.key")
    tls.socket = context.wrap_socket(tls.socket, server_side=True)
    threading.Thread(target=tls.serve_forever, daemon=True).start()
    plain.serve_forever()


if __name__ == "__main__":
    main()
