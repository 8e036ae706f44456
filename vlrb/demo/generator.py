"""The demo's generator: raw logs and pictures of a synthetic benchmark, and the truth behind them in a file apart."""

import base64
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from vlrb import schema
from vlrb.demo import constants as k
from vlrb.demo.latent import DatasetDraw, draw_dataset, generator
from vlrb.demo.logs import DatasetRows, write_model, write_pictures
from vlrb.demo.pictures import draw_picture, encode_picture
from vlrb.demo.population import ATTRIBUTES, correct_probability, expected_output_tokens
from vlrb.demo.predictions import prediction_text
from vlrb.demo.questions import write_question
from vlrb.demo.scenes import Scene, draw_scene
from vlrb.demo.tables import dataset_rows, sample_index

GENERATED_FILE = "generated.json"
_VALUES = (k.SKILLS, k.DEPTHS, k.FOCUSES, k.KINDS, k.FINES, k.LAYOUTS)
Progress = Callable[[str, int, int], None]


class DemoGenerator:
    """Writes the demo's logs, TSV files and truth. Same arguments, same bytes.

    Args:
        root: Folder of the logs; `truth.parquet` and `generated.json` are written beside it.
        samples_per_dataset: Questions in each of the 14 datasets, or dataset → questions.
        seed: Seed of everything that is drawn.

    Raises:
        ValueError: A number of questions is not positive, a dataset is missing or unknown, or `seed` is negative.
    """

    def __init__(self, root: str, samples_per_dataset: int | dict[str, int] = 200, seed: int = 0) -> None:
        self._counts = _dataset_counts(samples_per_dataset)
        if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
            raise ValueError(f"seed must be a whole number of at least 0, got {seed!r}")
        self.root = Path(root)
        self.samples_per_dataset = samples_per_dataset
        self.seed = seed

    @property
    def truth_path(self) -> Path:
        """Return where the truth is written: outside the logs, so that no reader of logs comes across it."""
        return self.root.parent / schema.TRUTH_FILE

    def fingerprint(self) -> dict[str, Any]:
        """Return all that determines the output."""
        return {
            "generator": k.GENERATOR_VERSION,
            "samples_per_dataset": self.samples_per_dataset,
            "seed": self.seed,
        }

    def is_current(self) -> bool:
        """Return whether the folder already holds this very demo, complete."""
        try:
            return bool(json.loads(self._marker.read_text(encoding="utf-8")) == self.fingerprint())
        except (FileNotFoundError, json.JSONDecodeError):
            return False

    @property
    def _marker(self) -> Path:
        return self.root.parent / GENERATED_FILE

    def write(self, progress: Progress | None = None) -> None:
        """Write everything; an earlier demo in the same folder is replaced, anything else there is never touched.

        Args:
            progress: Called as progress(what, done, total) after each dataset.

        Raises:
            FileExistsError: The folder holds files that no generator wrote.
        """
        if self.root.is_dir() and any(self.root.iterdir()) and not self._marker.is_file():
            raise FileExistsError(f"{self.root} holds other files; synthetic logs need a folder of their own")
        self.root.mkdir(parents=True, exist_ok=True)
        self._mark({"unfinished": True})
        shutil.rmtree(self.root)
        jobs = (
            joblib.delayed(_write_dataset)(self.root, number, count, self.seed)
            for number, count in sorted(enumerate(self._counts), key=lambda item: -item[1])  # largest first
        )
        workers = min(_cores(), len(k.DATASETS))
        names = joblib.Parallel(n_jobs=workers, return_as="generator_unordered")(jobs)
        for done, name in enumerate(names, 1):
            if progress is not None:
                progress(name, done, len(k.DATASETS))
        self._write_truth()
        self._mark(self.fingerprint())

    def _mark(self, value: dict[str, Any]) -> None:
        temporary = self._marker.with_suffix(".tmp")
        temporary.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
        temporary.replace(self._marker)

    def _write_truth(self) -> None:
        draws = [draw_dataset(number, count, self.seed) for number, count in enumerate(self._counts)]
        codes = np.concatenate([draw.codes for draw in draws])
        p, tokens = correct_probability(codes), expected_output_tokens(codes[:, ATTRIBUTES.index("depth")])
        table: dict[str, Any] = {
            schema.SAMPLE_ID: [f"{draw.name}/{index}" for draw in draws for index in sample_index(draw)]
        }
        table |= {f"p/{name}": p[:, m] for m, name in enumerate(k.MODEL_IDS)}
        table |= {f"output_tokens/{name}": tokens[:, m] for m, name in enumerate(k.MODEL_IDS)}
        for column, (name, values) in enumerate(zip(ATTRIBUTES, _VALUES, strict=True)):
            table[f"attribute/{name}"] = [values[code] for code in codes[:, column]]
        pq.write_table(pa.table(table), self.truth_path)


