"""What an alert's webhook says when it fails goes into a log that viewers read: never its address, which is a secret."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from conftest import REPOSITORY, result_of

NOTIFY = f"""
import json, sys, traceback
sys.path.insert(0, {str(REPOSITORY / "plugins")!r})
from tsflow_webhook import WebhookNotifier
said = []
for url in json.loads(sys.argv[1]):
    try:
        WebhookNotifier(url, "hello", timeout_seconds=5.0).notify({{}})
        said.append("")
    except Exception:
        said.append(traceback.format_exc())
print("RESULT" + json.dumps({{"said": said}}))
"""


def test_an_error_names_the_host_and_what_it_answered_alone(airflow_environment: dict[str, str]):
    class Room(BaseHTTPRequestHandler):
        """Takes messages at one address."""

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200 if self.path == "/right" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Room) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        base = f"http://127.0.0.1:{server.server_port}"
        urls = [f"{base}/right", f"{base}/services/SECRET", "http://127.0.0.1:9/services/SECRET"]
        right, wrong, away = result_of(NOTIFY, airflow_environment, json.dumps(urls))["said"]
        server.shutdown()
    assert right == ""
    assert "the webhook at 127.0.0.1 answered 404; the alert was not taken" in wrong
    assert "the webhook at 127.0.0.1 gives no answer (ConnectionError)" in away
    assert "SECRET" not in wrong + away
