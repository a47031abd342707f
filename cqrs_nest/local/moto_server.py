"""moto's server on a thread of this process, with a word to those who wait for writes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from contextlib import ExitStack, nullcontext
from typing import Any

from moto.core.base_backend import BackendDict
from moto.core.model_instances import reset_model_data
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

from cqrs_nest.local.functions import LocalFunctions
from cqrs_nest.local.moto_transactions import small_transactions
from cqrs_nest.local.state_machines import executing_state_machines

OnWrite = Callable[[str], None]
"""Called with `dynamodb` or `queues` after a request that wrote there."""

_TABLE_WRITES = ("Put", "Update", "Delete", "Transact", "BatchWrite", "Execute")
_SHUTDOWN_POLL_SECONDS = 0.02


class _QuietRequestHandler(MotoRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        """Requests to the emulator are no news to a developer."""


class MotoServer:
    """Emulated AWS on a free port of 127.0.0.1. Its state is the process's and is cleared at the end."""

    def __init__(self, on_write: OnWrite, functions: LocalFunctions | None = None) -> None:
        self._application = DomainDispatcherApplication(create_backend_app)
        self._on_write = on_write
        self._functions = functions
        # moto's tables are not safe for threads.
        self._tables = threading.Lock()
        self._repairs = ExitStack()
        self._repairs.enter_context(small_transactions())
        self._repairs.enter_context(executing_state_machines())
        self._server = make_server("127.0.0.1", 0, self, threaded=True, request_handler=_QuietRequestHandler)
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            args=(_SHUTDOWN_POLL_SECONDS,),
            name="embedded-aws",
            daemon=True,
        )
        self._thread.start()

    @property
    def port(self) -> int:
        """The port of 127.0.0.1 that the emulator listens on."""
        return self._server.server_port

    @property
    def url(self) -> str:
        """Where the emulator listens."""
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        """Stop serving and forget every table, topic, queue and object."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._repairs.close()
        BackendDict.reset()
        reset_model_data()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Serve one request; by the time its answer goes out, the write has been reported."""
        invoked = None if self._functions is None else self._functions.answer(environ, start_response)
        if invoked is not None:
            return invoked
        is_table_request = environ.get("HTTP_X_AMZ_TARGET", "").startswith("DynamoDB")
        with self._tables if is_table_request else nullcontext():
            answer: Iterable[bytes] = self._application(environ, start_response)
        if written := _written_service(environ):
            self._on_write(written)
        return answer


def _written_service(environ: dict[str, Any]) -> str | None:
    target: str = environ.get("HTTP_X_AMZ_TARGET", "")
    if target.startswith("DynamoDB_"):
        return "dynamodb" if target.partition(".")[2].startswith(_TABLE_WRITES) else None
    if target.startswith("AmazonSQS.SendMessage") or "/sns/" in environ.get("HTTP_AUTHORIZATION", ""):
        return "queues"
    return None
