"""What encoders read: the prompts or the pictures of samples, with a key of each sample's content."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from vlrb.utils.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image

KEY_BYTES = 16


def content_key(parts: Iterable[str]) -> bytes:
    """Return the key of a content made of texts: equal for equal contents.

    >>> content_key(["a", "b"]) == content_key(["a", "b"]), content_key(["a", "b"]) == content_key(["ab"])
    (True, False)
    """
    digest = hashlib.blake2b(digest_size=KEY_BYTES)
    for part in parts:
        data = part.encode()
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.digest()


class PictureSource(Protocol):
    """The pictures of the samples, in benchmark order; used from several threads and processes at once."""

    def __len__(self) -> int:
        """Return the number of samples."""
        ...

    def load(self, i: int) -> "list[Image]":
        """Return the pictures of sample `i` (RGB), an empty list if it has none; DataError if one is unreadable."""
        ...


def text_keys(texts: Sequence[str]) -> list[bytes]:
    """Return the content key of each text."""
    return [content_key([text]) for text in texts]


def picture_keys(references: Sequence[Sequence[Mapping[str, Any]]]) -> list[bytes]:
    """Return the content key of each sample's pictures, given their references (`schema.PICTURE_FIELDS`)."""
    return [content_key(map(_content, listed)) for listed in references]


def _content(reference: Mapping[str, Any]) -> str:
    """Return what tells a picture from others; one that was damaged when it was listed is like no other."""
    content = str(reference["content_hash"])
    if reference.get("width", 1) == 0:
        return f"{content} {reference['path']} {reference['offset']}"
    return content


class Items(ABC):
    """What is to be encoded of each sample.

    Args:
        ids: Ids of the samples.
        keys: Key of each sample's content.

    Attributes:
        what: The word for progress lines.
    """

    what: str

    def __init__(self, ids: Sequence[str], keys: Sequence[bytes]) -> None:
        self.ids, self.keys = ids, keys

    @abstractmethod
    def load(self, i: int) -> list[Any]:
        """Return the texts or pictures of sample `i`; DataError, naming the sample, if one cannot be read."""

    @abstractmethod
    def count(self, i: int) -> int:
        """Return how many texts or pictures sample `i` has."""

    @abstractmethod
    def length(self, i: int) -> int:
        """Return something that grows with the work for one item of sample `i`."""


class Prompts(Items):
    """The prompts of samples.

    Args:
        ids: Ids of the samples.
        keys: Key of each sample's content.
        texts: Their prompts.
    """

    what = "prompts"

    def __init__(self, ids: Sequence[str], keys: Sequence[bytes], texts: Sequence[str]) -> None:
        super().__init__(ids, keys)
        self.texts = texts

    def load(self, i: int) -> list[Any]:
        """Return the prompt of sample `i`."""
        return [self.texts[i]]

    def count(self, i: int) -> int:
        """Return 1: every sample has one prompt."""
        return 1

    def length(self, i: int) -> int:
        """Return the number of characters."""
        return len(self.texts[i])


class Pictures(Items):
    """The pictures of samples.

    Args:
        ids: Ids of the samples.
        keys: Key of each sample's content.
        counts: How many pictures each has.
        source: Opens them.
    """

    what = "pictures"

    def __init__(self, ids: Sequence[str], keys: Sequence[bytes], counts: Sequence[int], source: PictureSource) -> None:
        super().__init__(ids, keys)
        self.counts, self.source = counts, source

    def load(self, i: int) -> "list[Image]":
        """Return the pictures of sample `i`."""
        try:
            return self.source.load(i)
        except DataError as error:
            raise DataError(f"sample {self.ids[i]}: {error.message}", error.hint) from error

    def count(self, i: int) -> int:
        """Return the number of pictures."""
        return self.counts[i]

    def length(self, i: int) -> int:
        """Return 0: pictures are brought to one size."""
        return 0
