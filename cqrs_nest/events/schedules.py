"""The ticks of EventBridge schedules and scheduled rules."""

from __future__ import annotations

from cqrs_nest.events.records import EventBridgeEvent

DETAIL_TYPE = "Scheduled Event"


class ScheduledEvent(EventBridgeEvent):
    """A schedule or a scheduled rule says that it is time.

    >>> rule = "arn:aws:events:eu-west-1:123456789012:rule/nightly"
    >>> ScheduledEvent({"source": "aws.events", "resources": [rule]}).schedule_name
    'nightly'
    """

    @property
    def schedule_name(self) -> str:
        """The name of the rule or schedule; empty when it does not name itself."""
        resources: list[str] = self.record["resources"]
        return resources[0].rpartition("/")[2] if resources else ""


def as_scheduled(event: EventBridgeEvent) -> EventBridgeEvent:
    """The event as a `ScheduledEvent` if it is one, else itself."""
    return ScheduledEvent(event.record) if event.detail_type == DETAIL_TYPE else event
