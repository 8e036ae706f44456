"""The layout of the VL-RouterBench code: BENCHMARKS, ORACLE, SPLITS, data/matrices, data/registry, EMBEDDINGS."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from vlrb import schema
from vlrb.benchmark.costs import cost_bounds
from vlrb.benchmark.export.assets import sample_assets
from vlrb.benchmark.export.content import Content
from vlrb.metrics.outcomes import is_correct
from vlrb.utils.errors import DataError
from vlrb.utils.files import write_array, write_json, write_text

NOTES = (
    "Rows of Y.npz, C.npy and meta.parquet are the ids of data/registry/sample_ids.json, in the order of their text; "
    "columns are those of models.txt.",
    "A missing cell is NaN in Y and C and has no row in ORACLE/score: it is neither wrong nor free. The reference code "
    "expects no holes; leave such samples out before using it.",
    "Y and `quality` hold grades in 0 … 1 (float32, not int8); `quality_raw` is 1 where the grade is at least "
    f"{schema.CORRECT_THRESHOLD}, else 0.",
    "cmin and cmax are the lowest and highest mean cost of a model over the samples that have a cost for every model.",
    "Pickled indices are not written: their content is in models.txt, models.json and sample_ids.json.",
    "`index` of an image_tsv asset is the row number in the TSV file, the first row of data being 0; `tsv_file` and "
    "`uri` are paths on the machine that wrote this.",
    "Samples carry `question`, `suffix`, `group` and `split_key` besides the fields that the reference knows.",
)


def reference(folder: Path, content: Content) -> list[str]:
    """Write the whole layout; returns notes.

    Raises:
        DataError: Two datasets would share a file name, or a picture file is no longer as it was.
    """
    _write_samples(folder / "BENCHMARKS", content)
    _write_scores(folder / "ORACLE" / "score", content)
    _write_splits(folder / "SPLITS", content)
    _write_matrices(folder / "data" / "matrices", content)
    _write_registry(folder / "data" / "registry", content)
    notes = list(NOTES)
    for kind, named in content.features.items():
        for encoder, rows in named.items():
            _write_embeddings(folder / "EMBEDDINGS" / kind / f"{_file_name(encoder)}.parquet", content, rows)
            notes.append(f"EMBEDDINGS/{kind}/{_file_name(encoder)}.parquet holds the cached features of {encoder}.")
    free = int((content.C == 0).sum())
    if free:
        notes.append(
            f"{free:,} costs are 0; dataset=reference takes a 0 in C.npy as unknown, as the reference means it."
        )
    if not content.features:
        notes.append("EMBEDDINGS was not written: the stage `features` was left out.")
    return notes


def _file_name(text: str) -> str:
    return re.sub(r"[^\w.-]", "_", text) or "_"


def _by_dataset(content: Content) -> list[tuple[str, np.ndarray]]:
    """Return the rows of each dataset, datasets sorted."""
    codes, names = pd.factorize(content.samples[schema.DATASET], sort=True)
    files = [_file_name(str(name)).lower() for name in names]
    for number, name in enumerate(files):
        if name in files[:number]:
            first = names[files.index(name)]
            raise DataError(f"datasets {first!r} and {names[number]!r} would both be written as {name}")
    return [(files[code], np.flatnonzero(codes == code)) for code in range(len(names))]


def _write_samples(folder: Path, content: Content) -> None:
    assets = sample_assets(content.samples, content.dataset_root)
    columns = {
        "sample_id": schema.SAMPLE_ID,
        "dataset": schema.DATASET,
        "task_type": schema.TASK,
        "prompt": schema.PROMPT,
        "question": schema.QUESTION,
        "suffix": schema.SUFFIX,
        "group": schema.GROUP,
        "split_key": schema.SPLIT_KEY,
    }
    cells = {key: content.samples[column].tolist() for key, column in columns.items()}
    for name, rows in _by_dataset(content):
        lines: dict[str, list[str]] = {}
        for row in rows.tolist():
            record: dict[str, Any] = {key: values[row] for key, values in cells.items()}
            record["modality"] = ["image", "text"] if assets[row] else ["text"]
            record["assets"] = assets[row]
            lines.setdefault(_file_name(str(record["task_type"])), []).append(json.dumps(record, ensure_ascii=False))
        for task, texts in lines.items():
            write_text(folder / task / f"{name}_samples.jsonl", "\n".join(texts) + "\n")


def _write_scores(folder: Path, content: Content) -> None:
    folder.mkdir(parents=True)
    ids = content.samples[schema.SAMPLE_ID].to_numpy(dtype=object)
    models = pa.array(content.model_ids, pa.string())
    for name, rows in _by_dataset(content):
        row, column = np.nonzero(~np.isnan(content.Y[rows]))
        quality = content.Y[rows][row, column]
        model = pa.DictionaryArray.from_arrays(pa.array(column, pa.int32()), models)
        table = pa.table(
            {
                "sample_id": pa.array(ids[rows][row], pa.string()),
                "model_id": model.cast(pa.string()),
                "quality_raw": pa.array(is_correct(quality).astype(np.int64)),
                "quality": pa.array(quality.astype(np.float64)),
            }
        )
        pq.write_table(table, folder / f"{name}.parquet")


def _write_splits(folder: Path, content: Content) -> None:
    ids, sides = content.samples[schema.SAMPLE_ID], content.split[schema.SPLIT]
    for side in schema.SPLITS:
        lines = [json.dumps({"sample_id": sample_id}, ensure_ascii=False) for sample_id in ids[sides == side]]
        write_text(folder / f"{side}.jsonl", "".join(f"{line}\n" for line in lines))


def _write_matrices(folder: Path, content: Content) -> None:
    folder.mkdir(parents=True)
    np.savez_compressed(folder / "Y.npz", Y=content.Y)
    write_array(folder / "C.npy", content.C.astype(np.float32))
    bounds = cost_bounds(content.C, content.model_ids)
    described = {
        "cmin": bounds["cmin"],
        "cmax": bounds["cmax"],
        "description": f"lowest and highest mean cost of a model in USD per query, prices {content.pricing}",
        "cmin_model": bounds["cmin_model"],
        "cmax_model": bounds["cmax_model"],
        "per_model_avg_costs": bounds["per_model_mean_cost"],
    }
    write_json(folder / "cost_bounds.json", described)


def _write_registry(folder: Path, content: Content) -> None:
    folder.mkdir(parents=True)
    ids = content.samples[schema.SAMPLE_ID].tolist()
    meta = {
        "sample_id": ids,
        "dataset": content.samples[schema.DATASET].tolist(),
        "split": content.split[schema.SPLIT].tolist(),
        "task": content.samples[schema.TASK].tolist(),
    }
    pq.write_table(
        pa.table({key: pa.array(values, pa.string()) for key, values in meta.items()}), folder / "meta.parquet"
    )
    names = zip(content.model_ids, content.display_names, strict=True)
    write_json(folder / "models.json", {"models": [{"name": name, "display_name": shown} for name, shown in names]})
    write_text(folder / "models.txt", "\n".join(content.model_ids) + "\n")
    write_json(folder / "sample_ids.json", ids)


def _write_embeddings(path: Path, content: Content, rows: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    flat = pa.array(np.asarray(rows, np.float32).ravel())
    offsets = pa.array(np.arange(len(rows) + 1, dtype=np.int64) * rows.shape[1])
    vectors = pa.LargeListArray.from_arrays(offsets, flat)
    ids = pa.array(content.samples[schema.SAMPLE_ID].tolist(), pa.string())
    pq.write_table(pa.table({"sample_id": ids, "embedding": vectors}), path, compression="zstd")
