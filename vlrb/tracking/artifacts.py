"""What of a benchmark and a run is worth keeping elsewhere: descriptions and weights, not gigabytes of data."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, NamedTuple

from vlrb.evaluation.runs import Run
from vlrb.schema import (
    BOUNDS_FILE,
    CONFIG_FILE,
    COSTS_FOLDER,
    DATA_FILE,
    MANIFEST_FILE,
    METRICS_FILE,
    MODELS_FILE,
    PRICES_FILE,
    REPORTS_FOLDER,
    SPEC_FILE,
    VERSIONS_FILE,
    WEIGHTS_FILE,
)
from vlrb.utils.config import identity
from vlrb.utils.files import read_json
from vlrb.utils.fingerprint import file_fingerprint

LARGEST_DESCRIPTION: Final = 10_000_000  # bytes; a larger report is data
BACKBONE_FOLDER: Final = "backbone"


class Bundle(NamedTuple):
    """Files that belong together.

    Attributes:
        name: Name of the artifact.
        type: benchmark or model.
        description: One line.
        files: Path in the artifact → file.
        metadata: Fingerprints and numbers.
    """

    name: str
    type: str
    description: str
    files: dict[str, Path]
    metadata: dict[str, Any]


def benchmark_files(run: Run) -> Bundle:
    """Return what describes the benchmark of a run: manifest, models, prices, cost bounds, reports (no matrices)."""
    root, data = Path(str(run.data["benchmark"])), run.data
    costs = Path(COSTS_FOLDER) / str(data.get("pricing"))
    wanted = [root / name for name in (MANIFEST_FILE, MODELS_FILE, costs / BOUNDS_FILE, costs / PRICES_FILE)]
    files = _existing(root, [*wanted, *sorted((root / REPORTS_FOLDER).rglob("*.*"))], LARGEST_DESCRIPTION)
    keys = ("data_fingerprint", "parts", "pricing", "pricing_date", "samples", "dropped", "bounds", "synthetic")
    metadata = {key: data.get(key) for key in keys} | {"models": len(data["model_ids"])}
    name = f"benchmark-{data['dataset_name']}"
    return Bundle(name, "benchmark", "what the router was trained and judged on", files, metadata)


def run_files(run: Run, folder: Path, run_id: str) -> Bundle:
    """Return what restores a router: weights, what they were bound to, config, and the results beside them."""
    names = (WEIGHTS_FILE, SPEC_FILE, CONFIG_FILE, DATA_FILE, METRICS_FILE, VERSIONS_FILE)
    backbone = sorted(p for p in (folder / BACKBONE_FOLDER).rglob("*") if p.is_file())
    files = _existing(folder, [*(folder / name for name in names), *backbone])
    weights = folder / WEIGHTS_FILE
    metadata = {
        "config": identity(run.config),
        "data_fingerprint": run.data["data_fingerprint"],
        "parts": run.data.get("parts"),
        "router": run.router,
        "lambda": str(run.trade_off),
        "seed": run.seed,
        "weights": file_fingerprint(weights) if weights.is_file() else None,
        "bank": _bank(weights),  # what a neighbour router shares with others stays in the runs' `banks` folder
        "versions": read_json(folder / VERSIONS_FILE) if (folder / VERSIONS_FILE).is_file() else {},
    }
    return Bundle(f"router-{run_id}", "model", f"router {run.name}", files, metadata)


def _bank(weights: Path) -> str | None:
    """Return which shared buffers a weights file refers to (`<buffer>=<fingerprint>`), None if it is whole."""
    from safetensors import safe_open

    if not weights.is_file():
        return None
    with safe_open(weights, framework="numpy") as file:
        return (file.metadata() or {}).get("shared") or None


def upload(run: Any, bundle: Bundle) -> None:  # noqa: ANN401 - wandb.Run
    """Record a bundle as an artifact of a W&B run; its files are read where they are, not copied."""
    import wandb

    artifact = wandb.Artifact(bundle.name, bundle.type, bundle.description, bundle.metadata)
    for name, path in bundle.files.items():
        artifact.add_file(str(path), name, policy="immutable", skip_cache=True)
    run.log_artifact(artifact)


def _existing(root: Path, paths: Iterable[Path], largest: int | None = None) -> dict[str, Path]:
    """Return the files that are there, by their places below `root`."""
    kept = [p for p in paths if p.is_file() and (largest is None or p.stat().st_size <= largest)]
    return {path.relative_to(root).as_posix(): path for path in kept}
