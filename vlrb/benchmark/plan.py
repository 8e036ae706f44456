"""The parts of a benchmark in the order they are built: what each is made from, and how."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from vlrb import schema
from vlrb.benchmark import stages, tables
from vlrb.benchmark.costs import cost_bounds, cost_matrix, write_costs
from vlrb.benchmark.pool import ModelPool
from vlrb.benchmark.pricing import PriceBook
from vlrb.benchmark.records import NOTES_FILE, record_cells, write_records
from vlrb.benchmark.reports import write_reports
from vlrb.benchmark.splits import SplitRule
from vlrb.benchmark.store import Benchmark, split_file
from vlrb.benchmark.tokens.counter import TokenCounter
from vlrb.benchmark.tokens.pictures import find_rule, flatten
from vlrb.utils.errors import StateError
from vlrb.utils.files import write_array, write_json

if TYPE_CHECKING:
    from vlrb.sources.base import Source

# Raise a number when the code of a stage changes what it writes: folders built before are then brought up to date.
FORMATS = {"records": 2, "models": 1, "tokens": 1, "tokens_in": 1, "costs": 1, "splits": 1, "reports": 2}


@dataclass(frozen=True)
class Choices:
    """What a build needs to know besides the logs."""

    pool: ModelPool
    tokens: TokenCounter
    price_book: PriceBook
    split: SplitRule


@dataclass(frozen=True)
class Step:
    """One part: the stage it belongs to, its name in the manifest, what it is made from and how it is written."""

    stage: schema.BuildStage
    part: str
    inputs: Callable[[], dict[str, Any]]
    work: stages.Work


class Plan:
    """The steps of one benchmark folder.

    Args:
        root: The benchmark folder.
        source: Reads the raw logs.
        choices: Pool, token counter, price book and split.
    """

    def __init__(self, root: Path, source: "Source", choices: Choices) -> None:
        self.root = root
        self.source = source
        self.choices = choices

    def steps(self) -> list[Step]:
        """Return all steps; the inputs of a step can be asked for once the steps before it are done."""
        book, split = self.choices.price_book, self.choices.split
        return [
            Step("records", "records", self._record_inputs, self._records),
            Step("records", "models", self._model_inputs, self._models),
            Step("tokens", "tokens", self._token_inputs, self._tokens),
            Step("tokens", "tokens_in", self._tokens_in_inputs, self._tokens_in),
            Step("costs", f"costs/{book.name}", self._cost_inputs, self._costs),
            Step("splits", f"splits/{split.name}-{split.seed}", self._split_inputs, self._split),
            Step("validate", "reports", self._report_inputs, self._reports),
        ]

    def model_ids(self) -> list[str]:
        """Return the model ids that the records part found, in column order."""
        parts = stages.read_manifest(self.root)["parts"]
        if "records" not in parts:
            raise StateError(f"{self.root}: no records yet", "add records to stages=[…]")
        return list(parts["records"]["facts"]["model_ids"])

    def _content(self, stage: str, *paths: str) -> str:
        found = stages.content(stages.read_manifest(self.root), *paths)
        if found is None:
            raise StateError(f"{self.root}: the {stage} stage is not done", f"add {stage} to stages=[…]")
        return found

    def _record_inputs(self) -> dict[str, Any]:
        return {"logs": self.source.fingerprint(), "format": FORMATS["records"]}

    def _records(self, staging: Path) -> dict[str, Any]:
        return write_records(staging, self.source.read())

    def _rules(self) -> list[tuple[str, int]]:
        pool, tokens = self.choices.pool, self.choices.tokens
        rules = []
        for model_id in self.model_ids():
            per_picture = pool.picture_tokens(model_id)
            rule = pool.picture_rule(model_id) or tokens.picture_rule
            rules.append((rule, tokens.picture_tokens if per_picture is None else per_picture))
        return rules

    def _cards(self) -> list[dict[str, Any]]:
        cards = zip(self.model_ids(), self._rules(), strict=True)
        return [
            {**self.choices.pool.card(model_id), "picture_rule": rule, "picture_tokens": number}
            for model_id, (rule, number) in cards
        ]

    def _model_inputs(self) -> dict[str, Any]:
        return {"model cards": self._cards(), "format": FORMATS["models"]}

    def _models(self, staging: Path) -> dict[str, Any]:
        cards = self._cards()
        write_json(staging / schema.MODELS_FILE, cards)
        return {}

    def _token_inputs(self) -> dict[str, Any]:
        return {
            "samples": self._content("records", schema.SAMPLES_FILE),
            "answers": self._content("records", schema.PREDICTIONS_FILE),
            "tokenizer": self.choices.tokens.settings(),
            "format": FORMATS["tokens"],
        }

    def _tokens(self, staging: Path) -> dict[str, Any]:
        columns = [schema.SAMPLE_ID, schema.PROMPT, schema.SUFFIX, schema.IMAGES]
        samples = tables.read_table(self.root / schema.SAMPLES_FILE, columns)
        counter = self.choices.tokens
        ids = samples[schema.SAMPLE_ID].to_pylist()
        prompts = zip(samples[schema.PROMPT].to_pylist(), samples[schema.SUFFIX].to_pylist(), strict=True)
        texts = pa.array([prompt + (suffix or "") for prompt, suffix in prompts], pa.large_string())
        text_tokens = counter.count(texts, "counting prompt tokens")
        frame = pd.DataFrame({schema.SAMPLE_ID: ids, "text_tokens": text_tokens.astype(np.int32)})
        frame["pictures"] = flatten(samples[schema.IMAGES]).counts()
        tables.write_table(staging / schema.SAMPLE_TOKENS_FILE, frame, tables.SAMPLE_TOKENS)
        answers = tables.read_table(self.root / schema.PREDICTIONS_FILE)
        models = self.model_ids()
        keys = answers.select([schema.SAMPLE_ID, schema.MODEL_ID]).to_pandas()
        counts = counter.count(answers[schema.PREDICTION], "counting answer tokens")
        tokens_out = tables.fill_matrix(record_cells(keys, ids, models), counts, (len(ids), len(models)))
        write_array(staging / schema.TOKENS_OUT_FILE, tokens_out)
        return {
            "tokenizer": counter.tokenizer.name,
            "prompt_tokens": int(text_tokens.sum()),
            "answer_tokens": int(np.nansum(tokens_out, dtype=np.float64)),
        }

    def _tokens_in_inputs(self) -> dict[str, Any]:
        return {
            "samples": self._content("records", schema.SAMPLES_FILE),
            "text tokens": self._content("tokens", schema.SAMPLE_TOKENS_FILE),
            "picture rules": self._rules(),
            "format": FORMATS["tokens_in"],
        }

    def _tokens_in(self, staging: Path) -> dict[str, Any]:
        pictures = flatten(tables.read_table(self.root / schema.SAMPLES_FILE, [schema.IMAGES])[schema.IMAGES])
        text = tables.read_table(self.root / schema.SAMPLE_TOKENS_FILE, ["text_tokens"])["text_tokens"].to_numpy()
        rules = self._rules()
        by_rule = {(name, number): pictures.tokens(find_rule(name), number) for name, number in set(rules)}
        tokens_in = np.stack([text + by_rule[rule] for rule in rules], axis=1).astype(np.float32)
        write_array(staging / schema.TOKENS_IN_FILE, tokens_in)
        return {"pictures": len(pictures.row)}

    def _cost_inputs(self) -> dict[str, Any]:
        book = self.choices.price_book
        tokens = (schema.TOKENS_IN_FILE, schema.TOKENS_OUT_FILE, schema.SAMPLE_TOKENS_FILE)
        return {
            "tokens": self._content("tokens", *tokens),
            "prices": book.settings(),
            "notes on prices": [book.date, book.source, book.budgets_usd],
            "models": self.model_ids(),
            "format": FORMATS["costs"],
        }

    def _costs(self, staging: Path) -> dict[str, Any]:
        book, bench = self.choices.price_book, Benchmark.open(self.root)
        pictures = bench.sample_tokens["pictures"].to_numpy()
        prices = [book.find(model_id) for model_id in bench.model_ids]
        C = cost_matrix(bench.tokens_in, bench.tokens_out, pictures, prices)
        bounds = cost_bounds(C, bench.model_ids)
        write_costs(staging / schema.COSTS_FOLDER / book.name, book, bench.model_ids, C, bounds)
        return {"priced_models": sum(price is not None for price in prices), "bounds": bounds["hash"]}

    def _split_inputs(self) -> dict[str, Any]:
        return {
            "samples": self._content("records", schema.SAMPLES_FILE),
            "split settings": self.choices.split.settings(),
            "format": FORMATS["splits"],
        }

    def _split(self, staging: Path) -> dict[str, Any]:
        split = self.choices.split
        columns = [schema.SAMPLE_ID, schema.DATASET, schema.IMAGES, schema.SPLIT_KEY]
        samples = tables.read_table(self.root / schema.SAMPLES_FILE, columns)
        frame = split.assign(samples.to_pandas())
        path = staging / split_file(split.name, split.seed)
        path.parent.mkdir(parents=True)
        tables.write_table(path, frame, tables.SPLIT)
        shares = frame[schema.SPLIT].value_counts()
        counts = {name: int(shares.get(name, 0)) for name in schema.SPLITS}
        return {**counts, "groups": int(frame[schema.SPLIT_GROUP].nunique())}

    def _report_inputs(self) -> dict[str, Any]:
        book, split = self.choices.price_book, self.choices.split
        costs = [f"{schema.COSTS_FOLDER}/{book.name}/{file}" for file in (schema.COST_FILE, schema.BOUNDS_FILE)]
        records = (schema.SAMPLES_FILE, schema.RECORDS_FILE, schema.QUALITY_FILE, NOTES_FILE)
        return {
            "records": self._content("records", *records),
            "models": self._content("records", schema.MODELS_FILE),
            "tokens": self._content("tokens", schema.TOKENS_IN_FILE, schema.TOKENS_OUT_FILE),
            "prices": [book.name, self._content("costs", *costs)],
            "split": [split.name, split.seed, self._content("splits", split_file(split.name, split.seed))],
            "format": FORMATS["reports"],
        }

    def _reports(self, staging: Path) -> dict[str, Any]:
        split = self.choices.split
        bench = Benchmark.open(self.root)
        return write_reports(staging, bench, bench.costs(self.choices.price_book.name), (split.name, split.seed))
