"""Backbones of a job: which encoder goes with which router, and the prompts and pictures that it reads."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import yaml

from vlrb.schema import IMAGES, PROMPT, SAMPLE_ID, TRAIN
from vlrb.utils.cli import ROOT
from vlrb.utils.config import Plain
from vlrb.utils.errors import ConfigError
from vlrb.utils.fingerprint import fingerprint
from vlrb.utils.instantiate import build

if TYPE_CHECKING:
    from vlrb.benchmark.store import Benchmark
    from vlrb.benchmark.view import BenchmarkView
    from vlrb.data.raw import RawInputs
    from vlrb.routers.base import RouterModule
    from vlrb.routers.end_to_end import EndToEndRouter

BACKBONE = "backbone"


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
        backbone = build(node[BACKBONE], f"encoder.{BACKBONE}")
        recipe = build(node["training"], "encoder.training")
        cast("EndToEndRouter", router).attach(backbone, recipe, workers_of(node))


def workers_of(node: Mapping[str, Any]) -> int:
    """Return the number of processes that prepare batches."""
    from vlrb.encoders.batches import MOST_WORKERS
    from vlrb.utils.devices import cores

    return int(min(cores(), MOST_WORKERS) if node["workers"] is None else node["workers"])


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


def raw_inputs(router: "RouterModule", benchmark: "Benchmark") -> "dict[str, RawInputs]":
    """Return the prompts and pictures of the benchmark, prepared for the router's backbone (nothing for others)."""
    from vlrb.data.raw import RawInputs
    from vlrb.routers.end_to_end import is_end_to_end

    if not is_end_to_end(router):
        return {}
    prompts = benchmark.samples[PROMPT].tolist()
    preprocess = cast("EndToEndRouter", router).backbone.preprocessor()
    return {"raw": RawInputs(prompts, benchmark.pictures(), preprocess)}


def raw_fingerprint(benchmark: "Benchmark") -> str:
    """Return the identity of all prompts and pictures."""
    samples = benchmark.samples
    pictures = [tuple(str(ref["content_hash"]) for ref in listed) for listed in samples[IMAGES].tolist()]
    return fingerprint([samples[SAMPLE_ID].tolist(), samples[PROMPT].tolist(), pictures])