def _dataset_counts(samples: int | dict[str, int]) -> list[int]:
    """Return the number of questions of every dataset, in the order of `constants.DATASETS`."""
    by_name = samples if isinstance(samples, dict) else dict.fromkeys(k.DATASET_NAMES, samples)
    if set(by_name) != set(k.DATASET_NAMES):
        wrong = sorted(set(by_name) ^ set(k.DATASET_NAMES))
        raise ValueError(f"samples_per_dataset must name the demo's 14 datasets; missing or unknown: {wrong[0]}")
    for count in by_name.values():
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            raise ValueError(f"samples_per_dataset must be a whole number of at least 1, got {count!r}")
    return [by_name[name] for name in k.DATASET_NAMES]


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)


def _write_dataset(root: Path, number: int, samples: int, seed: int) -> str:
    """Write one dataset for all models; every random stream depends on seed and dataset alone."""
    draw = draw_dataset(number, samples, seed)
    rng = generator(seed, 1, number)
    scenes = draw_scenes(draw, number, seed)
    text_codes = draw.codes[:, :3].tolist()
    questions = [
        write_question(rng, scenes[p], *codes) for p, codes in zip(draw.picture.tolist(), text_codes, strict=True)
    ]
    rows = dataset_rows(draw, questions, rng)
    rows.pictures = _pictures(draw, scenes, rows, number, seed)
    write_pictures(root, rows)
    starts = rng.integers(1 << 16, size=draw.correct.shape)
    for m, model_id in enumerate(k.MODEL_IDS):
        said = [
            truth if right else wrong[start % len(wrong)]
            for truth, wrong, right, start in zip(
                rows.truth, rows.wrong, draw.correct[:, m].tolist(), starts[:, m].tolist(), strict=True
            )
        ]
        lengths = draw.output_tokens[:, m].tolist()
        texts = [prediction_text(*args) for args in zip(said, lengths, starts[:, m].tolist(), strict=True)]
        write_model(root, rows, model_id, texts, said)
    return draw.name


def draw_scenes(draw: DatasetDraw, number: int, seed: int) -> list[Scene]:
    """Return the scene of every picture of a dataset."""
    first = np.unique(draw.picture, return_index=True)[1]
    layouts = draw.codes[first, ATTRIBUTES.index("layout")]
    return [draw_scene(generator(seed, 2, number, p), int(layout)) for p, layout in enumerate(layouts)]


def _pictures(draw: DatasetDraw, scenes: list[Scene], rows: DatasetRows, number: int, seed: int) -> list[str]:
    """Return the `image` column: base64 in the first row of each picture, that row's index in the others."""
    first = np.searchsorted(draw.picture, draw.picture)
    cells: list[str] = []
    for row, owner in enumerate(first.tolist()):
        if row != owner:
            cells.append(str(rows.columns["index"][owner]))
            continue
        picture = int(draw.picture[row])
        kind, fine = int(draw.codes[row, 3]), int(draw.codes[row, 4])
        image = draw_picture(generator(seed, 3, number, picture), scenes[picture], kind, fine)
        cells.append(base64.b64encode(encode_picture(image, kind)).decode("ascii"))
    return cells
