"""A web server (HTTP/1.1, a thread for each connection) that answers `GET /N` with N bytes.

    web_server.py ADDRESS PORT SIZE…

Only the sizes that it is given are there; anything else is 404. It serves until it is ended. `loads/web.py` runs it
inside a host.
"""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer


class Server(ThreadingHTTPServer):
    """Listens until it is ended; connections that wait don't keep it from ending."""

    daemon_threads = True
    request_queue_size = 128
    files = {}

    def server_bind(self):
        """Not as `HTTPServer` does it, which asks for its name and waits for an answer that no host here gets."""
        TCPServer.server_bind(self)

    def handle_error(self, request, client_address):
        """A client that goes away in the middle is its own affair."""


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    # Headers and body are two writes: the second must not wait for the first one's acknowledgement.
    disable_nagle_algorithm = True

    def do_GET(self):  # pylint: disable=invalid-name
        """Send one of the files."""
        body = self.server.files.get(self.path)
        if body is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):  # pylint: disable=arguments-differ
        """Nothing is logged."""


def main():
    """The command line."""
    address, port, *sizes = sys.argv[1:]
    try:
        server = Server((address, int(port)), Handler)
    except OSError as error:
        sys.exit(f"{address}:{port}: {error.strerror}")
    server.files = {f"/{size}": bytes(int(size)) for size in sizes}
    server.serve_forever()


if __name__ == "__main__":
    main()
