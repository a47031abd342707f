"""What keeps a command from being applied."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cqrs_nest.core.errors import CqrsNestError

if TYPE_CHECKING:
    from cqrs_nest.pipeline.recovery import FailedCommand


class UnknownStateError(ValueError):
    """The state machine runs a state that the pipeline has no step for."""


class SyncDataHandlerNotFoundError(LookupError):
    """The state machine asks for a handler that the table does not have."""

    def __init__(self, name: str | None, table: str, known: Sequence[str]) -> None:
        found = (
            "SyncDataHandler not found!" if name is None else f"SyncDataHandler empty! There is no {name!r}."
        )
        super().__init__(f"{found} The handlers of the table {table!r} are: {', '.join(known)}.")


class LostCommandError(LookupError):
    """The attributes of a command are gone from S3 before it was applied, so it never can be."""

    def __init__(self, command: object, reference: str) -> None:
        super().__init__(
            f"The attributes of {command!r} are lost: there is no {reference}.\n"
            "  Publish the whole item again, with publish_async on the version of this command, or with"
            " publish_sync on that of the data row; it is then passed over."
        )


class ConcurrentChangeError(Exception):
    """The data row changed each time the command was about to be applied; it will be tried again."""


class ParkedError(Exception):
    """The command is in the dead-letter queue, or waits behind one that is; `redrive` carries it on."""

    def __init__(self, command: object, error: Exception | None = None) -> None:
        why = "" if error is None else f": {type(error).__name__}: {error}"
        super().__init__(f"{command!r} waits in the dead-letter queue{why}")


class RecoveryFailedError(Exception):
    """A recovery could not carry on some of the commands; the text names each with its error."""

    def __init__(self, failed: Sequence[FailedCommand]) -> None:
        lines = [f"{item.table} {item.pk} {item.sk}: {item.error!r}" for item in failed[:20]]
        more = [] if len(failed) <= 20 else [f"and {len(failed) - 20} more"]
        super().__init__("\n  ".join([f"{len(failed)} commands could not be carried on:", *lines, *more]))
        self.failed = tuple(failed)


class InvalidPipelineError(CqrsNestError):
    """The pipeline cannot work as it was configured; found at start."""


class BrokenCommandError(ValueError):
    """A row of a command table is no command that could be applied."""

    def __init__(self, table: str, pk: object, sk: object, defect: str) -> None:
        super().__init__(f"{table} {pk} {sk} is no command: {defect}. Mend the row, or delete it.")


class CommandTooLargeError(ValueError):
    """A command's stream record is too large for the state machine; it will be delivered again in vain."""

    def __init__(self, command: str, size: int, limit: int) -> None:
        super().__init__(
            f"The stream record of {command} has {size} bytes, and an execution takes {limit}.\n"
            "  Lower ATTRIBUTE_LIMIT_SIZE (102400), so that more goes to S3, or take the driver stream."
        )
