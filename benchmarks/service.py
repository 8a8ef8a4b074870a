"""How many requests a second the service answers, beside how many it fails: `python benchmarks/service.py ADDRESS`.

Several connections are kept alive; each asks for a forecast from rows in turn with the champion's facts and the newest forecast.
"""

import argparse
import http.client
import json
import threading
import time
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import numpy as np


def body_of(facts: dict) -> bytes:
    """Return rows that a champion takes: its context in the middle of a day of spring."""
    hours = [datetime(2026, 4, 1) + timedelta(hours=hour) for hour in range(facts["context_hours"])]
    middle = {
        "degC": 8.0,
        "mbar": 10.0,
        "%": 70.0,
        "K": 285.0,
        "m/s": 3.0,
        "deg": 180.0,
        "g/kg": 6.0,
        "mmol/mol": 9.0,
        "g/m³": 1240.0,
    }
    rows: dict[str, list] = {"time": [hour.isoformat() for hour in hours]}
    for name, unit in facts["features"].items():
        level = 990.0 if name == "p" else middle.get(unit, 1240.0)
        rows[name] = np.full(len(hours), level).tolist()
    return json.dumps({"rows": rows}).encode()


def ask(address: str, station: str, seconds: float, counts: list[int], failures: list[str]) -> None:
    """Ask until the time is over."""
    split = urlsplit(address)
    connection = http.client.HTTPConnection(split.hostname or "", split.port, timeout=30)

    def get(method: str, path: str, body: bytes | None = None) -> dict:
        headers = {"Content-Type": "application/json"} if body else {}
        connection.request(method, f"/v1/stations/{station}/{path}", body, headers)
        answer = connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            failures.append(f"{answer.status} {content[:200]!r}")
        return json.loads(content)

    rows, end = body_of(get("GET", "champion")), time.monotonic() + seconds
    while time.monotonic() < end:
        get("POST", "forecast", rows)
        get("GET", "forecast")
        get("GET", "champion")
        counts[0] += 3


def main() -> None:
    """Read the arguments, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address")
    parser.add_argument("--station", default="demo")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--connections", type=int, default=4)
    arguments = parser.parse_args()
    counts, failures = [[0] for _ in range(arguments.connections)], []
    given = arguments.address, arguments.station, arguments.seconds
    threads = [threading.Thread(target=ask, args=(*given, count, failures)) for count in counts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    total = sum(count[0] for count in counts)
    each = total / arguments.seconds
    print(f"{total} answers in {arguments.seconds:g} s: {each:.0f} a second, {len(failures)} failures {failures[:3]}")


if __name__ == "__main__":
    main()
