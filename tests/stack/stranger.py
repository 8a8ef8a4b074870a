"""Another user of the machine: what they try, they try as themselves, with an empty environment."""

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tsflow.stack.weed import weed_binary

NOBODY = 65534
# Python itself may lie where others cannot read, so it is loaded before the rights are given up, for good.
AS_NOBODY = f"""
import encodings.idna, http.client, json, os, socket, ssl, sys
os.setgroups([])
os.setresgid({NOBODY}, {NOBODY}, {NOBODY})
os.setresuid({NOBODY}, {NOBODY}, {NOBODY})
"""
# Reads requests from stdin, writes for each its status (0: no answer to read), headers and the beginning of its body.
REQUESTS = """
for scheme, port, method, path, headers in json.load(sys.stdin):
    options = {"context": ssl._create_unverified_context()} if scheme == "https" else {}
    kind = http.client.HTTPSConnection if scheme == "https" else http.client.HTTPConnection
    connection = kind("127.0.0.1", port, timeout=5, **options)
    try:
        connection.request(method, path, b"forged" if method in ("PUT", "POST") else None, headers)
        answer = connection.getresponse()
        told = [answer.status, dict(answer.getheaders()), answer.read(2000).decode(errors="replace")]
    except (OSError, http.client.HTTPException) as error:
        told = [0, {}, type(error).__name__]
    finally:
        connection.close()
    print(json.dumps(told))
"""


class Stranger:
    """A user of the machine who has `weed` and Python, and no key."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.weed = str(folder / "weed")
        shutil.copyfile(weed_binary(), self.weed)
        Path(self.weed).chmod(0o755)

    def run(self, *command: str, stdin: str = "", seconds: float = 20.0) -> str:
        """Run a command as the stranger and return all that it said, also if it is still at it after a while."""
        return self._run(command, stdin, seconds, user=NOBODY, group=NOBODY, extra_groups=[])

    def python(self, code: str, stdin: str = "") -> str:
        """Run Python code as the stranger."""
        return self._run([sys.executable, "-I", "-c", AS_NOBODY + code], stdin, 120.0)

    def _run(self, command: Sequence[str], stdin: str, seconds: float, **identity: Any) -> str:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=self.folder / "own",
            env={},
            **identity,
        )
        try:
            return process.communicate(stdin, timeout=seconds)[0]
        except subprocess.TimeoutExpired:
            process.kill()
            return process.communicate()[0]

    def ask(self, requests: Sequence[tuple[str, int, str, str, dict[str, str]]]) -> list[tuple[int, dict[str, str], str]]:
        """Send HTTP requests (scheme, port, method, path, headers) and return status, headers and body of each."""
        told = [json.loads(line) for line in self.python(REQUESTS, json.dumps(requests)).splitlines()]
        assert len(told) == len(requests), told
        return [(status, headers, body) for status, headers, body in told]
