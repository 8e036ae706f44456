"""Random access to pictures inside TSV files of gigabytes: by offset, against reading the file for each picture.

    python benchmarks/pictures.py [--folder …] [--pictures 500]

On the full-size logs (`full_size.py`): indexes every TSV file in this process, then fetches pictures in random order,
as bytes and decoded. The alternative is what a reader without an index does: parse the TSV file until the row comes.
"""

import argparse
import csv
import resource
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
from full_size import DEFAULT_FOLDER, full_size_logs

from vlrb.sources.pictures import PictureReader
from vlrb.sources.vlmevalkit.tsv import read_tsv

GOAL_MS, GOAL_MB = 5.0, 500
SLOW_ROWS = 3  # how many pictures are fetched the slow way
Reference = dict[str, Any]


def milliseconds(work: Any, items: list[Any]) -> list[float]:  # noqa: ANN401 - any function of one item
    """Return how long each call took."""
    times = []
    for item in items:
        started = time.perf_counter()
        work(item)
        times.append(1e3 * (time.perf_counter() - started))
    return times


def by_parsing(path: Path, number: int) -> str:
    """Return the picture cell of one row by reading all rows before it."""
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file, delimiter="\t")
        place = next(reader).index("image")
        return next(row[place] for row_number, row in enumerate(reader) if row_number == number)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="random access to pictures inside TSV files")
    parser.add_argument("--folder", type=Path, default=DEFAULT_FOLDER)
    parser.add_argument("--pictures", type=int, default=500)
    options = parser.parse_args()
    root = full_size_logs(options.folder).resolve()
    started = time.perf_counter()
    references: list[Reference] = []
    for path in sorted((root / "TSV_images").glob("*.tsv")):
        references += [reference for found in read_tsv(path, root).pictures.values() for reference in found]
    seconds, peak = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    rng = np.random.default_rng(0)
    chosen = [references[i] for i in rng.choice(len(references), options.pictures)]
    reader = PictureReader(root)
    milliseconds(reader.read, chosen)  # warm
    bytes_ms, decoded_ms = milliseconds(reader.read, chosen), milliseconds(reader.open, chosen)
    csv.field_size_limit(1 << 30)
    largest = max((root / "TSV_images").glob("*.tsv"), key=lambda path: path.stat().st_size)
    parsed_ms = milliseconds(lambda row: by_parsing(largest, row), [int(i) for i in rng.integers(0, 5000, SLOW_ROWS)])
    print(f"{len(references):,} references in TSV files, indexed in {seconds:.1f} s, peak memory {peak:,.0f} MB")
    for label, times in (("bytes", bytes_ms), ("decoded", decoded_ms), ("by parsing the file", parsed_ms)):
        high = float(np.quantile(times, 0.95))
        print(f"{label:<22}median {statistics.median(times):>10.3f} ms   95 % {high:>10.3f} ms")
    middle = statistics.median(bytes_ms)
    print(f"by offset is {statistics.median(parsed_ms) / middle:,.0f} × faster than parsing")
    print(f"access  goal ≤ {GOAL_MS:g} ms   {'met' if middle <= GOAL_MS else 'MISSED'}")
    print(f"memory  goal ≤ {GOAL_MB:g} MB   {'met' if peak <= GOAL_MB else 'MISSED'}")


if __name__ == "__main__":
    main()
