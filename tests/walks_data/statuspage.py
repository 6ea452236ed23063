"""A stand-in for a status page, which is somebody else's service: anybody reads an incident, and one is opened with a token.

    statuspage.py FOLDER ADDRESS TOKEN

Serves HTTPS at port 443 of ADDRESS, by FOLDER/page.pem and page.key. What stands on it is FOLDER/incidents.json, by the id.

    GET  /api/incidents/ID   404 where there is none; a login is looked at where one is given
    POST /api/incidents      {"status": …, "message": …}, gives it back with its id; 401 without the token, 422 for anything else
"""

import json
import ssl
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

_, folder, ADDRESS, TOKEN = sys.argv
FOLDER = Path(folder)
FILE = FOLDER / "incidents.json"
STATUSES = {"investigating", "identified", "monitoring", "resolved"}


class Page(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        incidents = json.loads(FILE.read_text())
        id = self.path.removeprefix("/api/incidents/")
        if self.headers["Authorization"] not in (None, f"Bearer {TOKEN}"):
            return self.reply(401, {"error": "unauthorized"})
        if id not in incidents:
            return self.reply(404, {"error": "no such incident"})
        self.reply(200, incidents[id])

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        if self.path != "/api/incidents":
            return self.reply(404, {"error": "no such place"})
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            return self.reply(401, {"error": "unauthorized"})
        try:
            incident = json.loads(body)
            whole = set(incident) == {"status", "message"} and incident["status"] in STATUSES
        except (ValueError, TypeError):
            whole = False
        if not whole or self.headers["Content-Type"] != "application/json":
            return self.reply(422, {"error": "not an incident"})
        incidents = json.loads(FILE.read_text())
        id = f"incident-{len(incidents) + 1}"
        FILE.write_text(json.dumps({**incidents, id: incident}))
        self.reply(201, {"id": id, **incident})

    def reply(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


page = ThreadingHTTPServer((ADDRESS, 443), Page)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(FOLDER / "page.pem", FOLDER / "page.key")
page.socket = context.wrap_socket(page.socket, server_side=True)
page.serve_forever()
