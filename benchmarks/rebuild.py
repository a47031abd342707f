"""Rebuilds a read model from many commands: how fast, in how much memory, and killed twice on the way.

    python -m benchmarks.rebuild [--commands 100000] [--database-url URL]

Each rebuild is a process of its own, `cqrs-nest projections rebuild`; this one answers for DynamoDB. Ends
with 1 if a resumed rebuild has other rows, or if a process takes 300 MiB or more.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from benchmarks.figure import Figure, at_most
from benchmarks.quick_dynamodb import QuickDynamoDb
from benchmarks.rebuild_service import metadata
from cqrs_nest.aws.dynamodb.attribute_values import serialize_item
from cqrs_nest.commands.replay import PAGE_ROWS
from cqrs_nest.commands.rows import data_row
from cqrs_nest.read_models import SqlDatabase
from cqrs_nest.read_models.rebuild_state import REBUILDS

VERSIONS = 4
TENANTS = 40
MAX_MIB = 300
START = datetime(2026, 1, 1, tzinfo=UTC)
PROGRAM = """
import atexit, os, re
from pathlib import Path
from cqrs_nest.cli.main import main

def note_peak():
    status = Path("/proc/self/status").read_text()
    Path(os.environ["PEAK_FILE"]).write_text(re.search(r"VmHWM:\\s+(\\d+)", status)[1])

atexit.register(note_peak)
main()
"""
"""The command line, which notes at its end how much memory it took: `wait4` would count this process too."""


class FailedError(Exception):
    """What the benchmark is there to show does not hold."""


def commands(count: int) -> Iterator[dict[str, Any]]:
    """Applied commands of notes: four versions each, spread over tenants."""
    for number in range(count // VERSIONS):
        pk, sk = f"NOTE#tenant{number % TENANTS}", f"{number:026}"
        for version in range(1, VERSIONS + 1):
            moment = START + timedelta(seconds=number, minutes=version)
            yield {
                "pk": pk,
                "sk": f"{sk}@{version}",
                "id": f"{pk}#{sk}",
                "code": sk,
                "name": f"Note {number} in version {version}",
                "version": version,
                "type": "NOTE",
                "tenantCode": pk.rpartition("#")[2],
                "isDeleted": number % 10 == 0 and version == VERSIONS,
                "attributes": {"priority": number % 5, "tags": ["all", f"tag {number % 7}"]},
                "createdAt": moment,
                "updatedAt": moment,
                "createdBy": f"user {version}",
                "updatedBy": f"user {version}",
                "status": "finish:FINISHED",
            }


def data_rows(rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The data rows that the commands lead to."""
    data: dict[str, Any] | None = None
    for row in rows:
        data = data_row(row, None if row["version"] == 1 else data, row["sk"])
        if row["version"] == VERSIONS:
            yield data


class Rebuilds:
    """Runs the command line against the emulator and the database."""

    def __init__(
        self, environment: dict[str, str], page_rows: int, database: SqlDatabase, directory: Path
    ) -> None:
        self._environment = environment
        self._page_rows = page_rows
        self._database = database
        self._peak_file = directory / "peak"
        self.peak_mib = 0.0

    async def run(self, *arguments: str, kill_at: int | None = None) -> float:
        """One process, killed when it has read `kill_at` rows; the seconds that it took."""
        rows = ["--page-rows", str(self._page_rows)] if "rebuild" in arguments else []
        command = [sys.executable, "-c", PROGRAM, "projections", *arguments, "benchmarks.rebuild_service:app"]
        source = ["--from", "commands"]
        started = time.perf_counter()
        environment = os.environ | self._environment | {"PEAK_FILE": str(self._peak_file)}
        process = await asyncio.to_thread(
            subprocess.Popen[bytes], [*command, *source, *rows], env=environment
        )
        if kill_at is not None:
            await self._reached(kill_at, process)
            process.send_signal(signal.SIGKILL)
        await asyncio.to_thread(process.wait)
        if kill_at is None:
            self.peak_mib = max(self.peak_mib, int(self._peak_file.read_text()) / 1024)
        expected = 0 if kill_at is None else -signal.SIGKILL
        if process.returncode != expected:
            raise FailedError(f"{' '.join(arguments)} ended with {process.returncode}, not with {expected}")
        return time.perf_counter() - started

    async def _reached(self, rows: int, process: subprocess.Popen[bytes]) -> None:
        while (await self._read()) < rows:
            if process.poll() is not None:
                raise FailedError(f"the rebuild was through before {rows} rows")
            await asyncio.sleep(0.005)

    async def _read(self) -> int:
        try:
            async with self._database.connect() as connection:
                return int(await connection.scalar(select(func.sum(REBUILDS.c.read))) or 0)
        except DBAPIError:
            return 0  # the table is not there yet

    async def digest(self) -> str:
        """What all rows of all tables come to."""
        digest = hashlib.sha256()
        async with self._database.connect() as connection:
            for table in metadata.sorted_tables:
                rows = await connection.execute(select(table).order_by(*table.primary_key))
                digest.update(repr([table.name, *rows]).encode())
        return digest.hexdigest()


