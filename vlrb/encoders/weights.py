"""Find the files of a pretrained network: in a local folder, or of one commit of a model on the Hugging Face hub."""

import os
import re
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from vlrb.utils.errors import ConfigError, DataError
from vlrb.utils.files import read_json
from vlrb.utils.fingerprint import file_fingerprint, fingerprint

CONFIG = ("config.json",)
WEIGHTS = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json")
TOKENIZER = ("tokenizer.json", "sentencepiece.bpe.model", "spiece.model", "vocab.txt", "vocab.json")
TOKENIZER_EXTRAS = ("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "merges.txt")
PICTURES = ("preprocessor_config.json", "processor_config.json")

TIMEOUT = 5  # seconds to wait for the hub's first answer
_COMMIT = re.compile(r"[0-9a-f]{40}")
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)?")


class Checkpoint:
    """The files of one pretrained network.

    A folder of that name wins over a model on the hub. Files of the hub are looked for in its local cache first,
    without network, and are fetched into it only when they are not there.

    Args:
        model: A folder, or the name of a model on the hub.
        revision: Commit on the hub (40 hexadecimal digits), or a branch if `branches`; a folder needs none.
        key: Where the options stand in the configuration, e.g. "encoder.text".
        needed: Groups of file names; of each group one file must be there, the first found counts.
        extras: Files that are fetched too if they exist.
        branches: Whether a branch may stand in place of a commit.

    Raises:
        ConfigError: The revision of a model on the hub is not a commit.
        DataError: `model` is a path, and there is no such folder.
    """

    def __init__(
        self,
        model: str,
        revision: str | None,
        key: str,
        needed: Sequence[Sequence[str]],
        extras: Sequence[str] = (),
        *,
        branches: bool = False,
    ) -> None:
        folder = Path(model).expanduser()
        self.model, self.key, self.needed, self.extras = model, key, needed, extras
        self.local = folder if folder.is_dir() else None
        if self.local is None and not _HUB_NAME.fullmatch(model):
            raise DataError(f"{key}.model={model}: no such folder", "give a folder, or a name such as BAAI/bge-m3")
        if self.local is None and not branches and not _COMMIT.fullmatch(revision or ""):
            raise ConfigError(
                f"{key}.revision={revision or 'null'}: a model of the hub needs a commit (40 hexadecimal digits)",
                f"the page of {model} shows it under Files, History; a branch may change its weights",
            )
        self.commit = revision or "main"

    @property
    def name(self) -> str:
        """Last part of the model's name, fit for a folder's name."""
        path = self.local.resolve().name if self.local is not None else self.model.rsplit("/", 1)[-1]
        return re.sub(r"[^A-Za-z0-9._-]", "_", path).lstrip("._-") or "pretrained"

    def same_width(self, wanted: int | None, found: int) -> None:
        """Raise ConfigError if the width that the configuration names is not the checkpoint's."""
        if wanted is not None and wanted != found:
            raise ConfigError(
                f"{self.key}.dim={wanted}, but {self.model} gives rows of {found} numbers", f"{self.key}.dim={found}"
            )

    @cached_property
    def revision(self) -> str:
        """Return the commit on the hub; of a folder, a fingerprint of the files that count.

        Raises:
            DataError: The folder lacks a file.
        """
        if self.local is None:
            return self.commit
        found = self._files(self.local)
        return "folder-" + fingerprint(
            {path.relative_to(self.local).as_posix(): content_fingerprint(path) for path in found}
        )

    def check(self) -> None:
        """Find out cheaply whether `folder()` can work: look here, then ask the hub for one small file's header.

        Raises:
            DataError: The files are not on this machine, and cannot be fetched.
        """
        if self.local is not None:
            self._files(self.local)
        elif self.cached() is None:
            self._ask(self.needed[0][0])

    def cached(self) -> Path | None:
        """Return the folder if all that is needed is on this machine, else None."""
        if self.local is not None:
            return self.local
        folder = self._snapshot()
        return folder if folder is not None and not self._missing(folder) else None

    def folder(self) -> Path:
        """Return the folder with the files, fetching those of the hub that are not on this machine.

        Raises:
            DataError: They are not here and cannot be fetched, or the folder lacks one.
        """
        if self.local is not None:
            self._files(self.local)
            return self.local
        return self.cached() or self._fetched()

    def _snapshot(self) -> Path | None:
        """Return the folder of this commit in the hub's cache, if any needed file is in it."""
        from huggingface_hub import try_to_load_from_cache

        for name in (name for group in self.needed for name in group):
            path = try_to_load_from_cache(self.model, name, revision=self.commit)
            if isinstance(path, str):
                return Path(path).parent
        return None

    def _missing(self, folder: Path) -> str | None:
        """Return what a folder lacks, in words; None if it lacks nothing."""
        for group in self.needed:
            found = [folder / name for name in group if (folder / name).is_file()]
            if not found:
                return " or ".join(group)
            absent = [shard.name for shard in _shards(found[0]) if not shard.is_file()]
            if absent:
                return absent[0]
        return None

    def _files(self, folder: Path) -> list[Path]:
        """Return the files that count, sorted."""
        lacks = self._missing(folder)
        if lacks:
            raise DataError(f"{folder}: no file {lacks}", f"{self.key}.model must be a folder with a whole checkpoint")
        found = [next(folder / n for n in group if (folder / n).is_file()) for group in self.needed]
        found += [folder / name for name in self.extras if (folder / name).is_file()]
        return sorted({*found, *(shard for path in found for shard in _shards(path))})

    def _fetched(self) -> Path:
        """Fetch what is needed into the hub's cache."""
        self._ask(self.needed[0][0])
        folder = Path()
        for group in self.needed:
            path = next((p for p in map(self._fetch, group) if p is not None), None)
            if path is None:
                raise DataError(f"{self.model} at {self.commit} has no file {' or '.join(group)}")
            folder = path.parent
            for shard in _shards(path):
                self._fetch(shard.name)
        for name in self.extras:
            self._fetch(name)
        return folder

    def _ask(self, name: str) -> None:
        """Ask the hub for a file's header, once and with a short wait."""
        from huggingface_hub import get_hf_file_metadata, hf_hub_url

        if _offline():
            raise self._unavailable("HF_HUB_OFFLINE forbids to fetch them")
        url = hf_hub_url(self.model, name, revision=self.commit)
        self._guarded(lambda: get_hf_file_metadata(url, timeout=TIMEOUT))

    def _fetch(self, name: str) -> Path | None:
        """Return a file of the hub's cache, fetched if need be; None if the model has no such file."""
        from huggingface_hub import hf_hub_download

        found = self._guarded(
            lambda: hf_hub_download(self.model, name, revision=self.commit, etag_timeout=TIMEOUT), optional=True
        )
        return None if found is None else Path(found)

    def _guarded(self, ask: Callable[[], Any], *, optional: bool = False) -> Any:  # noqa: ANN401 - what `ask` returns
        from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, LocalEntryNotFoundError

        try:
            return ask()
        except LocalEntryNotFoundError as error:
            raise self._unavailable(f"the hub cannot be reached ({_first_line(error)})") from error
        except EntryNotFoundError as error:
            if optional:
                return None
            raise self._unavailable(f"the hub has no such file ({_first_line(error)})") from error
        except HfHubHTTPError as error:  # no such model or commit, or not for everybody
            raise self._unavailable(f"the hub refuses ({_first_line(error)})") from error
        except Exception as error:  # the HTTP library below, and with it its errors, changed between versions
            raise self._unavailable(f"the hub cannot be reached ({_first_line(error)})") from error

    def _unavailable(self, reason: str) -> DataError:
        commit = "" if self.commit == "main" else f" --revision {self.commit}"
        return DataError(
            f"{self.model}: the weights are not on this machine, and {reason}",
            f"fetch them where there is network: hf download {self.model}{commit}"
            f" — or use a local copy: {self.key}.model=<folder>",
        )


def _offline() -> bool:
    from huggingface_hub import constants

    return bool(constants.HF_HUB_OFFLINE) or os.environ.get("TRANSFORMERS_OFFLINE", "").upper() in ("1", "TRUE", "ON")


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n")[0] or type(error).__name__


def _shards(path: Path) -> Iterable[Path]:
    """Return the files that an index of weights names (none if `path` is no index)."""
    if not path.name.endswith(".index.json"):
        return []
    index = read_json(path)
    places = index.get("weight_map") if isinstance(index, dict) else None
    if not isinstance(places, dict):
        raise DataError(f"{path}: not an index of weights (no weight_map)")
    names = sorted({str(name) for name in places.values()})
    for name in names:
        if Path(name).name != name:  # nothing outside the folder is opened
            raise DataError(f"{path}: {name!r} is not the name of a file in this folder")
    return [path.parent / name for name in names]


def content_fingerprint(path: Path) -> str:
    """Return the fingerprint of a file, read once a process (weights may be gigabytes) unless it changes."""
    status = path.stat()
    return _hashed(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=256)
def _hashed(path: Path, size: int, modified: int) -> str:
    return file_fingerprint(path)
