"""`python -m sample_app.demo`: one todo on its whole way, and what each stage left behind."""

import sys

from sample_app.demo.run_demo import run_demo

if __name__ == "__main__":
    sys.exit(run_demo())