async def run(count: int, url: str, page_rows: int, directory: Path) -> tuple[float, float]:
    """All of it: commands a second, and the MiB of the largest process. Raises FailedError."""
    tables = {
        "local-bench-note-command": map(serialize_item, commands(count)),
        "local-bench-note-data": map(serialize_item, data_rows(commands(count))),
    }
    with QuickDynamoDb(tables).serve() as endpoint:
        environment = {
            "NODE_ENV": "local",
            "APP_NAME": "bench",
            "LOG_LEVEL": "error",
            "DATABASE_URL": url,
            "DYNAMODB_ENDPOINT": endpoint,
            "DYNAMODB_REGION": "eu-west-1",
            "AWS_ACCESS_KEY_ID": "none",
            "AWS_SECRET_ACCESS_KEY": "none",
        }
        database = SqlDatabase(url, metadata, create_tables=True)
        await database.on_module_init()
        try:
            return await _measure(Rebuilds(environment, page_rows, database, directory), count)
        finally:
            await database.on_application_shutdown()


async def _measure(rebuilds: Rebuilds, count: int) -> tuple[float, float]:
    seconds = await rebuilds.run("rebuild")
    expected = await rebuilds.digest()
    print(f"rebuilt from {count:,} commands in {seconds:.1f} s: {count / seconds:,.0f} commands/s")
    for part in (1, 2):
        await rebuilds.run("rebuild", kill_at=count * part // 3)
        if await rebuilds.digest() != expected:
            raise FailedError("a killed rebuild changed what is read")
    await rebuilds.run("rebuild")
    if await rebuilds.digest() != expected:
        raise FailedError("the rebuild that was killed twice has other rows")
    print("killed twice and resumed: the same rows")
    await rebuilds.run("verify")
    print(f"peak memory of a process: {rebuilds.peak_mib:.0f} MiB")
    if rebuilds.peak_mib >= MAX_MIB:
        raise FailedError(f"a process took {MAX_MIB} MiB or more")
    return count / seconds, rebuilds.peak_mib


def measure(count: int = 20_000) -> list[Figure]:
    """The rate, and the memory, of a rebuild into SQLite."""
    with tempfile.TemporaryDirectory() as directory:
        url = f"sqlite+aiosqlite:///{Path(directory) / 'notes.sqlite3'}"
        with redirect_stdout(sys.stderr):
            rate, peak = asyncio.run(run(count, url, PAGE_ROWS, Path(directory)))
    return [
        Figure(f"read model rebuilt from {count:,} commands", "/s", rate),
        Figure("memory of the rebuild", "MiB", peak, goal=at_most(MAX_MIB)),
    ]


def main() -> int:
    """0 if everything holds."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--commands", type=int, default=100_000)
    parser.add_argument("--page-rows", type=int, default=PAGE_ROWS)
    parser.add_argument("--database-url")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        url = options.database_url or f"sqlite+aiosqlite:///{Path(directory) / 'notes.sqlite3'}"
        try:
            asyncio.run(run(options.commands, url, options.page_rows, Path(directory)))
        except FailedError as error:
            print(f"failed: {error}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
