"""The `status` of a command row: `<state>:<STARTED, FINISHED or FAILED>`."""

from __future__ import annotations

from typing import Final

SYNC_STARTED: Final = "publish_sync:STARTED"
SYNC_FAILED: Final = "publish_sync:FAILED"
SYNC_DATA_FAILED: Final = "sync_data:FAILED"
FINISHED: Final = "finish:FINISHED"
FAILED: Final = ":FAILED"
"""The end of the status of a command that could not be applied."""
