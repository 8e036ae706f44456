"""Raw logs → validated matrices at the published size, against the least that reading the same files can cost.

    python benchmarks/ingest.py [--folder …] [--no-reference]

Makes the full-size logs (`full_size.py`, once, not timed), then, one after the other on a warm page cache:

ours        `build_data.py` from nothing: records, tokens, costs, splits, validate; also its peak memory. First with
            `split.near_duplicates=false`, which looks at the headers of pictures as the floor does, then by default,
            which decodes every distinct picture once
floor       parsing all workbooks with the fastest reader installed, all cores
            + tokenising the distinct texts once, plain loop
            + one sequential read of the TSV files with every picture's header decoded
reference   openpyxl and a Python loop over rows for the same workbooks, against our reading and grading of them
again       the same command with nothing changed; and with another price book

Figures to look at are the ratios. Memory is the proportional set size of the whole process tree, sampled.
"""

import argparse
import binascii
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from io import BytesIO
from pathlib import Path
from threading import Event, Thread

from full_size import DEFAULT_FOLDER, ROOT, full_size_logs

SAMPLE_SECONDS = 0.5  # telling the memory of a process of a gigabyte takes the kernel some milliseconds itself
GOALS = {"floor": 2.0, "reference": 20.0, "memory": 1.5, "again": 2.0, "re-pricing": 5.0}


