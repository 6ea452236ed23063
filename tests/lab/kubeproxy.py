"""A plain-HTTP door to the lab's API server, for what a TLS connection hides: it counts changes, and loses an answer on demand.

Orders are JSON, POSTed to /_lab: `{"fault": {"method": "PATCH", "drop": true}}`, `{"delay": 3}` in it, `{"status": 503}` in it;
the answer counts requests by method so far.
"""

import http.client
import json
import ssl
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COUNTS, FAULTS, LOCK = Counter(), [], threading.Lock()


class Proxy(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    port = authority = None

    def log_message(self, *_):
        pass

    def do_any(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == "/_lab":
            with LOCK:
                FAULTS.extend({"times": 1, **order} for order in [json.loads(body).get("fault")] if order)
                return self.answer(200, "application/json", json.dumps(COUNTS).encode())
        with LOCK:
            COUNTS[self.command] += 1
            fault = next((f for f in FAULTS if f["method"] == self.command), {})
            if fault:
                FAULTS.remove(fault)
        time.sleep(fault.get("delay", 0))
        if "status" in fault:
            text = json.dumps({"kind": "Status", "status": "Failure", "code": fault["status"], "message": "the lab says so"})
            return self.answer(fault["status"], "application/json", text.encode())
        status, kind, text = self.forward(body)
        if fault.get("drop"):
            self.close_connection = True
            self.connection.shutdown(2)
            return None
        return self.answer(status, kind, text)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_any

    def forward(self, body):
        context = ssl.create_default_context(cafile=self.authority)
        api = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=60, context=context)
        headers = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "accept-encoding", "connection")}
        api.request(self.command, self.path, body, headers)
        answer = api.getresponse()
        return answer.status, answer.headers.get("Content-Type", "text/plain"), answer.read()

    def answer(self, status, kind, text):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


def serve(port, authority):
    """Opens the door; gives its port."""
    Proxy.port, Proxy.authority = port, authority
    proxy = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    proxy.handle_error = lambda *_: None  # a client that gave up is what some tests are about
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    return proxy.server_address[1]
