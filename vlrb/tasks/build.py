"""Raw logs → benchmark folder: `python build_data.py`, and the first step of every training job."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from omegaconf import DictConfig

from vlrb.encoders.configured import configured_encoders
from vlrb.schema import BUILD_STAGES, MANIFEST_FILE
from vlrb.tasks.jobs import JobResult, run_job
from vlrb.utils.config import Plain
from vlrb.utils.console import progress_bar, say
from vlrb.utils.errors import ConfigError, StateError
from vlrb.utils.instantiate import build
from vlrb.utils.locks import folder_lock
from vlrb.utils.suggest import did_you_mean

if TYPE_CHECKING:
    import numpy as np

    from vlrb.benchmark.store import Benchmark


class Features(NamedTuple):
    """Cached feature arrays of a benchmark (None where the encoder has no such part) and their identity."""

    text: "np.ndarray | None"
    vision: "np.ndarray | None"
    fingerprint: str


def run(cfg: DictConfig) -> float:
    """Run the script's job."""
    return run_job(cfg, "build_data", _build_job)


def _build_job(config: Plain) -> JobResult:
    started = time.monotonic()
    stages = _checked_stages(config["stages"])
    target = _export_target(config)
    parts = [s for s in stages if s != "features"]
    if "features" in stages:
        check_encoders(config)
    benchmark = build_benchmark(config, parts, force=config["force"], announce=bool(parts))
    found = None
    if "features" in stages:
        found = ensure_features(config, benchmark, force=config["force"])
        arrays = {"text": found.text, "vision": found.vision}
        widths = [f"{kind} {rows.shape[1]} numbers a sample" for kind, rows in arrays.items() if rows is not None]
        say("features: " + ", ".join(widths))
    if target is not None:
        _export(config, benchmark, target, found)
    n, m = benchmark.Y.shape
    say(f"{n:,} samples × {m} models, {time.monotonic() - started:.1f} s")
    say(f"benchmark: {benchmark.root}")
    return JobResult("done", benchmark.root)


def _export_target(config: Plain) -> Path | None:
    """Return the folder to export to, None if nothing is; a mistake is found before any work is done."""
    if config["export"] is None:
        if config["export_dir"] is not None:
            raise ConfigError("export_dir says where to, but nothing is exported", "say what: export=reference")
        return None
    from vlrb.benchmark.export.write import check_target, find_format

    find_format(config["export"])
    given = config["export_dir"]
    target = benchmark_folder(config) / "export" / config["export"] if given is None else Path(given).expanduser()
    check_target(target)
    return target


def _export(config: Plain, benchmark: "Benchmark", target: Path, found: Features | None) -> None:
    """Write the benchmark in another layout, with the features if they were looked at."""
    from vlrb.benchmark.export.content import collect
    from vlrb.benchmark.export.write import write_export

    parts, features = _parts(config), {}
    for kind, rows in (("text", found.text), ("vision", found.vision)) if found else ():
        if rows is not None:
            features[kind] = {build(config["encoder"][kind], f"encoder.{kind}").name: rows}
    split = parts["split"]
    content = collect(benchmark, parts["pool"], parts["price_book"].name, (split.label, split.seed), features)
    write_export(target, config["export"], content)
    say(f"export: {target}")


def _checked_stages(stages: Sequence[str]) -> list[str]:
    for stage in stages:
        if stage not in BUILD_STAGES:
            raise ConfigError(f"stages: no stage {stage!r}", did_you_mean(stage, BUILD_STAGES))
    return [s for s in BUILD_STAGES if s in stages]


def benchmark_folder(config: Plain) -> Path:
    """Return the benchmark's folder, `<data_dir>/<dataset.name>`."""
    return Path(str(config["paths"]["data_dir"])) / str(config["dataset"]["name"])


def build_benchmark(
    config: Plain, stages: Sequence[str], *, force: bool = False, announce: bool = False
) -> "Benchmark":
    """Bring a benchmark up to date: only stages whose inputs or settings changed do any work."""
    from vlrb.benchmark.build import BuildSettings
    from vlrb.benchmark.build import build_benchmark as build_stages

    if config["dataset"].get("generator"):
        generate(config)
    settings = BuildSettings(stages, force, config["strict"], bool(config["dataset"]["synthetic"]), announce)
    return build_stages(benchmark_folder(config), **_parts(config), settings=settings)


