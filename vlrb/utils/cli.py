"""The one way into the program: argv → Hydra → a task; one clear line for every error, and an exit code.

Used by the three scripts and, in-process, by tests. Nothing heavy is imported, so `--help` and `--cfg job` stay quick.
"""

import importlib
import os
import sys
import traceback
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vlrb.utils import outcome
from vlrb.utils.argv import rewrite_overrides, split_flags
from vlrb.utils.borrowed import borrow_choices
from vlrb.utils.console import say_error
from vlrb.utils.errors import ConfigError, VlrbError
from vlrb.utils.fingerprint import fingerprint
from vlrb.utils.help import help_text

ROOT = Path(__file__).resolve().parents[2]
TASKS = {"train": "vlrb.tasks.train", "evaluate": "vlrb.tasks.evaluate", "build_data": "vlrb.tasks.build"}
SWEEP_NEUTRAL = (
    "paths.",
    "hydra.",
    "hydra/",
    "logger",
    "build=",
    "overwrite=",
    "trainer.devices",
    "trainer.accelerator",
)


def run_script(script: str, argv: Sequence[str] | None = None) -> int:
    """Run a script with the given words and return its exit code (0 = all went well).

    Args:
        script: train, evaluate or build_data.
        argv: Words after the script's name; default: those of this process.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        flags, overrides = split_flags(words)
        if "--help" in flags or "-h" in flags:
            print(help_text(script, ROOT))  # noqa: T201 - plain text on stdout, also for pipes
            return 0
        if {"--cfg", "-c"} & set(flags) and {"-m", "--multirun"} & set(flags):
            raise ConfigError("--cfg shows the configuration of one job", "leave out -m and give single values")
        overrides = rewrite_overrides(overrides, ROOT / "conf")
        return _run_hydra(script, flags, borrow_choices(script, overrides, ROOT / "conf"))
    except VlrbError as error:
        report_error(str(error), "".join(traceback.format_exception(error)), expected=True)
        return 1
    except KeyboardInterrupt:
        if (progress := outcome.current().progress) is not None:
            progress.broken_off()
        say_error("interrupted — what was finished is kept; run the same command to go on")
        return 130


def _run_hydra(script: str, flags: list[str], overrides: list[str]) -> int:
    import hydra
    from hydra.core.global_hydra import GlobalHydra
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    from vlrb.utils import job_list
    from vlrb.utils.composition import explain
    from vlrb.utils.launchers import launcher_error, register_launchers

    register_launchers()
    job_list.register()
    result = outcome.start()

    def task(cfg: Any) -> Any:  # noqa: ANN401 - Hydra's config in, the objective out
        return importlib.import_module(TASKS[script]).run(cfg)

    main = hydra.main(version_base="1.3", config_path=str(ROOT / "conf"), config_name=script)(task)
    extra = _sweep_words(overrides) if script == "train" else []
    GlobalHydra.instance().clear()
    try:
        with _environment(), _argv([f"{script}.py", *flags, *overrides, *extra]):
            main()
    except (HydraException, OmegaConfBaseException) as error:
        raise explain(error, script, ROOT, overrides) from error
    except Exception as error:  # not of a job: those are recorded
        found = launcher_error(error)
        if found is None:
            raise
        if result.progress is not None:
            result.progress.broken_off()
        raise found from error
    finally:
        GlobalHydra.instance().clear()
    return result.exit_code()


def _sweep_words(overrides: Sequence[str]) -> list[str]:
    key = "hydra.callbacks.sweep"
    return [f"{key}.sweep_id={sweep_id(overrides)}", f"{key}.call={uuid.uuid4().hex}"]


def sweep_id(overrides: Sequence[str]) -> str:
    """Return the name of a sweep's folder: its preset, and a hash of whatever else was asked (order does not matter).

    >>> sweep_id(["preset=vlc_lambda"]), sweep_id(["b=1", "a=2"]) == sweep_id(["a=2", "b=1"])
    ('vlc_lambda', True)
    """
    presets = [word.partition("=")[2] for word in overrides if word.startswith("preset=")]
    others = sorted(w for w in overrides if not w.startswith(("preset=", *SWEEP_NEUTRAL)))
    name = presets[-1] if presets else ""
    if name and not others:
        return name
    return (f"{name}-" if name else "") + fingerprint(others, length=8)


@contextmanager
def _argv(words: list[str]) -> Iterator[None]:
    """Give Hydra its command line; it reads sys.argv."""
    before = sys.argv
    sys.argv = words
    try:
        yield
    finally:
        sys.argv = before


@contextmanager
def _environment() -> Iterator[None]:
    """Tell the configs where the project lies, and make Hydra raise its errors instead of printing and exiting."""
    os.environ["VLRB_ROOT"] = str(ROOT)
    before = os.environ.get("HYDRA_FULL_ERROR")
    os.environ.setdefault("VLRB_TRACEBACK", before or "0")
    os.environ["HYDRA_FULL_ERROR"] = "1"
    try:
        yield
    finally:
        if before is None:
            os.environ.pop("HYDRA_FULL_ERROR")
        else:
            os.environ["HYDRA_FULL_ERROR"] = before


def _wants_traceback() -> bool:
    return os.environ.get("VLRB_TRACEBACK", "0") == "1"


def report_error(reason: str, trace: str, *, expected: bool) -> None:
    """Print one error on stderr; its traceback only when asked for, or when it is a defect of the program."""
    if _wants_traceback() or not expected:
        say_error(trace)
    say_error(f"error: {reason}")
