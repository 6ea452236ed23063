"""What the labs' proxies share: a request's body, an answer with its length, a server that keeps silent about clients that gave up."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Door(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def passed_on(self):
        """Its headers, but for those of this very connection."""
        own = ("host", "accept-encoding", "connection")
        return {name: value for name, value in self.headers.items() if name.lower() not in own}

    def answer(self, status, kind, text, **more):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", more.pop("Content-Length", str(len(text))))
        for name, value in more.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    def drop(self):
        """Closes the connection without an answer."""
        self.close_connection = True
        self.connection.shutdown(2)


def serve(handler):
    """Opens it on loopback; gives its port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.handle_error = lambda *_: None  # a client that gave up is what some tests are about
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]
