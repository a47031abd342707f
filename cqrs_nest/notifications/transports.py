"""`@NotificationTransport`, the ones that are shipped, and those that `NOTIFICATION_TRANSPORTS` names."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from cqrs_nest.aws import AppSyncEventsService, AppSyncService
from cqrs_nest.common.metadata import MetadataKey, define_metadata
from cqrs_nest.common.tokens import describe_token
from cqrs_nest.config import Environment
from cqrs_nest.core import Binding, DiscoveryService
from cqrs_nest.events import EventHandler
from cqrs_nest.events.concurrency import gather_all
from cqrs_nest.notifications.errors import InvalidNotificationTransportError
from cqrs_nest.notifications.outgoing import OutgoingNotification

ClassT = TypeVar("ClassT", bound=type)


@dataclass(frozen=True, slots=True)
class _Declaration:
    name: str
    requires: tuple[str, ...]


TRANSPORT = MetadataKey[_Declaration]("notification_transport")


class Transport(Protocol):
    """What a transport class has."""

    async def send_message(self, notification: OutgoingNotification) -> None:
        """Push one message to clients. What is raised has the message delivered again."""
        ...


def NotificationTransport(name: str, *, requires: Sequence[str] = ()) -> Callable[[ClassT], ClassT]:
    """Make a provider a way to clients, by which `NOTIFICATION_TRANSPORTS` can name it.

    It has `async def send_message(self, notification)`. `requires` are fields of the settings without which
    it cannot work: a start with the transport switched on and one of them unset is refused.

    >>> @NotificationTransport("pager", requires=["pager_url"])
    ... class PagerTransport:
    ...     async def send_message(self, notification: OutgoingNotification) -> None: ...
    """

    def decorate(cls: ClassT) -> ClassT:
        define_metadata(cls, TRANSPORT, _Declaration(name, tuple(requires)))
        return cls

    return decorate


@NotificationTransport("appsync-graphql", requires=["appsync_endpoint"])
class AppSyncGraphqlTransport:
    """The mutation `sendMessage`, to which clients subscribe with `onMessage`."""

    def __init__(self, appsync: AppSyncService) -> None:
        self._appsync = appsync

    async def send_message(self, notification: OutgoingNotification) -> None:
        """Send the message as it came."""
        _ = notification.notification  # Raises for a message that is no JSON.
        await self._appsync.send_message(notification.body)


@NotificationTransport("appsync-event", requires=["appsync_events_endpoint"])
class AppSyncEventsTransport:
    """A channel for each tenant, action and id."""

    def __init__(self, appsync: AppSyncEventsService) -> None:
        self._appsync = appsync

    async def send_message(self, notification: OutgoingNotification) -> None:
        """Publish the message as it came."""
        await self._appsync.send_message(
            notification.body,
            tenant=notification.tenant_code,
            action=notification.action,
            id=notification.id,
        )


@EventHandler(OutgoingNotification)
class NotificationTransports:
    """Sends each message by every transport that is switched on, at once."""

    def __init__(self, discovery: DiscoveryService, environment: Environment) -> None:
        self._discovery = discovery
        self._environment = environment
        self._active: list[Transport] = []
        self.names: tuple[str, ...] = environment.notification_transports

    def on_application_bootstrap(self) -> None:
        """Find the transports. Raises InvalidNotificationTransportError for one that cannot work."""
        known = self._known()
        for name in self.names:
            if name not in known:
                raise InvalidNotificationTransportError(
                    f'NOTIFICATION_TRANSPORTS names "{name}", which no provider is.\n'
                    f"  There are {', '.join(sorted(known))}; @NotificationTransport(name) makes others."
                )
        self._active = [self._checked(*known[name]) for name in dict.fromkeys(self.names)]

    async def execute(self, event: OutgoingNotification) -> None:
        """Send a message. Raises what a transport raised, after all have been tried."""
        await gather_all([transport.send_message(event) for transport in self._active])

    def _known(self) -> dict[str, tuple[Binding, _Declaration]]:
        known: dict[str, tuple[Binding, _Declaration]] = {}
        for binding, declared in self._discovery.providers_with(TRANSPORT):
            other = known.setdefault(declared.name, (binding, declared))[0]
            if other.cls is not binding.cls:
                raise InvalidNotificationTransportError(
                    f"{describe_token(other.token)} and {describe_token(binding.token)} are both the "
                    f'transport "{declared.name}".\n  Give one of them another name.'
                )
        return known

    def _checked(self, binding: Binding, declared: _Declaration) -> Transport:
        where = f"@NotificationTransport {describe_token(binding.token)} of {binding.module.name}"
        if not inspect.iscoroutinefunction(getattr(binding.cls, "send_message", None)):
            raise InvalidNotificationTransportError(
                f"{where} has no async method send_message.\n"
                "  Write `async def send_message(self, notification: OutgoingNotification) -> None`."
            )
        if not binding.is_static:
            raise InvalidNotificationTransportError(
                f"{where} is not a singleton.\n  Messages come without a request: take its scope away."
            )
        for field in declared.requires:
            if not getattr(self._environment, field, None):
                raise InvalidNotificationTransportError(
                    f'Notification transport "{declared.name}" is enabled (NOTIFICATION_TRANSPORTS) but '
                    f"{field.upper()} is not set."
                )
        transport: Transport = binding.instance
        return transport
