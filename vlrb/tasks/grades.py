"""Every model's grades for a report, from the benchmark behind its runs, checked to be the one that they saw."""

import numpy as np

from vlrb.benchmark.pictures import SamplePictures
from vlrb.benchmark.store import Benchmark
from vlrb.benchmark.view import BenchmarkView
from vlrb.evaluation.runs import Run
from vlrb.report.grades import Absent, Grades
from vlrb.report.leaderboard import Leaderboard
from vlrb.schema import PROMPT, SAMPLE_ID
from vlrb.tasks.evaluate import check_data, find_benchmark
from vlrb.tasks.train import make_view
from vlrb.utils.config import Plain
from vlrb.utils.errors import StateError, VlrbError

NOT_OF_CONTENT = ("features", "prompts and pictures")  # parts that change no grade and no cost


def read_grades(board: Leaderboard, config: Plain) -> Grades | Absent:
    """Return grades, costs, prompts and pictures of the samples of a leaderboard, or why they are not to be had.

    The benchmark is looked for where the first run recorded it, then below `paths.data_dir`.
    """
    try:
        return _grades(board, config)
    except VlrbError as error:
        return Absent(f"Needs every model's grades: {error.message}")


def _grades(board: Leaderboard, config: Plain) -> Grades:
    run = board.runs[0]
    benchmark: Benchmark = find_benchmark(run, config)
    view = make_view(run.config, benchmark)
    check_data(run, _parts(run, view), besides=NOT_OF_CONTENT)
    ids = board.evaluated.table[SAMPLE_ID].tolist()
    place = {sample_id: row for row, sample_id in enumerate(view.sample_ids.tolist())}
    unknown = next((i for i in ids if i not in place), None)
    if unknown is not None:
        raise StateError(f"{benchmark.root} has no sample {unknown!r}, which {run.folder} decided on")
    rows = np.array([place[i] for i in ids], dtype=np.int64)
    own = view.rows[rows]
    return Grades(
        np.asarray(view.Y[rows]), np.asarray(view.C[rows]), _Prompts(benchmark, own), _Pictures(benchmark, own)
    )


def _parts(run: Run, view: BenchmarkView) -> dict[str, str]:
    stored: dict[str, str] = run.data["parts"]
    return {**view.parts, **{name: stored[name] for name in NOT_OF_CONTENT if name in stored}}


class _Prompts:
    """Prompts by place in the report; the table is read when first asked for."""

    def __init__(self, benchmark: Benchmark, rows: np.ndarray) -> None:
        self._benchmark = benchmark
        self._rows = rows

    def __call__(self, i: int) -> str:
        return str(self._benchmark.samples[PROMPT].iat[int(self._rows[i])])


class _Pictures:
    """Pictures by place in the report."""

    def __init__(self, benchmark: Benchmark, rows: np.ndarray) -> None:
        self._benchmark = benchmark
        self._rows = rows
        self._pictures: SamplePictures | None = None

    def __call__(self, i: int) -> list:  # type: ignore[type-arg]
        if self._pictures is None:
            self._pictures = self._benchmark.pictures()
        return self._pictures.load(int(self._rows[i]))
