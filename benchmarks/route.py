"""How long a trained router takes for one question, and for many.

    python benchmarks/route.py <run> [<run> …] [--questions 300]

For each run folder, on test questions of its benchmark (the prompt, and pictures as the bytes of PNG files, so that
decoding counts): seconds to load the router, milliseconds for one question at a time (median and 95th percentile, after
ten that do not count; and the processor's time, which a busy machine does not lengthen as much), and questions per
second of `route_many`.
"""

import argparse
import io
import time
from pathlib import Path

import numpy as np
import pandas as pd
from PIL.Image import Image

import vlrb
from vlrb.benchmark.store import Benchmark
from vlrb.schema import DECISIONS_FILE, PROMPT, SAMPLE_ID, SPLIT, TEST
from vlrb.utils.console import say
from vlrb.utils.files import read_json

UNCOUNTED = 10


def questions_of(run: Path, count: int) -> list[vlrb.Query]:
    """Return test questions of a run's benchmark."""
    table = pd.read_parquet(run / DECISIONS_FILE)
    wanted = table.loc[table[SPLIT] == TEST, SAMPLE_ID].head(count)
    benchmark = Benchmark.open(Path(read_json(run / "data.json")["benchmark"]))
    samples, pictures = benchmark.samples, benchmark.pictures()
    rows = pd.Index(samples[SAMPLE_ID]).get_indexer(wanted).tolist()
    prompts = samples[PROMPT].tolist()
    return [vlrb.Query(prompts[row], [encoded(image) for image in pictures.load(row)]) for row in rows]


def encoded(image: Image) -> bytes:
    """Return a picture as the bytes of a PNG file."""
    buffer = io.BytesIO()
    image.save(buffer, "png")
    return buffer.getvalue()


def measure(run: Path, count: int) -> None:
    """Print the figures of one run."""
    queries = questions_of(run, count)
    started = time.perf_counter()
    router = vlrb.load_router(run)
    loading = time.perf_counter() - started
    took = np.array([timed(router, query) for query in queries])[UNCOUNTED:]
    started = time.perf_counter()
    router.route_many(queries)
    rate = len(queries) / (time.perf_counter() - started)
    (middle, own), (most, _) = np.percentile(took, [50, 95], axis=0)
    one = f"one question {middle:.1f} ms (processor {own:.1f}), p95 {most:.1f}"
    say(f"{run.parent.name:<12} load {loading:.2f} s · {one} · {rate:.0f} a second")


def timed(router: vlrb.LoadedRouter, query: vlrb.Query) -> tuple[float, float]:
    """Return milliseconds, and those of the processor, that one question takes."""
    wall, own = time.perf_counter(), time.process_time()
    router.route(query.prompt, query.images)
    return 1000 * (time.perf_counter() - wall), 1000 * (time.process_time() - own)


def main() -> None:
    """Measure the runs of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--questions", type=int, default=300)
    options = parser.parse_args()
    measure(options.runs[0], UNCOUNTED + 1)  # imports and first calls
    for run in options.runs:
        measure(run, options.questions)


if __name__ == "__main__":
    main()
