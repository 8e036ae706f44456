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


@pytest.fixture
def jobs_of() -> Callable[..., list[list[str]]]:
    """The jobs of a sweep, without running them: `jobs_of("preset=smoke", "seed=1") -> [["router=knn", …], …]`."""

    def find(*words: str) -> list[list[str]]:
        from hydra import initialize_config_dir
        from hydra._internal.callbacks import Callbacks
        from hydra.core.global_hydra import GlobalHydra
        from hydra.types import HydraContext, RunMode

        from vlrb.utils.launchers import register_launchers

        os.environ["VLRB_ROOT"] = str(ROOT)
        register_launchers()
        from vlrb.utils import outcome
        from vlrb.utils.job_list import JobListSweeper

        outcome.start()  # an earlier call's sweep has nothing to be told
        GlobalHydra.instance().clear()
        with initialize_config_dir(config_dir=str(ROOT / "conf"), version_base="1.3"):
            hydra = GlobalHydra.instance().hydra
            assert hydra is not None
            config = hydra.config_loader.load_configuration("train", list(words), run_mode=RunMode.MULTIRUN)
            node = {key: value for key, value in config.hydra.sweeper.items() if key != "_target_"}
            sweeper = JobListSweeper(**node)
            sweeper.hydra_context = HydraContext(config_loader=hydra.config_loader, callbacks=Callbacks())
            sweeper.arguments = [word for word in words if not word.startswith("hydra")]
            (batch,) = sweeper.split_arguments([], None)
        return batch

    return find
