"""Notifications as server-sent events, for development and for services of one process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from time import time
from typing import Annotated

from cqrs_nest.common import Controller, MessageEvent, NotFoundException, Query, Sse, UnauthorizedException
from cqrs_nest.common.lambda_runtime import in_lambda
from cqrs_nest.context import Auth, Invoke, InvokeContext, get_user_context
from cqrs_nest.notifications.errors import InvalidNotificationTransportError
from cqrs_nest.notifications.hub import NotificationHub, Subscription
from cqrs_nest.notifications.outgoing import OutgoingNotification
from cqrs_nest.notifications.transports import NotificationTransport, NotificationTransports

SSE = "sse"
KEEP_ALIVE_SECONDS = 15.0
RECONNECT_MILLISECONDS = 1000


@NotificationTransport(SSE)
class ServerSentEventsTransport:
    """Hands messages to the open streams of this process."""

    def __init__(self, hub: NotificationHub) -> None:
        self._hub = hub

    async def send_message(self, notification: OutgoingNotification) -> None:
        """Reach whoever listens now; a message that nobody waits for is gone."""
        self._hub.publish(notification)


@Auth()
@Controller("api/notifications")
class NotificationController:
    """One stream for each caller, of his own tenant."""

    def __init__(self, hub: NotificationHub, transports: NotificationTransports) -> None:
        self._hub = hub
        self._is_on = SSE in transports.names

    def on_module_init(self) -> None:
        """Refuse streams in AWS Lambda, which answers only when all is said."""
        if self._is_on and in_lambda():
            raise InvalidNotificationTransportError(
                'Notification transport "sse" needs a server, and this is AWS Lambda.\n'
                "  Take appsync-graphql or appsync-event for NOTIFICATION_TRANSPORTS."
            )

    @Sse()
    async def stream(
        self,
        invoke: InvokeContext,
        action: Annotated[str | None, Query("action")] = None,
        id: Annotated[str | None, Query("id")] = None,
    ) -> AsyncIterator[MessageEvent]:
        """Notifications of the caller's tenant from now on, `action` and `id` narrowing them.

        The first event, `ready`, comes at once; `keep-alive` tells proxies that the stream still lives.
        The stream ends with the caller's token.
        """
        tenant = get_user_context(invoke).tenant_code
        if not self._is_on or tenant is None:
            raise NotFoundException("There are no server-sent events here: sse is not switched on")
        ends = _end_of_token(invoke)
        with self._hub.subscribe(tenant, action=action, id=id) as subscription:
            yield MessageEvent("", type="ready", retry=RECONNECT_MILLISECONDS)
            async for event in _events(subscription, ends):
                yield event


async def _events(subscription: Subscription, ends: float) -> AsyncIterator[MessageEvent]:
    while (left := ends - time()) > 0:
        try:
            async with asyncio.timeout(min(KEEP_ALIVE_SECONDS, left)):
                message = await subscription.next()
        except TimeoutError:
            yield MessageEvent("", type="keep-alive")
            continue
        if message is None:
            return
        yield MessageEvent(message)


def _end_of_token(invoke: Invoke) -> float:
    """When the caller's token expires, in seconds since the epoch."""
    try:
        return float(invoke.claims.get("exp", "inf"))
    except (TypeError, ValueError):
        raise UnauthorizedException("The claim exp is no time") from None
