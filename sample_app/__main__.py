"""`python -m sample_app`: the service on this machine, with embedded AWS, on APP_PORT (3000) until Ctrl-C."""

import sys

from cqrs_nest.local import run_local
from sample_app.main_module import MainModule
from sample_app.settings import Settings

if __name__ == "__main__":
    sys.exit(run_local(MainModule, env=Settings))
