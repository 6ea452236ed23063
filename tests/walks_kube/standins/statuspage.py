#!/usr/bin/env python3
"""A stand-in for the API of a status page, which is somebody else's service: incidents that are read and changed with a token.

    statuspage.py FOLDER TOKEN

Over TLS by FOLDER/page.pem; a proxy in front (CONNECT) is how it is reached by whatever name it has, and passes on what goes to an
address of this machine. It prints the proxy's port. The incidents stand in FOLDER/incidents.json. It refuses a request without the
token, be it only to read, an incident that is not there, and a change that is no JSON, holds anything but a message and a status, or
a status that no status page knows.
"""

import json
import socket
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

STATUSES = {"investigating", "identified", "monitoring", "resolved"}


class Page(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(None)

    def do_PATCH(self):
        self.answer(self.rfile.read(int(self.headers["Content-Length"])))

    def answer(self, change):
        incidents = json.loads((FOLDER / "incidents.json").read_text())
        id = self.path.removeprefix("/api/incidents/")
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            return self.send(401, {"error": "unauthorized"})
        if id not in incidents:
            return self.send(404, {"error": "no such incident"})
        if change is not None:
            if why := wrong(self.headers["Content-Type"], change):
                return self.send(422, {"error": why})
            incidents[id] |= json.loads(change)
            (FOLDER / "incidents.json").write_text(json.dumps(incidents))
        self.send(200, incidents[id])

    def send(self, status, body):
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


def wrong(kind, change):
    """Why a change can't be made; nothing when it can."""
    try:
        asked = json.loads(change)
    except ValueError:
        return "no JSON"
    if kind != "application/json":
        return f"the content is {kind}"
    if not isinstance(asked, dict) or asked.keys() - {"status", "message"}:
        return "a status and a message can be changed"
    if asked.get("status") not in STATUSES:
        return f"the status is one of {sorted(STATUSES)}"
    return None


class Proxy(BaseHTTPRequestHandler):
    def do_CONNECT(self):
        host, port = self.path.rsplit(":", 1)
        page = socket.create_connection(("127.0.0.1", int(port) if host == "127.0.0.1" else PAGE.server_port))
        self.send_response(200)
        self.end_headers()
        back = threading.Thread(target=carry, args=(page, self.connection))
        back.start()
        carry(self.connection, page)
        back.join()
        self.close_connection = True

    def log_message(self, *_):
        pass


def carry(source, to):
    try:
        while data := source.recv(65536):
            to.sendall(data)
        to.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # one side is gone, and so is the other


_, folder, TOKEN = sys.argv
FOLDER = Path(folder)
PAGE = ThreadingHTTPServer(("127.0.0.1", 0), Page)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(FOLDER / "page.pem", FOLDER / "page.key")
PAGE.socket = context.wrap_socket(PAGE.socket, server_side=True)
threading.Thread(target=PAGE.serve_forever, daemon=True).start()
PROXY = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
print(PROXY.server_port, flush=True)
PROXY.serve_forever()
