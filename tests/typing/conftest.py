"""The examples are read by type checkers, never run: half of their lines are wrong."""

collect_ignore = ["examples"]
