"""The `status` of a command row: `<state>:<STARTED, FINISHED or FAILED>`."""

from __future__ import annotations

from typing import Final

SYNC_STARTED: Final = "publish_sync:STARTED"
SYNC_FAILED: Final = "publish_sync:FAILED"
FINISHED: Final = "finish:FINISHED"
EVENTS_OWED: Final = "finish:STARTED"
"""Applied, but messages of the command have not been sent yet."""
