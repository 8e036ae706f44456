"""Shared fixtures: where the real data lies (if anywhere), and in-process runs of the scripts."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from vlrb.utils.cli import ROOT, run_script

if "PYTEST_XDIST_WORKER" in os.environ:  # processes side by side: threads of each would wait for one another
    os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def mathvision_root() -> Path:
    """Real MathVision logs (1,513 questions, 13 models); skips where they are not at hand."""
    base = Path(os.environ.get("VLRB_REAL_DATA", ROOT.parent / "shared" / "data"))
    root = base / "mathvision" / "vlm_router_data"
    if not root.is_dir():
        pytest.skip(f"no real data at {root} (set VLRB_REAL_DATA)")
    return root


@pytest.fixture
def call(capfd: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run a script in-process: `call("train", "router=knn") -> (exit code, stdout, stderr)`."""

    def run(script: str, *words: str) -> tuple[int, str, str]:
        capfd.readouterr()
        code = run_script(script, list(words))
        captured = capfd.readouterr()
        return code, captured.out, captured.err

    return run
