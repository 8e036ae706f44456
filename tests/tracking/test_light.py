"""`logger=none` costs nothing: W&B and Lightning are imported only by a job that asks for a logger."""

import subprocess
import sys

import pytest

from vlrb.utils.cli import ROOT


@pytest.mark.process
def test_without_a_logger_nothing_is_imported() -> None:
    code = (
        "import sys; from pathlib import Path; import vlrb.tasks.train, vlrb.tasks.sweep; "
        "from vlrb.tasks.tracking import check_logger, tracking; "
        "node = {'logger': {'_target_': None}}; check_logger(node)\n"
        "with tracking(node, Path('.'), {}, resumed=False) as tracked: assert tracked.logger is False\n"
        "found = sorted({'wandb', 'lightning', 'torch', 'tensorboard', 'matplotlib'} & set(sys.modules)); "
        "sys.exit(f'imported {found}' if found else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
