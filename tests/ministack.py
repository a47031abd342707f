"""The second emulator of AWS, as a process in an environment of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

PROGRAM = Path(__file__).parents[1] / "build" / "ministack" / "bin" / "ministack"
ACCOUNT = "123456789012"
READY_SECONDS = 60


class Ministack:
    """One running emulator. `url` is its endpoint for every service."""

    def __init__(self, folder: Path) -> None:
        """Start it on a free port; its log and its other files go into `folder`."""
        if not PROGRAM.exists():
            raise FileNotFoundError(f"{PROGRAM}: there is no second emulator; `make test-all` installs it")
        port = _free_port()
        self.url = f"http://127.0.0.1:{port}"
        settings = {
            "AWS_ACCESS_KEY_ID": "emulated",
            "AWS_SECRET_ACCESS_KEY": "emulated",
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(port),
            "LOG_LEVEL": "ERROR",
            "MINISTACK_ACCOUNT_ID": ACCOUNT,
            "MINISTACK_HOST": "127.0.0.1",
            "SERVICES": "dynamodb,s3,sns,sqs,stepfunctions",
            "TMPDIR": str(folder),
        }
        self._log = (folder / "ministack.log").open("w+")
        self._process = subprocess.Popen(
            [PROGRAM], env={**os.environ, **settings}, stdout=self._log, stderr=subprocess.STDOUT
        )
        try:
            self._wait_until_ready()
        except BaseException:
            self.close()
            raise

    def reset(self) -> None:
        """Forget every table, topic, queue and object."""
        with urlopen(Request(f"{self.url}/_ministack/reset", method="POST", data=b"")) as answer:
            answer.read()

    def close(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.wait()
        self._log.close()

    def _wait_until_ready(self) -> None:
        end = time.monotonic() + READY_SECONDS
        while True:
            try:
                with urlopen(f"{self.url}/_ministack/health", timeout=5) as answer:
                    answer.read()
                return
            except (URLError, ConnectionError, TimeoutError) as error:
                if self._process.poll() is not None or time.monotonic() > end:
                    self._log.seek(0)
                    raise RuntimeError(f"the emulator does not answer:\n{self._log.read()}") from error
            time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
