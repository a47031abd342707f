"""The framework's own messages, as a queue that subscribes to the topic receives them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from cqrs_nest.events.records import SqsEvent, json_object


class NotificationEvent(SqsEvent):
    """A message with an `action`: `{action, id, table, pk, sk, tenantCode, content}`."""

    @cached_property
    def notification(self) -> Mapping[str, Any]:
        """The whole message."""
        message: Mapping[str, Any] = self.json()
        return message

    @property
    def action(self) -> str:
        """What the message is about, for example `command-status`."""
        return str(self.notification["action"])

    @property
    def id(self) -> str | None:
        """The request id of the command, or what else the sender took."""
        return self._text("id")

    @property
    def table(self) -> str | None:
        """The table of the row that the message is about."""
        return self._text("table")

    @property
    def pk(self) -> str | None:
        """The row's partition key."""
        return self._text("pk")

    @property
    def sk(self) -> str | None:
        """The row's sort key."""
        return self._text("sk")

    @property
    def tenant_code(self) -> str | None:
        """The tenant that the row belongs to."""
        return self._text("tenantCode")

    @property
    def content(self) -> Any:
        """What the message says."""
        return self.notification.get("content")

    def _text(self, field: str) -> str | None:
        value = self.notification.get(field)
        return None if value is None else str(value)


class CommandStatusEvent(NotificationEvent):
    """A command has reached a state: action `command-status`."""

    @property
    def status(self) -> str:
        """For example `finish:FINISHED`."""
        return str(self.content["status"])


class DomainEvent(NotificationEvent):
    """A command was accepted: action `domain-event`."""


_BY_ACTION: Mapping[str, type[NotificationEvent]] = {
    "command-status": CommandStatusEvent,
    "domain-event": DomainEvent,
}


def as_notification(event: SqsEvent) -> SqsEvent:
    """The message as a `NotificationEvent` if it is one, else itself."""
    document = json_object(event.body)
    action = None if document is None else document.get("action")
    if not isinstance(action, str):
        return event
    return _BY_ACTION.get(action, NotificationEvent)(event.record)
