"""Messages to the clients of an application: from the topic over a queue to AppSync or an open stream."""

from cqrs_nest.notifications.errors import InvalidNotificationTransportError
from cqrs_nest.notifications.hub import NotificationHub, Subscription
from cqrs_nest.notifications.module import NotificationModule
from cqrs_nest.notifications.outgoing import OutgoingNotification
from cqrs_nest.notifications.transports import NotificationTransport

__all__ = [
    "InvalidNotificationTransportError",
    "NotificationHub",
    "NotificationModule",
    "NotificationTransport",
    "OutgoingNotification",
    "Subscription",
]
