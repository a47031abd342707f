"""The queues that the service reads on this machine; elsewhere they belong to the infrastructure."""

from cqrs_nest.local import Queue
from sample_app.todo.events.activity_handler import ACTIVITY_QUEUE

QUEUES = [Queue(ACTIVITY_QUEUE, actions=["domain-event"])]
