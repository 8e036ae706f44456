"""Turn evaluation logs into a routing benchmark: `python build_data.py --help`."""

import sys

from vlrb.utils.cli import run_script

if __name__ == "__main__":
    sys.exit(run_script("build_data"))
