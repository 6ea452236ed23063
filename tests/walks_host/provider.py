"""A stand-in for a payment provider, by HTTPS: `provider.py ADDRESS CERTIFICATE LIMITED`.

    POST /charge    JSON with `cents`: 201; 429 while the file LIMITED exists; 422 for anything else
"""

import json
import ssl
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

address, certificate, limited = sys.argv[1:]


class Provider(BaseHTTPRequestHandler):
    def do_GET(self):
        self.reply(404)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path != "/charge":
            return self.reply(404)
        if Path(limited).exists():
            return self.reply(429)
        try:
            return self.reply(201 if json.loads(body)["cents"] > 0 else 422)
        except (ValueError, KeyError, TypeError):
            return self.reply(422)

    def reply(self, status):
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer((address, 443), Provider)
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(certificate)
server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
server.serve_forever()
