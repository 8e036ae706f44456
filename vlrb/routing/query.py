"""What a trained router is asked, and what it answers."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from vlrb.sources.colours import to_rgb
from vlrb.sources.pictures import DECODER_ERRORS, opened
from vlrb.sources.vlmevalkit.prompts import canonical_prompt
from vlrb.utils.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Choice", "Query", "canonical_prompt", "read_picture"]

ELSEWHERE: Final = ("http://", "https://", "s3://", "gs://", "ftp://", "data:")


@dataclass(frozen=True)
class Query:
    """One question to route.

    Args:
        prompt: The question as the benchmark's prompts have it: see `canonical_prompt`.
        images: Its pictures in order, any number: Pillow pictures, paths, or the bytes of picture files.
        dataset: Name of the training dataset that it belongs to; read by routers that go by the dataset alone.
        id: Name of the question; read by the router `random` alone, which draws by it (default: the prompt).
    """

    prompt: str
    images: "Sequence[Image | Path | str | bytes]" = ()
    dataset: str | None = None
    id: str | None = None


@dataclass(frozen=True)
class Choice:
    """What a router decided on one question. A value that the router does not know is None.

    Attributes:
        model_id: The chosen model.
        model: Its name to show.
        scores: The router's score of every model by id, higher = choose; what it means is the router's own matter.
        expected_quality: Probability, by id, that the model is right (quality at least 0.5); None if the router
            estimates none.
        expected_cost: Expected cost in USD, by id, None for a model of unknown cost; None if the router estimates none.
    """

    model_id: str
    model: str
    scores: dict[str, float]
    expected_quality: dict[str, float] | None = None
    expected_cost: dict[str, float | None] | None = None

    @property
    def quality(self) -> float | None:
        """Probability that the chosen model is right."""
        return None if self.expected_quality is None else self.expected_quality[self.model_id]

    @property
    def cost(self) -> float | None:
        """Expected cost of the chosen model in USD."""
        return None if self.expected_cost is None else self.expected_cost[self.model_id]

    def to_plain(self) -> dict[str, Any]:
        """Return plain values for JSON (an infinite score is null)."""
        scores = {name: score if math.isfinite(score) else None for name, score in self.scores.items()}
        return {
            "model_id": self.model_id,
            "model": self.model,
            "quality": self.quality,
            "cost": self.cost,
            "scores": scores,
            "expected_quality": self.expected_quality,
            "expected_cost": self.expected_cost,
        }


def as_query(given: "Query | str | tuple[Any, ...] | Mapping[str, Any]") -> Query:
    """Return a query from a query, a prompt, (prompt, images), or a mapping with the fields of a query.

    Raises:
        DataError: It is none of these.
    """
    if isinstance(given, Query):
        return given
    if isinstance(given, str):
        return Query(given)
    try:
        return Query(**given) if isinstance(given, Mapping) else Query(*given)
    except TypeError as error:
        raise DataError(
            f"a question must be a vlrb.Query, a prompt, or (prompt, images), not {type(given).__name__}"
        ) from error


def picture_list(images: Any) -> list[Any]:  # noqa: ANN401 - checked here
    """Return the pictures of a query as a list; a single picture may stand alone."""
    if images is None:
        return []
    if isinstance(images, str | bytes | bytearray | memoryview | Path) or not isinstance(images, Iterable):
        return [images]
    return list(images)


def read_picture(given: "Image | Path | str | bytes") -> "Image":
    """Return a picture decoded, RGB, as it is decoded for training.

    Raises:
        DataError: There is no such file, it is no whole picture, or it is none of the known kinds.
    """
    from PIL.Image import Image as PillowImage

    if isinstance(given, PillowImage):
        return _decoded(given, "the picture")
    if isinstance(given, bytes | bytearray | memoryview):
        return _opened(bytes(given), f"the picture of {len(given):,} bytes")
    if not isinstance(given, str | Path):
        raise DataError(
            f"a picture must be a Pillow picture, a path or the bytes of a file, not {type(given).__name__}"
        )
    if isinstance(given, str) and given.lower().startswith(ELSEWHERE):
        raise DataError(f"{given[:60]!r} is no path: nothing is fetched", "read it yourself and give its bytes")
    try:
        data = Path(given).expanduser().read_bytes()
    except (OSError, ValueError, RuntimeError) as error:  # ValueError: a NUL in it; RuntimeError: ~nobody
        reason = getattr(error, "strerror", None) or str(error)
        raise DataError(f"{str(given)[:200]}: cannot be read ({reason})") from error
    return _opened(data, str(given))


def _opened(data: bytes, name: str) -> "Image":
    try:
        with opened(data) as picture:
            return to_rgb(picture)
    except DECODER_ERRORS as error:
        raise DataError(f"{name}: not a readable picture ({error})") from error


def _decoded(picture: "Image", name: str) -> "Image":
    try:
        return to_rgb(picture)
    except DECODER_ERRORS as error:
        raise DataError(f"{name}: not a readable picture ({error})") from error
