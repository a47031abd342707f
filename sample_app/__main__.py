"""`python -m sample_app run | demo | token`: the service on this machine, with embedded AWS."""

import argparse
import os
import sys

from cqrs_nest.context.development_keys import sign_development_token
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
    token = commands.add_parser("token", help="print a Bearer token for a running service")
    token.add_argument("--user", default="developer")
    token.add_argument("--tenant", default="acme")
    token.add_argument("--role", action="append", default=[], dest="roles")
    arguments = parser.parse_args()
    if arguments.command == "run":
        return run_local(
            MainModule,
            env=Settings,
            queues=QUEUES,
            login_command=f"{os.path.relpath(sys.executable)} -m sample_app token --user U --tenant T",
        )
    if arguments.command == "demo":
        from sample_app.demo.run_demo import run_demo

        return run_demo(QUEUES)
    settings = Settings.load(environ={**os.environ, "NODE_ENV": "local"})
    signed = sign_development_token(
        settings, user=arguments.user, tenant=arguments.tenant, roles=arguments.roles
    )
    sys.stdout.write(f"{signed}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
