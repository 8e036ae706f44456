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
from vlrb.benchmark.integrity import Subject
from vlrb.benchmark.pool import ModelPool
from vlrb.benchmark.price_parts import PriceParts, require_costs
from vlrb.benchmark.pricing import PriceBook
from vlrb.benchmark.recorded import prefer_recorded, recorded_content
from vlrb.benchmark.recorded_costs import RecordedCosts
from vlrb.benchmark.records import NOTES_FILE, record_cells, write_records
from vlrb.benchmark.reports import write_reports
from vlrb.benchmark.split_parts import PICTURES_PART, SplitParts
from vlrb.benchmark.splits.rule import SplitRule
from vlrb.benchmark.store import Benchmark
from vlrb.benchmark.tokens.counter import TokenCounter
from vlrb.benchmark.tokens.pictures import PictureRule, flatten
from vlrb.benchmark.tokens.report import write_token_statistics
from vlrb.utils.errors import StateError
from vlrb.utils.files import write_array, write_json

if TYPE_CHECKING:
    from vlrb.sources.base import Source

# Raise a number when the code of a stage changes what it writes: folders built before are then brought up to date.
FORMATS = {"records": 2, "models": 2, "tokens": 1, "tokens_in": 2, "statistics": 1, "reports": 3}
_TOKEN_FILES = (schema.TOKENS_IN_FILE, schema.TOKENS_OUT_FILE, schema.SAMPLE_TOKENS_FILE)


