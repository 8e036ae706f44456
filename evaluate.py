"""Evaluate trained routers from their run folders, one leaderboard over many: `python evaluate.py --help`."""

import sys

from vlrb.utils.cli import run_script

if __name__ == "__main__":
    sys.exit(run_script("evaluate"))
