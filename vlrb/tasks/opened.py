"""What the jobs of one sweep share within a process: the opened benchmark, the view and the features."""

from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from hydra.core.hydra_config import HydraConfig

from vlrb.tasks.build import Features, ensure_features, open_benchmark
from vlrb.tasks.jobs import in_sweep
from vlrb.utils.config import Plain
from vlrb.utils.fingerprint import fingerprint
from vlrb.utils.instantiate import build

if TYPE_CHECKING:
    from vlrb.benchmark.store import Benchmark
    from vlrb.benchmark.view import BenchmarkView
    from vlrb.data.sources import FusedFeatures

T = TypeVar("T")
KEPT: Final = 4  # results in memory; of a sweep over encoders or prices, only the latest are worth it
OF_BENCHMARK: Final = ("dataset", "model_pool", "tokens", "pricing", "split", "build", "strict")
OF_VIEW: Final = (*OF_BENCHMARK, "missing")
_kept: OrderedDict[str, Any] = OrderedDict()


class Opened(NamedTuple):
    """A benchmark with the view that a job works on."""

    benchmark: "Benchmark"
    view: "BenchmarkView"


def open_view(config: Plain) -> Opened:
    """Return the benchmark (built or refreshed unless `build=false`) and the job's view of it.

    Within a sweep, jobs of one process that ask for the same get the same: the logs are looked at once.
    """

    def work() -> Opened:
        benchmark = open_benchmark(config)
        return Opened(benchmark, make_view(config, benchmark))

    return shared("view", config, OF_VIEW, work)


def open_features(config: Plain, benchmark: "Benchmark") -> Features:
    """Return the features of the configured encoders, memory-mapped; shared like the view."""

    def work() -> Features:
        return ensure_features(config, benchmark, allow=config["build"])

    return shared("features", config, (*OF_BENCHMARK, "encoder"), work)


def fused_features(config: Plain, features: Features) -> "FusedFeatures":
    """Return the fused features as a source of batches; shared, so that a sweep fuses once."""

    def work() -> "FusedFeatures":
        from vlrb.data.sources import FusedFeatures

        return FusedFeatures(features.text, features.vision, build(config["encoder"]["fusion"], "encoder.fusion"))

    return shared(f"fused {features.fingerprint}", config, (*OF_VIEW, "encoder"), work)


def make_view(config: Plain, benchmark: "Benchmark") -> "BenchmarkView":
    """Return the rows, columns, prices and split that the config asks for."""
    from vlrb.benchmark.view import BenchmarkView

    pool = build(config["model_pool"], "model_pool")
    split = build(config["split"], "split")
    return BenchmarkView.create(benchmark, pool, config["pricing"]["name"], config["missing"], split.label, split.seed)


def shared(what: str, config: Plain, keys: tuple[str, ...], work: Callable[[], T]) -> T:
    """Return the result of `work`, kept for later jobs of the same sweep whose configs agree in `keys`."""
    call = HydraConfig.get().callbacks.get("sweep", {}).get("call") if in_sweep() else None
    if call is None:
        return work()
    key = fingerprint([call, what, str(config["paths"]["data_dir"]), {key: config[key] for key in keys}])
    if key not in _kept:
        result = work()
        _kept[key] = result
        while len(_kept) > KEPT:
            _kept.popitem(last=False)
    _kept.move_to_end(key)
    found: T = _kept[key]
    return found