def open_benchmark(config: Plain) -> "Benchmark":
    """Return the benchmark of a training config, built or refreshed unless `build=false`."""
    from vlrb.benchmark.build import BuildSettings, stale_parts
    from vlrb.benchmark.store import Benchmark

    stages = [s for s in BUILD_STAGES if s != "features"]
    if config["build"]:
        return build_benchmark(config, stages)
    folder = benchmark_folder(config)
    needed = [s for s in stages if s != "validate"]  # no run reads the reports; they tell of the book last built
    stale = stale_parts(folder, **_parts(config), settings=BuildSettings(needed))
    if stale:
        raise StateError(
            f"{folder}: {', '.join(stale)} missing or stale, and build=false forbids to build",
            "run build_data.py with the same dataset, prices and split first",
        )
    return Benchmark.open(folder)


def check_encoders(config: Plain) -> None:
    """Find out that weights are missing before logs are read; encoders whose features are there need none.

    Raises:
        DataError: Weights are not on this machine and cannot be had.
        ConfigError: They do not fit the options, or their widths do not fit the fusion.
    """
    from vlrb.encoders.cache import feature_path

    pooling = {"text": None, "vision": str(config["encoder"]["pooling"])}
    for kind, encoder in build_encoders(config).items():
        if encoder is not None:
            folder = feature_path(benchmark_folder(config), encoder, pooling[kind])
            if not (folder / MANIFEST_FILE).is_file():
                encoder.check()


def _parts(config: Plain) -> dict[str, Any]:
    """Build the objects that a benchmark is made with."""
    return {
        "source": build(config["dataset"]["source"], "dataset.source"),
        "pool": build(config["model_pool"], "model_pool"),
        "tokens": build(config["tokens"], "tokens"),
        "price_book": build(config["pricing"], "pricing"),
        "split": build(config["split"], "split"),
    }


def generate(config: Plain) -> None:
    """Write the raw logs of a generated dataset, unless they are there already with the same settings."""
    try:
        generator = build(config["dataset"]["generator"], "dataset.generator")
    except ValueError as error:  # the generator knows nothing of this program's errors
        raise ConfigError(f"dataset: {error}") from error
    if generator.is_current():
        return
    with folder_lock(generator.root.parent):
        if generator.is_current():  # another process wrote them meanwhile
            return
        try:
            with progress_bar() as bar:
                task = bar.add_task("writing synthetic logs", total=None)
                generator.write(
                    lambda what, done, total: bar.update(task, description=what, completed=done, total=total)
                )
        except FileExistsError as error:
            raise StateError(str(error), "choose another dataset.root for the synthetic logs") from error
    say(f"synthetic logs written: {generator.root}")


def ensure_features(config: Plain, benchmark: "Benchmark", *, force: bool = False, allow: bool = True) -> Features:
    """Return the features of the configured encoders, extracting what is not cached.

    Args:
        config: The job's config (`encoder` group).
        benchmark: The benchmark to encode.
        force: Extract again.
        allow: Whether extracting is allowed; otherwise missing features are an error.
    """
    from vlrb.encoders.extract import benchmark_features

    def make_trainer(callbacks: list[Any], single: bool) -> Any:  # noqa: ANN401 - Lightning is imported only for networks
        from vlrb.tasks.extraction import make_feature_trainer

        return make_feature_trainer(config["trainer"], callbacks, single)

    text, vision = build_encoders(config).values()
    return Features(*benchmark_features(benchmark, text, vision, config["encoder"], force, allow, make_trainer))


def build_encoders(config: Plain) -> dict[str, Any]:
    """Return the encoders of both parts, "text" and "vision": None where there is none or the fusion does not read it.

    Raises:
        ConfigError: The fusion cannot take features of these widths.
    """
    return configured_encoders(config["encoder"])
