"""Backbones of a job: which encoder goes with which router, and the prompts and pictures that it reads."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, cast

import numpy as np
import yaml

from vlrb.schema import DEV, PROMPT, SAMPLE_ID, TRAIN
from vlrb.utils.cli import ROOT
from vlrb.utils.config import BACKBONE, Plain
from vlrb.utils.errors import ConfigError
from vlrb.utils.fingerprint import fingerprint
from vlrb.utils.instantiate import build
from vlrb.utils.types import check_value

if TYPE_CHECKING:
    from vlrb.benchmark.store import Benchmark
    from vlrb.benchmark.view import BenchmarkView
    from vlrb.data.raw import RawInputs
    from vlrb.routers.base import RouterModule
    from vlrb.routers.end_to_end import EndToEndRouter

KEEP_MB: Final = 512
REPORT: Final = "report"
FROZEN: Final = ("text", "vision", "fusion", "pooling", "batch_size")  # of an encoder: used for frozen features alone
PARTS: Final = ("text", "pictures", "tower")  # of a backbone: what reads its inputs


def attach_backbone(config: Plain, router: "RouterModule") -> None:
    """Give an end-to-end router the backbone of the config; of another router, check that there is none.

    Raises:
        ConfigError: The encoder does not go with the router.
    """
    from vlrb.routers.end_to_end import is_end_to_end

    node = config["encoder"]
    if is_end_to_end(router) != (BACKBONE in node):
        raise _does_not_go(config, end_to_end=is_end_to_end(router))
    if is_end_to_end(router):
        check_value(node["unreadable"], Literal["error", "report"], "encoder.unreadable")
        kept_megabytes(node)
        backbone = build(node[BACKBONE], f"encoder.{BACKBONE}")
        recipe = build(node["training"], "encoder.training")
        cast("EndToEndRouter", router).attach(backbone, recipe, workers_of(node))


def asked_for() -> list[str]:
    """Return the overrides of this job, its sweep's and preset's among them; none outside a job."""
    from hydra.core.hydra_config import HydraConfig

    return list(HydraConfig.get().overrides.task) if HydraConfig.initialized() else []


def refuse_idle_encoders(config: Plain, router: "RouterModule", overrides: Sequence[str]) -> None:
    """Refuse a choice of frozen features for a router that reads none.

    Args:
        config: The job's config.
        router: Built from it.
        overrides: What was asked for (`asked_for`).

    Raises:
        ConfigError: Such a choice would have no effect.
    """
    if BACKBONE not in config["encoder"] or "features" in router.inputs | router.learns_from:
        return
    for word in overrides:
        key = word.partition("=")[0].lstrip("+~").partition("@")[0].replace("/", ".")
        part = key.removeprefix("encoder.").split(".")[0]
        if key.startswith("encoder.") and part in FROZEN:
            own = ", ".join(f"encoder.{BACKBONE}.{name}" for name in config["encoder"][BACKBONE] if name in PARTS)
            name = config["router"]["name"]
            raise ConfigError(
                f"{key} has no effect: router={name} reads prompts and pictures by its backbone, not frozen features",
                f"leave it out, or choose what the backbone reads by: {own}, or encoder=<another backbone>",
            )


def workers_of(node: Mapping[str, Any]) -> int:
    """Return the number of processes that prepare batches, of all devices together.

    Raises:
        ConfigError: It is no such number.
    """
    from vlrb.encoders.batches import MOST_WORKERS
    from vlrb.utils.devices import cores

    return min(cores(), MOST_WORKERS) if node["workers"] is None else _number(node, "workers")


def kept_megabytes(node: Mapping[str, Any]) -> int:
    """Return how much memory prepared pictures may take.

    Raises:
        ConfigError: It is no such number.
    """
    return _number(node, "keep_mb") if "keep_mb" in node else KEEP_MB


def _number(node: Mapping[str, Any], key: str) -> int:
    check_value(node[key], int, f"encoder.{key}")
    if node[key] < 0:
        raise ConfigError(f"encoder.{key} must be at least 0, not {node[key]}")
    return int(node[key])


def _does_not_go(config: Plain, *, end_to_end: bool) -> ConfigError:
    valid = [name for name, node in _encoders().items() if (BACKBONE in node) == end_to_end]
    name, router = config["encoder"]["name"], config["router"]["name"]
    what = "reads prompts and pictures itself and needs a backbone" if end_to_end else "reads frozen features"
    return ConfigError(f"router={router} {what}; encoder={name} gives none", f"encoder={' | '.join(valid)}")


def _encoders() -> dict[str, Any]:
    return {
        path.stem: yaml.safe_load(path.read_text("utf-8")) for path in sorted((ROOT / "conf/encoder").glob("*.yaml"))
    }


def learn_text(router: "RouterModule", benchmark: "Benchmark", view: "BenchmarkView") -> None:
    """Let the backbone of an end-to-end router learn its tokens from the prompts of the training split."""
    from vlrb.routers.end_to_end import is_end_to_end

    if is_end_to_end(router):
        rows = view.rows[view.members(TRAIN)]
        prompts = benchmark.samples[PROMPT].to_numpy(dtype=object)[rows]
        cast("EndToEndRouter", router).backbone.learn_text(prompts.tolist())


def raw_inputs(
    config: Plain, router: "RouterModule", benchmark: "Benchmark", view: "BenchmarkView | None" = None
) -> "dict[str, RawInputs]":
    """Return the prompts and pictures of the benchmark, prepared for the router's backbone (nothing for others).

    Args:
        config: The job's config.
        router: An end-to-end router that has learnt its tokens.
        benchmark: Where prompts and pictures are.
        view: What the router is trained on: the pictures of train and dev are kept in memory. None = not trained.

    Raises:
        ConfigError: An option of the encoder is out of range.
    """
    from vlrb.data.kept_pixels import keep_pixels
    from vlrb.data.raw import RawInputs
    from vlrb.routers.end_to_end import is_end_to_end

    if not is_end_to_end(router):
        return {}
    node, kept = config["encoder"], None
    prompts = benchmark.samples[PROMPT].tolist()
    preprocess = cast("EndToEndRouter", router).backbone.preprocessor()
    if view is not None:
        rows = np.concatenate([view.rows[view.members(split)] for split in (TRAIN, DEV)])
        kept = keep_pixels(benchmark.picture_references, rows, preprocess.picture.size, kept_megabytes(node))
    found = RawInputs(prompts, benchmark.pictures(), preprocess, kept)
    if node["unreadable"] == REPORT:
        found.find_damaged(benchmark_rows(benchmark, view))
    return {"raw": found}


def benchmark_rows(benchmark: "Benchmark", view: "BenchmarkView | None") -> list[int]:
    """Return the rows that a job may read."""
    rows: list[int] = list(range(len(benchmark.samples))) if view is None else view.rows.tolist()
    return rows


def raw_fingerprint(benchmark: "Benchmark") -> str:
    """Return the identity of all prompts and pictures."""
    samples = benchmark.samples
    pictures = [tuple(str(ref["content_hash"]) for ref in listed) for listed in benchmark.picture_references]
    return fingerprint([samples[SAMPLE_ID].tolist(), samples[PROMPT].tolist(), pictures])