@dataclass(frozen=True)
class Choices:
    """What a build needs to know besides the logs."""

    pool: ModelPool
    tokens: TokenCounter
    price_book: PriceBook | RecordedCosts
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
        self.splits = SplitParts(root, source.root, choices.split)

    def steps(self) -> list[Step]:
        """Return all steps; the inputs of a step can be asked for once the steps before it are done."""
        prices, splits = PriceParts(self.root, self.choices.price_book), self.splits
        pictures = [Step("splits", PICTURES_PART, splits.picture_inputs, splits.write_pictures)]
        return [
            Step("records", "records", self._record_inputs, self._records),
            Step("records", "models", self._model_inputs, self._models),
            Step("tokens", "tokens", self._token_inputs, self._tokens),
            Step("tokens", "tokens_in", self._tokens_in_inputs, self._tokens_in),
            Step("costs", prices.costs_part, prices.cost_inputs, prices.write_costs),
            Step("costs", prices.tables_part, prices.table_inputs, prices.write_tables),
            *(pictures if self.choices.split.near_duplicates else []),
            Step("splits", splits.split_part, splits.split_inputs, splits.write_split),
            Step("validate", "reports/tokens", self._statistic_inputs, self._statistics),
            Step("validate", "reports", self._report_inputs, self._reports),
        ]

    def model_ids(self) -> list[str]:
        """Return the model ids that the records part found, in column order."""
        parts = stages.read_manifest(self.root)["parts"]
        if "records" not in parts:
            raise StateError(f"{self.root}: no records yet", "add records to stages=[…]")
        return list(parts["records"]["facts"]["model_ids"])

    def require_costs(self) -> None:
        """Raise ConfigError naming the models of the pool for which there are neither prices nor recorded costs."""
        model_ids = self.model_ids()
        wanted = [model_ids[column] for column in self.choices.pool.select(model_ids)]
        require_costs(self.root, self.choices.price_book, wanted)

    def _content(self, stage: str, *paths: str) -> str:
        return stages.built(self.root, stage, *paths)

    def _facts(self, part: str) -> dict[str, Any]:
        facts: dict[str, Any] = stages.read_manifest(self.root)["parts"][part]["facts"]
        return facts

    def _record_inputs(self) -> dict[str, Any]:
        return {"logs": self.source.fingerprint(), "format": FORMATS["records"]}

    def _records(self, staging: Path) -> dict[str, Any]:
        return write_records(staging, self.source.read())

    def _rules(self) -> dict[str, PictureRule]:
        return {model_id: self.choices.tokens.rule_of(self.choices.pool, model_id) for model_id in self.model_ids()}

    def _cards(self) -> list[dict[str, Any]]:
        return [{**self.choices.pool.card(model_id), **rule.plain()} for model_id, rule in self._rules().items()]

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
            **recorded_content(self.root, schema.RECORDED_TOKENS_OUT),
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
        models, path = self.model_ids(), self.root / schema.PREDICTIONS_FILE
        answers = tables.column_batches(path, schema.PREDICTION)
        counts = counter.count_batches(answers.arrays, answers.size, "counting answer tokens", answers.total)
        keys = tables.read_table(path, [schema.SAMPLE_ID, schema.MODEL_ID]).to_pandas()
        tokens_out = tables.fill_matrix(record_cells(keys, ids, models), counts, (len(ids), len(models)))
        tokens_out = prefer_recorded(self.root, schema.RECORDED_TOKENS_OUT, tokens_out)
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
            "picture rules": [rule.plain() for rule in self._rules().values()],
            "way of counting": self.choices.tokens.counting,
            **recorded_content(self.root, schema.RECORDED_TOKENS_IN),
            "format": FORMATS["tokens_in"],
        }

    def _tokens_in(self, staging: Path) -> dict[str, Any]:
        pictures = flatten(tables.read_table(self.root / schema.SAMPLES_FILE, [schema.IMAGES])[schema.IMAGES])
        text = tables.read_table(self.root / schema.SAMPLE_TOKENS_FILE, ["text_tokens"])["text_tokens"].to_numpy()
        rules = self._rules()
        by_rule = {rule: pictures.tokens(rule) for rule in set(rules.values())}
        tokens_in = np.stack([text + by_rule[rule] for rule in rules.values()], axis=1).astype(np.float32)
        tokens_in[(text == 0) & (pictures.counts() == 0)] = np.nan  # nothing is known of what the models were given
        tokens_in = prefer_recorded(self.root, schema.RECORDED_TOKENS_IN, tokens_in)
        write_array(staging / schema.TOKENS_IN_FILE, tokens_in)
        unknown = pictures.unknown_sizes()
        return {
            "pictures": len(pictures.row),
            **({"pictures_of_unknown_size": unknown} if unknown else {}),
            "count": self.choices.tokens.counting,
            "picture_rules": {model_id: str(rule) for model_id, rule in rules.items()},
        }

    def _statistic_inputs(self) -> dict[str, Any]:
        return {
            "samples": self._content("records", schema.SAMPLES_FILE),
            "models": self._content("records", schema.MODELS_FILE),
            "tokens": self._content("tokens", *_TOKEN_FILES),
            "way of counting": [self._facts("tokens"), self._facts("tokens_in")],
            "format": FORMATS["statistics"],
        }

    def _statistics(self, staging: Path) -> dict[str, Any]:
        folder = staging / schema.REPORTS_FOLDER
        folder.mkdir(parents=True)
        write_token_statistics(folder, Benchmark.open(self.root))
        return {}

    def _report_inputs(self) -> dict[str, Any]:
        book = self.choices.price_book
        costs = [f"{schema.COSTS_FOLDER}/{book.name}/{file}" for file in (schema.COST_FILE, schema.BOUNDS_FILE)]
        records = (schema.SAMPLES_FILE, schema.RECORDS_FILE, schema.QUALITY_FILE, NOTES_FILE)
        return {
            "records": self._content("records", *records),
            "models": self._content("records", schema.MODELS_FILE),
            "tokens": self._content("tokens", *_TOKEN_FILES),
            "prices": [book.name, self._content("costs", *costs)],
            "split": self.splits.split_content(),
            "pictures": self.splits.picture_content(),
            "format": FORMATS["reports"],
        }

    def _reports(self, staging: Path) -> dict[str, Any]:
        rule, bench = self.choices.split, Benchmark.open(self.root)
        costs = bench.costs(self.choices.price_book.name)
        subject = Subject(bench, costs, bench.split(rule.label, rule.seed), rule, self.splits.pictures())
        return write_reports(staging, subject)
