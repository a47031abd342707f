"""Whatever is published, delivered, refused or expires: items stay whole and nothing is stuck."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import ExitStack
from datetime import timedelta
from typing import Any
from unittest import mock

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from cqrs_nest.aws import AwsSession
from cqrs_nest.commands import VersionConflictException
from cqrs_nest.core import Container
from cqrs_nest.pipeline import command_progress
from tests.emulated_aws import emulated_aws
from tests.reliability.application import PK, PREFIX, Item, create_resources, start

names = st.sampled_from(["a", "b", "c"])
how = st.sampled_from(["async", "sync"])
faults = st.sampled_from(
    [None, "dynamodb.PutItem", "dynamodb.TransactWriteItems", "dynamodb.UpdateItem", "sns"]
)


class ItemHistory(RuleBasedStateMachine):
    """One item against a model of it: the names of its versions, and how many of them are applied."""

    def __init__(self) -> None:
        super().__init__()
        self._stack = ExitStack()
        self._stack.enter_context(emulated_aws())
        self._stack.enter_context(mock.patch.object(command_progress, "GRACE", timedelta(0)))
        self._loop = asyncio.new_event_loop()
        self._container: Container = self._run(start(""))
        create_resources(self._container.get(AwsSession))
        self._item = Item(self._container, "projected", "A")
        self._fault: str | None = None
        for service in ("dynamodb", "sns"):
            events = self._item.session.client(service).meta.events
            events.register(f"before-call.{service}", self._refuse)
        self.versions: list[str] = []
        self.applied = 0
        self.expired: set[int] = set()

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self._loop.run_until_complete(work)

    def _refuse(self, model: Any, **_: Any) -> None:
        name = f"{model.service_model.service_id.lower()}.{model.name}"
        if self._fault and name.startswith(self._fault):
            self._fault = None
            raise ConnectionError(f"cut at {name}")

    @rule(how=how, name=names, behind=st.integers(0, 2), delete=st.booleans(), fault=faults)
    def publish(self, how: str, name: str, behind: int, delete: bool, fault: str | None) -> None:
        """Publish on the newest version, or on an older one, while something may fail once."""
        version = max(len(self.versions) - behind, 0)
        entity = {**self._item.entity(version, f"{name}{len(self.versions)}"), "isDeleted": delete}
        before, self._fault = len(self.versions), fault
        publish = getattr(self._item.commands, f"publish_{how}")
        try:
            command = self._run(publish(entity))
        except (ConnectionError, VersionConflictException) as error:
            command = None
            in_the_way = version != before or (how == "sync" and self.applied != before)
            if isinstance(error, VersionConflictException):
                assert in_the_way or version in self.expired
        finally:
            self._fault = None
        self._run(self._item.notes.drain())
        rows = {int(row["version"]["N"]): row for row in self._item.rows("command")}
        if before + 1 in rows:
            self.versions.append(rows[before + 1]["name"]["S"])
            if "syncMode" in rows[before + 1]:
                self.applied = before + 1
        assert command is None or command.version == len(self.versions) == before + 1

    @precondition(lambda self: self.versions)
    @rule(fault=faults)
    def deliver(self, fault: str | None) -> None:
        """Let the stream deliver, while something may fail once; then again, as AWS does."""
        self._fault = fault
        try:
            self._run(self._item.deliver())
        except (ConnectionError, RuntimeError):
            self._fault = None
            self._run(self._item.deliver())
        self._fault = None
        self.applied = len(self.versions)
        for row in self._item.rows("command"):
            assert row["status"]["S"] == "finish:FINISHED"
            assert "messagesOwed" not in row
        if self.versions:
            (projected,) = self._item.rows("projection")
            assert int(projected["version"]["N"]) == len(self.versions)

    @precondition(lambda self: self.applied > 1)
    @rule(data=st.data())
    def expire(self, data: st.DataObject) -> None:
        """A replaced command's time to live ends."""
        version = data.draw(st.integers(1, self.applied - 1))
        key = {"pk": {"S": PK}, "sk": {"S": f"A@{version}"}}
        client = self._item.session.client("dynamodb")
        client.delete_item(TableName=f"{PREFIX}projected-command", Key=key)
        self.expired.add(version)

    @invariant()
    def is_whole(self) -> None:
        """The data row is the last applied command; each one before it is in the history."""
        rows = {int(row["version"]["N"]) for row in self._item.rows("command")}
        assert rows | self.expired == set(range(1, len(self.versions) + 1))
        data = self._item.rows("data")
        assert [row["name"]["S"] for row in data] == self.versions[self.applied - 1 : self.applied]
        history = [row["name"]["S"] for row in self._item.rows("history")]
        assert history == self.versions[: max(self.applied - 1, 0)]

    def teardown(self) -> None:
        """After all, the next publish goes through."""
        if self.versions:
            self.deliver(None)
        assert self._run(self._item.commands.publish_sync(self._item.entity(len(self.versions), "last")))
        self._run(self._container.close())
        self._loop.close()
        self._stack.close()


ItemHistory.TestCase.settings = settings(max_examples=8, stateful_step_count=12, deadline=None)
TestItemHistory = ItemHistory.TestCase
