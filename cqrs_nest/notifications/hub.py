"""`NotificationHub`: hands notifications to the subscribers within this process, each its own tenant's."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any

from cqrs_nest.common.logger import Logger
from cqrs_nest.notifications.outgoing import OutgoingNotification

WAITING_MESSAGES = 256


class Subscription:
    """What one subscriber is still to get.

    One who does not keep up is cut off, so that he comes again and reads anew what he missed.
    """

    def __init__(self, tenant: str, action: str | None, id: str | None) -> None:
        self._tenant, self._action, self._id = tenant.lower(), action, id
        self._waiting: asyncio.Queue[Mapping[str, Any] | None] = asyncio.Queue(WAITING_MESSAGES + 1)
        self._is_open = True

    def wants(self, notification: OutgoingNotification) -> bool:
        """Whether the message is of the subscriber's tenant, and what he asked for."""
        return (
            self._is_open
            and notification.tenant == self._tenant
            and self._action in (None, notification.action)
            and self._id in (None, notification.id)
        )

    def put(self, message: Mapping[str, Any]) -> bool:
        """Keep a message for the subscriber; False when he had too many already, and is cut off."""
        if self._waiting.qsize() < WAITING_MESSAGES:
            self._waiting.put_nowait(message)
            return True
        self.end()
        return False

    def end(self) -> None:
        """Nothing comes any more after what waits already."""
        if self._is_open:
            self._is_open = False
            self._waiting.put_nowait(None)

    async def next(self) -> Mapping[str, Any] | None:
        """The next message; None when the subscription has ended."""
        return await self._waiting.get()


class NotificationHub:
    """The subscribers of this process."""

    def __init__(self) -> None:
        self._subscriptions: set[Subscription] = set()
        self._logger = Logger("NotificationHub")

    @contextmanager
    def subscribe(
        self, tenant: str, *, action: str | None = None, id: str | None = None
    ) -> Generator[Subscription]:
        """Take part until the block ends. `action` and `id` choose among the tenant's messages.

        `tenant` is that of a caller who has proved it: a wish of his own must not get here.
        """
        subscription = Subscription(tenant, action, id)
        self._subscriptions.add(subscription)
        try:
            yield subscription
        finally:
            self._subscriptions.discard(subscription)

    def publish(self, notification: OutgoingNotification) -> int:
        """Hand a message to whom it concerns; to how many."""
        interested = [
            subscription for subscription in self._subscriptions if subscription.wants(notification)
        ]
        taken = [subscription for subscription in interested if subscription.put(notification.notification)]
        if len(taken) < len(interested):
            self._logger.warn("%d slow subscribers were cut off", len(interested) - len(taken))
        return len(taken)

    def close(self) -> None:
        """End all subscriptions, so that a server that stops need not wait for them."""
        for subscription in self._subscriptions:
            subscription.end()

    def on_module_destroy(self) -> None:
        """End all subscriptions."""
        self.close()