class PeakMemory(Thread):
    """Largest proportional set size of a process and its descendants, in GB."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid, self.peak, self._stop_now = pid, 0.0, Event()

    def run(self) -> None:  # noqa: D102
        while not self._stop_now.wait(SAMPLE_SECONDS):
            self.peak = max(self.peak, sum(map(_pss, _tree(self.pid))) / 1e6)

    def stop(self) -> float:
        """Return the peak."""
        self._stop_now.set()
        self.join()
        return self.peak


def _tree(pid: int) -> list[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        threads = [p for p in Path(f"/proc/{pid}/task").iterdir() if p.name != str(pid)]
        children += [word for thread in threads for word in (thread / "children").read_text().split()]
    except OSError:
        return []
    return [pid, *(p for child in children for p in _tree(int(child)))]


def _pss(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def build(root: Path, data: Path, *overrides: str) -> tuple[float, float]:
    """Run build_data.py as a user does; return seconds and GB."""
    words = ["dataset=demo_full", f"dataset.root={root}", "dataset.generator=null", f"paths.data_dir={data}"]
    words += ["stages=[records,tokens,costs,splits,validate]", *overrides]
    started = time.perf_counter()
    with subprocess.Popen([sys.executable, "build_data.py", *words], cwd=ROOT, stdout=subprocess.PIPE) as process:
        memory = PeakMemory(process.pid)
        memory.start()
        output = process.communicate()[0]
    if process.returncode:
        raise SystemExit(output.decode())
    print("\n".join(f"    {line}" for line in output.decode().splitlines()), flush=True)
    return time.perf_counter() - started, memory.stop()


def timed(what: str, work: Callable[[], object]) -> float:
    """Return the seconds of one piece of work, and say them."""
    started = time.perf_counter()
    work()
    seconds = time.perf_counter() - started
    print(f"    {what:<58}{seconds:>8.1f} s", flush=True)
    return seconds


def fastest_reader() -> tuple[str, Callable[[str], int]]:
    """Return fastexcel if it is installed, else calamine."""
    try:
        import fastexcel  # noqa: F401
    except ImportError:
        return "python-calamine", parse_calamine
    return "fastexcel", parse_fastexcel


def parse_fastexcel(path: str) -> int:
    """Return the number of rows."""
    import fastexcel

    return fastexcel.read_excel(path).load_sheet(0, dtypes="string").to_arrow().num_rows


def parse_calamine(path: str) -> int:
    """Return the number of rows."""
    from python_calamine import CalamineWorkbook

    return len(CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python())


def parse_all(parse: Callable[[str], int], books: list[Path]) -> int:
    """Parse all workbooks on all cores."""
    books = sorted(books, key=lambda path: -path.stat().st_size)
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        return sum(pool.map(parse, map(str, books), chunksize=4))


def tokenise_distinct(data: Path) -> int:
    """Tokenise the distinct prompts and answers of the benchmark that was built."""
    import pyarrow.parquet as pq

    from vlrb.benchmark.tokens.tokenizers import TekkenTokenizer

    folder = data / "demo_full"
    answers = pq.read_table(folder / "predictions.parquet", columns=["prediction"])["prediction"].unique().to_pylist()
    samples = pq.read_table(folder / "samples.parquet", columns=["prompt", "suffix"]).to_pylist()
    prompts = {row["prompt"] + row["suffix"] for row in samples}
    return int(TekkenTokenizer().count([*prompts, *(text for text in answers if text is not None)]).sum())


def read_tsv(root: Path) -> int:
    """Read every TSV file once, line by line, and decode the header of every picture."""
    from PIL import Image

    count = 0
    for path in sorted((root / "TSV_images").glob("*.tsv")):
        with path.open("rb") as file:
            place = next(file).rstrip(b"\n").split(b"\t").index(b"image")
            for line in file:
                cells = line.split(b"\t", place + 1)
                if len(cells) > place and len(cells[place]) > 64:
                    with Image.open(BytesIO(binascii.a2b_base64(cells[place]))) as picture:
                        count += picture.width > 0
    return count


def openpyxl_rows(books: list[Path]) -> int:
    """Read every row of every workbook into a dict, one at a time."""
    from openpyxl import load_workbook

    table: dict[tuple[str, str], dict[str, object]] = {}
    for path in books:
        rows = load_workbook(path, read_only=True).active.iter_rows(values_only=True)
        header = [str(title) for title in next(rows)]
        for row in rows:
            record = dict(zip(header, row, strict=True))
            table[path.stem, str(record["index"])] = record
    return len(table)


def read_and_grade(root: Path) -> int:
    """Read, grade and join all workbooks with our reader, without TSV files."""
    from vlrb.utils.cli import ROOT as PROJECT
    from vlrb.utils.instantiate import build as instantiate

    source = source_config(root, PROJECT)
    source["folders"]["pictures"] = []
    return len(instantiate(source, "dataset.source").read().records)


def source_config(root: Path, project: Path) -> dict:
    """Return the `dataset.source` node for the full-size logs."""
    os.environ["VLRB_ROOT"] = str(project)
    from hydra import compose, initialize_config_dir
    from omegaconf import OmegaConf

    with initialize_config_dir(config_dir=str(project / "conf"), version_base="1.3"):
        cfg = compose("build_data", overrides=["dataset=demo_full", f"dataset.root={root}"])
        return OmegaConf.to_container(cfg.dataset.source, resolve=True)


def verdict(name: str, value: float, unit: str, *, at_least: bool = False) -> str:
    """Return a line that compares a figure with its goal."""
    goal = GOALS[name]
    met = value >= goal if at_least else value <= goal
    sign = "≥" if at_least else "≤"
    return f"{name:<12}{value:>8.2f} {unit:<6} goal {sign} {goal:g}   {'met' if met else 'MISSED'}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="raw logs → validated matrices at full size")
    parser.add_argument("--folder", type=Path, default=DEFAULT_FOLDER)
    parser.add_argument("--no-reference", action="store_true", help="leave out the slow openpyxl reference")
    options = parser.parse_args()
    root = full_size_logs(options.folder)
    books = [path for path in root.rglob("*.xlsx") if path.is_file()]
    data = Path(tempfile.mkdtemp(prefix="vlrb-ingest-"))
    headers_only = "split.near_duplicates=false"
    lines = []
    try:
        print("ours", flush=True)
        ours, memory = build(root, data, headers_only)
        print(f"    whole command {ours:.1f} s, peak {memory:.2f} GB\nand every picture decoded once", flush=True)
        decoded, memory_decoded = build(root, data)
        print(f"    whole command {decoded:.1f} s, peak {memory_decoded:.2f} GB\nfloor", flush=True)
        name, parse = fastest_reader()
        floor = timed(
            f"parse {len(books)} workbooks ({name}, {os.cpu_count()} processes)", lambda: parse_all(parse, books)
        )
        floor += timed("tokenise the distinct texts", lambda: tokenise_distinct(data))
        floor += timed("read the TSV files, decode picture headers", lambda: read_tsv(root))
        print(f"    sum {floor:.1f} s\nagain", flush=True)
        again, _ = build(root, data)
        repriced, _ = build(root, data, "pricing=flat")
        lines.append(verdict("floor", ours / floor, "×"))
        lines.append(
            f"{'… decoded':<12}{(ours + decoded) / floor:>8.2f} ×      near-duplicates too: the floor reads headers"
        )
        lines.append(verdict("memory", max(memory, memory_decoded), "GB"))
        lines += [verdict("again", again, "s"), verdict("re-pricing", repriced, "s")]
        if not options.no_reference:
            print("reference", flush=True)
            graded = timed("ours: read and grade the workbooks", lambda: read_and_grade(root))
            slow = timed("openpyxl and a loop over rows", lambda: openpyxl_rows(books))
            lines.append(verdict("reference", slow / graded, "×", at_least=True))
    finally:
        shutil.rmtree(data, ignore_errors=True)
    print("\n" + "\n".join(lines))


if __name__ == "__main__":
    main()
