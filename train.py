"""Train one router (or a sweep of them) on a routing benchmark: `python train.py --help`."""

import sys

from vlrb.utils.cli import run_script

if __name__ == "__main__":
    sys.exit(run_script("train"))
