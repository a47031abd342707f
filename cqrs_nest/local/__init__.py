"""AWS inside the process, for development: `run_local` and `LocalRuntime`."""

from cqrs_nest.local.embedded_aws import EmbeddedAws, Queue
from cqrs_nest.local.listening_socket import PortTakenError, listen
from cqrs_nest.local.login import LocalUser
from cqrs_nest.local.run import run_local
from cqrs_nest.local.runtime import LocalRuntime
from cqrs_nest.local.schedules import Schedule
from cqrs_nest.local.state_machines import StateMachine

__all__ = [
    "EmbeddedAws",
    "LocalRuntime",
    "LocalUser",
    "PortTakenError",
    "Queue",
    "Schedule",
    "StateMachine",
    "listen",
    "run_local",
]
