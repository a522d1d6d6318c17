"""A server of the demo's protocol whose model doubles its input."""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Doubler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self._answer(200, {"model_version_status": [{"version": "1", "state": "AVAILABLE"}]})

    def do_POST(self):
        instances = json.loads(self.rfile.read(int(self.headers["Content-Length"])))[
            "instances"
        ]
        if self.path != "/v1/models/double:predict":
            self._answer(404, {"error": "no such model"})
        else:
            self._answer(200, {"predictions": [[2 * x for x in row] for row in instances]})

    def _answer(self, status, content):
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Server(ThreadingHTTPServer):
    # Without this an answer waits for the client's delayed acknowledgement.
    disable_nagle_algorithm = True


if __name__ == "__main__":
    Server(("127.0.0.1", int(sys.argv[1])), Doubler).serve_forever()
