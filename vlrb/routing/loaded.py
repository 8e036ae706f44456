"""A trained router that answers questions, wherever it was trained and whatever lies beside it."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from threading import Lock
from typing import Any, Final, NamedTuple, TypeVar, cast

import torch
from torch import Tensor

from vlrb.data.batch import DATASET, Batch, sample_keys
from vlrb.data.datamodule import UNSEEN_DATASET
from vlrb.data.spec import DataSpec
from vlrb.routers.base import RouterModule
from vlrb.routers.utility_rule import Estimates
from vlrb.routing.inputs import Reader
from vlrb.routing.query import Choice, Query, as_query, picture_list, read_picture
from vlrb.utils.devices import cores
from vlrb.utils.errors import DataError
from vlrb.utils.suggest import did_you_mean

BATCH: Final = 32
CLOSE: Final = 1e-4  # share of a row's largest score within which rounding might decide
MOST_THREADS: Final = 8
Item = TypeVar("Item")
Found = TypeVar("Found")


class Prepared(NamedTuple):
    """A question of which the pictures have been read: what is kept of them is small."""

    prompt: str
    pictures: list[Any]
    dataset: int
    key: str


@dataclass(frozen=True)
class LoadedRouter:
    """A trained router, ready to decide; `vlrb.load_router` makes one.

    Several threads may use it at once: they take turns where the router computes. The decision on a question does not
    depend on the questions that it is asked together with: where rounding could decide, the question is scored alone.

    Attributes:
        router: The router itself, on its device, its trade-off in place.
        reader: Makes its inputs.
        names: Names of the models to show, by id, in the order of the scores.
    """

    router: RouterModule
    reader: Reader
    names: Mapping[str, str]
    _turn: Any

    @classmethod
    def of(cls, router: RouterModule, reader: Reader, names: Mapping[str, str]) -> "LoadedRouter":
        """Return a router that is ready to decide."""
        return cls(router.eval(), reader, dict(names), Lock())

    @property
    def spec(self) -> DataSpec:
        """Models, datasets and constants of the data that it was trained on."""
        return self.router.spec

    @property
    def mu(self) -> float | None:
        """The trade-off that it weighs cost by when it decides; None if λ is in what it has learnt."""
        return float(self.spec.trade_off.value) if self.router.can_reweigh else None

    @property
    def mean_train_cost(self) -> dict[str, float]:
        """Mean cost of each model on the training split in USD, infinity where none is known."""
        return dict(zip(self.spec.model_ids, self.spec.mean_train_cost, strict=True))

    @property
    def reads_pictures(self) -> bool:
        """Whether pictures have a share in its decisions."""
        return self.reader.reads_pictures

    def route(
        self,
        prompt: str,
        images: Any = (),  # noqa: ANN401 - pictures of any known kind, one or several
        dataset: str | None = None,
        id: str | None = None,  # noqa: A002 - as in `Query`
    ) -> Choice:
        """Return the model that should answer one question.

        Args:
            prompt: The question, as the benchmark's prompts have it (`vlrb.canonical_prompt` for multiple choice).
            images: Its pictures: Pillow pictures, paths, or bytes of picture files; one, or several in order.
            dataset: Name of the training dataset that it belongs to, for routers that go by the dataset.
            id: Name of the question, for the router `random`.

        Raises:
            DataError: A picture cannot be read, or the dataset is not one of the training data.
        """
        return self.choose([self.prepare(Query(prompt, picture_list(images), dataset, id))])[0]

    def route_many(
        self,
        queries: Iterable[Query | str | tuple[Any, ...] | Mapping[str, Any]],
        batch_size: int = BATCH,
    ) -> list[Choice]:
        """Return the choice for each question, in order; faster than one at a time.

        Args:
            queries: Questions: `vlrb.Query`, a prompt, (prompt, images), or a mapping with the fields of a query.
            batch_size: Questions that are scored together; no decision depends on it.

        Raises:
            DataError: A question cannot be read (names its place, from 0).
        """

        def work(item: tuple[int, Any]) -> Prepared:
            try:
                return self.prepare(as_query(item[1]))
            except DataError as error:
                raise DataError(f"question {item[0]}: {error.message}", error.hint) from error

        prepared = ahead(work, enumerate(queries))
        return [choice for part in parts_of(prepared, max(1, batch_size)) for choice in self.choose(part)]

    def prepare(self, query: Query) -> Prepared:
        """Read and shrink the pictures of a question; several threads may do that at once."""
        if not isinstance(query.prompt, str):
            raise DataError(f"a prompt must be text, not {type(query.prompt).__name__}")
        pictures = [self.reader.picture(read_picture(image)) for image in picture_list(query.images)]
        code = self._dataset_code(query.dataset) if DATASET in self.router.inputs else UNSEEN_DATASET
        return Prepared(query.prompt, pictures, code, query.prompt if query.id is None else query.id)

    def _dataset_code(self, name: str | None) -> int:
        if name is None:
            return UNSEEN_DATASET
        if name not in self.spec.dataset_names:
            raise DataError(
                f"router {self.router.name!r} was trained on no dataset {name!r}",
                f"{did_you_mean(name, self.spec.dataset_names)}; without a dataset it decides as on an unseen one",
            )
        return self.spec.dataset_names.index(name)

    def choose(self, questions: Sequence[Prepared]) -> list[Choice]:
        """Return the choices for prepared questions, scored together."""
        if not questions:
            return []
        with self._turn, torch.inference_mode():
            batch = self._batch(questions)
            scores = self._scores(batch)
            estimates = self.router.estimates(batch)
            if len(questions) > 1:
                for i in close_calls(scores):
                    scores[i] = self._scores(self._batch([questions[i]]))[0]
            chosen = self.router.decide(scores).tolist()
        quality, cost = (None, None) if estimates is None else _plain(estimates)
        ids = self.spec.model_ids
        return [
            Choice(
                ids[column],
                self.names[ids[column]],
                dict(zip(ids, row, strict=True)),
                None if quality is None else dict(zip(ids, quality[i], strict=True)),
                None if cost is None else dict(zip(ids, cost[i], strict=True)),
            )
            for i, (column, row) in enumerate(zip(chosen, scores.tolist(), strict=True))
        ]

    def _batch(self, questions: Sequence[Prepared]) -> Batch:
        inputs = self.reader.batch([q.prompt for q in questions], [q.pictures for q in questions])
        inputs |= {
            "index": torch.arange(len(questions)),
            "sample_key": torch.from_numpy(sample_keys(q.key for q in questions)),
            DATASET: torch.tensor([q.dataset for q in questions], dtype=torch.int64),
        }
        return cast("Batch", {name: value.to(self.router.device) for name, value in inputs.items()})

    def _scores(self, batch: Batch) -> Tensor:
        return self.router.predict_step(batch).float().cpu()


def close_calls(scores: Tensor) -> list[int]:
    """Return the rows of scores (B, M) whose two best are so near that rounding might swap them.

    >>> close_calls(torch.tensor([[0.9, 0.1], [0.5, 0.50001], [1.0, 1.0]]))
    [1, 2]
    """
    if scores.shape[1] < 2:
        return []
    best = scores.topk(2, dim=1).values
    size = torch.where(scores.isfinite(), scores.abs(), 0.0).amax(dim=1)
    apart = best[:, 0] - best[:, 1] > CLOSE * size
    return (~apart).nonzero().squeeze(1).tolist()


def _plain(estimates: Estimates) -> tuple[list[list[float]], list[list[float | None]]]:
    """Return p̂ and ĉ of each question; a cost that is not known is None."""
    cost = estimates.cost.float().cpu()
    known = [[c if c < float("inf") else None for c in row] for row in cost.tolist()]
    return estimates.accuracy.float().cpu().tolist(), known


def ahead(work: Callable[[Item], Found], items: Iterable[Item]) -> Iterator[Found]:
    """Yield `work(item)` for each item, in order, done by threads a little ahead of whoever asks.

    Unlike `Executor.map` it takes no more items than it needs, so that a stream may be of any length.
    """
    threads = min(cores(), MOST_THREADS)
    left = iter(items)
    with ThreadPoolExecutor(threads) as pool:
        waiting = deque(pool.submit(work, item) for item in islice(left, 2 * threads))
        try:
            while waiting:
                found = waiting.popleft().result()
                waiting.extend(pool.submit(work, item) for item in islice(left, 1))
                yield found
        finally:
            for future in waiting:
                future.cancel()


def parts_of(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Yield the items of a stream in lists of `size`, the last one shorter.

    >>> list(parts_of("abc", 2))
    [['a', 'b'], ['c']]
    """
    left = iter(items)
    while part := list(islice(left, size)):
        yield part
