"""Cuts off every operation at every call to AWS, in four ways, and looks what recovery makes of it.

    python -m tests.reliability.fault_table [table ...]

Each case runs in a process of its own, forked from this one. `error` raises before or after the call;
`SIGKILL` ends the process there. Then another process delivers the command table's stream, as AWS does,
and compares: a command that was written is applied, projected and told of; nothing is half done; what
was answered is true; the next publish goes through.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import traceback
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from cqrs_nest.aws import AwsSession
from cqrs_nest.core import Container
from cqrs_nest.pipeline import command_progress
from tests.reliability.application import TABLES, Item, create_resources, start
from tests.reliability.separate_emulator import separate_emulator

OPERATIONS = (
    "async create",
    "async update",
    "async partial update",
    "sync create",
    "sync update",
    "sync partial update",
    "deliver create",
    "deliver update",
)
KINDS = ("error before", "error after", "SIGKILL before", "SIGKILL after")
SERVICES = ("dynamodb", "sns", "s3")
DELIVERIES = 3


@dataclass(frozen=True)
class Case:
    """One operation of one table, cut off at one of its calls (None: not at all)."""

    table: str
    operation: str
    call: int | None = None
    kind: str = ""

    @property
    def sk(self) -> str:
        return f"{self.operation} {self.call} {self.kind}".replace(" ", "-")


@dataclass(frozen=True)
class Outcome:
    """What came of a case: how the operation ended, what there is after recovery, and what is wrong."""

    case: Case
    call_name: str
    ended: str
    after: str
    faults: tuple[str, ...]


class CutError(Exception):
    """The error that is raised at a call."""


class CaseError(Exception):
    """The process of a case ended with an error, whose traceback this has."""


def run(
    tables: Sequence[str] = TABLES, operations: Sequence[str] = OPERATIONS, kinds: Sequence[str] = KINDS
) -> Iterator[Outcome]:
    """Every case of some tables."""
    command_progress.GRACE = timedelta(0)
    with separate_emulator(stderr=subprocess.DEVNULL) as url:
        _in_child(lambda: _create(url))
        container = asyncio.run(start(url))
        for table in tables:
            for operation in operations:
                case = Case(table, operation)
                calls = _in_child(lambda case=case: _victim(container, case))["calls"]
                for index, name in enumerate(calls):
                    for kind in kinds:
                        yield _outcome(container, Case(table, operation, index, kind), name)


def _outcome(container: Container, case: Case, name: str) -> Outcome:
    answer = _in_child(lambda: _victim(container, case))
    ended = answer["ended"] if answer else "killed"
    try:
        found = _in_child(lambda: _look(container, case, ended))
    except CaseError as error:
        return Outcome(case, name, ended, "nobody could look", (str(error),))
    return Outcome(case, name, ended, found["after"], tuple(found["faults"]))


async def _create(url: str) -> dict[str, Any]:
    create_resources((await start(url)).get(AwsSession))
    return {}


async def _victim(container: Container, case: Case) -> dict[str, Any]:
    item = Item(container, case.table, case.sk)
    await item.prepare(case.operation)
    calls: list[str] = []

    def before(model: Any, **_: Any) -> None:
        calls.append(f"{model.service_model.service_id} {model.name}")
        if case.kind.endswith("before"):
            cut()

    def after(**_: Any) -> None:
        if case.kind.endswith("after"):
            cut()

    def cut() -> None:
        if case.call is None or len(calls) != case.call + 1:
            return
        if case.kind.startswith("SIGKILL"):
            os.kill(os.getpid(), signal.SIGKILL)
        raise CutError(f"cut at {calls[-1]}")

    for service in SERVICES:
        events = item.session.client(service).meta.events
        events.register(f"before-call.{service}", before)
        events.register_first(f"after-call.{service}", after)
    try:
        await item.perform(case.operation)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer
        return {"ended": f"error {type(error).__name__}", "calls": calls}
    return {"ended": "answered", "calls": calls}


async def _look(container: Container, case: Case, ended: str) -> dict[str, Any]:
    """Let the stream do its part, then look for what is wrong."""
    item, faults = Item(container, case.table, case.sk), list[str]()
    await _deliver(item, faults)
    commands, data, history = (item.rows(kind) for kind in ("command", "data", "history"))
    versions = [int(row["version"]["N"]) for row in commands]
    applied = int(data[0]["version"]["N"]) if data else 0
    wanted = any(row["name"]["S"] == "wanted" for row in commands)
    events = Counter(item.events())
    if ended == "answered" and not wanted:
        faults.append("answered, but there is no command")
    if versions != list(range(1, len(versions) + 1)):
        faults.append(f"versions {versions}")
    if applied != len(versions):
        faults.append(f"{len(versions)} commands, applied {applied}")
    if [int(row["version"]["N"]) for row in history] != versions[:-1]:
        faults.append("history has gaps")
    unfinished = [row["sk"]["S"] for row in commands if row.get("status", {}).get("S") != "finish:FINISHED"]
    if unfinished or any("messagesOwed" in row for row in commands):
        faults.append(f"not finished: {unfinished}")
    if set(events) != set(versions):
        faults.append(f"events of {sorted(events)}")
    projected = item.rows("projection") if case.table == "projected" else data
    if [row["version"] for row in projected] != [row["version"] for row in data]:
        faults.append("not projected")
    try:
        await item.commands.publish_sync(item.entity(applied, "next"))
    except Exception as error:  # noqa: BLE001 - whatever it is, the item is stuck
        faults.append(f"stuck: {error}")
    sent = max(events.values(), default=0)
    after = f"v{applied} applied, event sent {sent}x" if wanted else "nothing written"
    return {"after": after, "faults": faults}


async def _deliver(item: Item, faults: list[str]) -> None:
    """Deliver until all is taken over: a call that the killed process had sent may still be under way."""
    for attempt in range(DELIVERIES):
        try:
            await item.deliver()
            return
        except RuntimeError as error:
            if attempt == DELIVERIES - 1:
                faults.append(str(error))


def _in_child(work: Callable[[], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
    """What `work` gives in a forked process; nothing when that was killed."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        # Each cut is logged; what matters of it comes back as the result.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
        try:
            result = asyncio.run(_awaited(work))
        except Exception:  # noqa: BLE001 - the parent raises it
            result = {"traceback": traceback.format_exc()}
        os.write(writer, json.dumps(result).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        text = answer.read()
    _, status = os.waitpid(child, 0)
    if not text and not os.WIFSIGNALED(status):
        raise CaseError(f"the process of a case ended with {os.waitstatus_to_exitcode(status)}")
    found: dict[str, Any] = json.loads(text) if text else {}
    if "traceback" in found:
        raise CaseError(found["traceback"])
    return found


async def _awaited(work: Callable[[], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
    return await work()


def main() -> int:
    """Print the table; 1 if anything is wrong."""
    tables, wrong, count = tuple(sys.argv[1:]) or TABLES, 0, 0
    for outcome in run(tables):
        case = outcome.case
        verdict = "; ".join(outcome.faults) or "ok"
        wrong, count = wrong + bool(outcome.faults), count + 1
        where = f"{case.table:<10} {case.operation:<21} {outcome.call_name:<28} {case.kind:<15}"
        print(f"{where} {outcome.ended:<36} {outcome.after:<29} {verdict}", flush=True)
    print(f"{count} cases, {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
