"""`python -m sample_app run | demo`: the service on this machine, with embedded AWS."""

import argparse
import sys

from cqrs_nest.local import Queue, run_local
from sample_app.main_module import MainModule
from sample_app.settings import Settings
from sample_app.todo.events.activity_handler import ACTIVITY_QUEUE

QUEUES = [Queue(ACTIVITY_QUEUE, actions=["domain-event"])]


def main() -> int:
    """Run one of the commands; its exit code."""
    parser = argparse.ArgumentParser(prog="python -m sample_app", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run", help="serve on APP_PORT (3000) until Ctrl-C")
    commands.add_parser("demo", help="send one todo on its whole way and show what each stage left behind")
    if parser.parse_args().command == "run":
        return run_local(MainModule, env=Settings, queues=QUEUES)
    from sample_app.demo.run_demo import run_demo

    return run_demo(QUEUES)


if __name__ == "__main__":
    sys.exit(main())
