"""An S3 server for tests: moto behind a lock, because it checks and sets without one.

Says `port <n>` when it listens. Every line on standard input names a bucket to make, answered with
`made <name>`. Ends when standard input does, so that it never outlives the test.
"""

import logging
import sys
import threading

from moto.moto_server.werkzeug_app import create_backend_app
from werkzeug.serving import make_server
from werkzeug.test import Client

logging.getLogger("werkzeug").setLevel(logging.ERROR)


class Locked:
    def __init__(self, app):
        self.app = app
        self.lock = threading.Lock()

    def __call__(self, environ, start_response):
        with self.lock:
            # Made here and not while it is sent: moto reads its objects as late as it can.
            return list(self.app(environ, start_response))


def main():
    app = Locked(create_backend_app("s3"))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"port {server.server_port}", flush=True)
    for line in sys.stdin:
        bucket = line.strip()
        answer = Client(app).put(f"/{bucket}", base_url=f"http://127.0.0.1:{server.server_port}")
        if answer.status_code != 200:
            sys.exit(f"{bucket}: {answer.status} {answer.text}")
        print(f"made {bucket}", flush=True)


main()
