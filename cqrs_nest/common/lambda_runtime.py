"""Whether the process is a function of AWS Lambda, and whether somebody waits for its start."""

from __future__ import annotations

import os


def in_lambda() -> bool:
    """Whether AWS Lambda runs the process."""
    return "AWS_LAMBDA_FUNCTION_NAME" in os.environ


def starts_on_demand() -> bool:
    """Whether a caller waits for the start, so that what can wait for its first use had better do so.

    Functions with provisioned concurrency or SnapStart start before anybody calls: they make everything then.
    """
    return in_lambda() and os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand") == "on-demand"
