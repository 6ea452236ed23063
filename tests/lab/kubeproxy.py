"""A plain-HTTP door to the lab's API server, for what a TLS connection hides: it counts changes, and loses an answer on demand.

Orders are JSON, POSTed to /_lab: `{"fault": {"method": "PATCH", "drop": true}}`, `{"delay": 3}` in it, `{"status": 503}` in it, `{"after": 1}`
for the second request of the method;
the answer counts requests by method so far.
"""

import http.client
import json
import ssl
import threading
import time
from collections import Counter

import door
from door import Door

COUNTS, FAULTS, LOCK = Counter(), [], threading.Lock()


class Proxy(Door):
    port = authority = None

    def do_any(self):
        body = self.body()
        if self.path == "/_lab":
            with LOCK:
                FAULTS.extend(order for order in [json.loads(body).get("fault")] if order)
                return self.answer(200, "application/json", json.dumps(COUNTS).encode())
        with LOCK:
            COUNTS[self.command] += 1
            fault = next((f for f in FAULTS if f["method"] == self.command), {})
            if fault.get("after"):
                fault["after"] -= 1
                fault = {}
            elif fault:
                FAULTS.remove(fault)
        time.sleep(fault.get("delay", 0))
        if "status" in fault:
            text = json.dumps({"kind": "Status", "status": "Failure", "code": fault["status"], "message": "the lab says so"})
            return self.answer(fault["status"], "application/json", text.encode())
        status, kind, text = self.forward(body)
        if fault.get("drop"):
            return self.drop()
        return self.answer(status, kind, text)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_any

    def forward(self, body):
        context = ssl.create_default_context(cafile=self.authority)
        api = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=60, context=context)
        api.request(self.command, self.path, body, self.passed_on())
        answer = api.getresponse()
        return answer.status, answer.headers.get("Content-Type", "text/plain"), answer.read()


def serve(port, authority):
    """Opens the door; gives its port."""
    Proxy.port, Proxy.authority = port, authority
    return door.serve(Proxy)
