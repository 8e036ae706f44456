"""Finding weights: a folder, the hub's cache, the hub, and one clear line when they are nowhere."""

import hashlib
import json
import shutil
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace

import numpy as np
import pytest
from huggingface_hub import constants

from vlrb.encoders.text.huggingface import HuggingFaceText
from vlrb.encoders.vision.huggingface import HuggingFaceVision
from vlrb.encoders.vision.timm import TimmVision
from vlrb.encoders.weights import CONFIG, WEIGHTS, Checkpoint
from vlrb.utils.errors import ConfigError, DataError

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(autouse=True)
def hub(tmp_path, monkeypatch):
    """An empty cache, and a hub that nobody answers for."""
    cache = tmp_path / "cache"
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.delenv("TRANSFORMERS_OFFLINE", raising=False)

    def point_to(address: str) -> None:
        monkeypatch.setattr(constants, "ENDPOINT", address)
        template = address + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)

    point_to("http://127.0.0.1:9")  # the port where nobody listens
    return SimpleNamespace(cache=cache, point_to=point_to)


def cached(hub, name, folder, commit=COMMIT):
    target = hub.cache / f"models--{name.replace('/', '--')}" / "snapshots" / commit
    shutil.copytree(folder, target)
    return target


def test_cached_weights_need_no_network(hub, tiny):
    cached(hub, "them/small", tiny.folder("bert"))
    encoder = HuggingFaceText("them/small", COMMIT, dim=32)
    assert encoder.revision == COMMIT
    assert encoder.name == "small"
    assert encoder.settings()["model"] == "them/small"
    encoder.check()
    rows = encoder.encode(tiny.texts)
    assert np.array_equal(rows, HuggingFaceText(str(tiny.folder("bert"))).encode(tiny.texts))


def test_another_commit_in_the_cache_does_not_count(hub, tiny):
    cached(hub, "them/small", tiny.folder("bert"), commit="f" * 40)
    with pytest.raises(DataError, match="not on this machine"):
        HuggingFaceText("them/small", COMMIT, dim=32).check()


@pytest.mark.parametrize("lost", ["model.safetensors", "vocab.txt", "config.json"])
def test_half_a_download_does_not_count(hub, tiny, lost):
    (cached(hub, "them/small", tiny.folder("bert")) / lost).unlink()
    with pytest.raises(DataError, match="not on this machine"):
        HuggingFaceText("them/small", COMMIT, dim=32).check()


def test_pictures_need_the_published_preprocessing(hub, tiny):
    """Another program may have put the weights alone into the cache; how pictures are prepared is then not guessed."""
    folder = cached(hub, "them/eyes", tiny.folder("clip"))
    HuggingFaceVision("them/eyes", COMMIT, dim=24).check()
    (folder / "preprocessor_config.json").unlink()
    with pytest.raises(DataError, match="not on this machine"):
        HuggingFaceVision("them/eyes", COMMIT, dim=24).check()


@pytest.mark.parametrize("switch", ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "no network"])
def test_missing_weights_are_one_clear_error(hub, monkeypatch, switch):
    if switch == "HF_HUB_OFFLINE":
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    elif switch == "TRANSFORMERS_OFFLINE":
        monkeypatch.setenv("TRANSFORMERS_OFFLINE", "1")
    started = time.monotonic()
    for encoder in (HuggingFaceText("BAAI/bge-m3", COMMIT, dim=8), HuggingFaceVision("google/siglip", COMMIT, dim=8)):
        for use in (encoder.check, encoder.load, encoder.preprocessor):
            with pytest.raises(DataError) as caught:
                use()
            assert "\n" not in caught.value.message
            assert caught.value.message.startswith(f"{encoder.checkpoint.model}: the weights are not on this machine")
            assert f"hf download {encoder.checkpoint.model} --revision {COMMIT}" in caught.value.hint
            assert f"{encoder.checkpoint.key}.model=<folder>" in caught.value.hint
            assert ("forbids" if switch != "no network" else "cannot be reached") in caught.value.message
    assert time.monotonic() - started < 10, "no retries"


@pytest.mark.parametrize("script", ["build_data", "train"])
def test_missing_weights_are_found_before_logs_are_read(call, tmp_path, script):
    words = [f"paths.data_dir={tmp_path / 'data'}", "encoder.vision=dinov2_base"]
    words += ["router=linear", f"paths.runs_dir={tmp_path / 'runs'}"] if script == "train" else []
    code, out, err = call(script, *words)
    assert code == 1
    assert "facebook/dinov2-base: the weights are not on this machine" in out + err
    assert "Traceback" not in out + err
    assert not (tmp_path / "data" / "demo").exists()


def test_missing_weights_of_timm(hub, tiny):
    with pytest.raises(DataError, match=r"timm/resnet18\.a1_in1k: the weights are not on this machine"):
        TimmVision("resnet18").check()
    pinned = TimmVision("resnet18", revision=COMMIT)
    assert pinned.revision == COMMIT
    with pytest.raises(DataError, match=f"hf download timm/resnet18.a1_in1k --revision {COMMIT}"):
        pinned.load()
    with pytest.raises(ConfigError, match="needs a commit"):
        TimmVision("resnet18", revision="main").check()


def test_cached_weights_of_timm(hub, tiny):
    """The tag's branch points to a commit, which is recorded; the head has the published number of classes."""
    import timm
    from safetensors.torch import save_file

    folder = hub.cache / "models--timm--test_vit.r160_in1k"
    (folder / "snapshots" / COMMIT).mkdir(parents=True)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text(COMMIT)
    save_file(timm.create_model(tiny.timm).state_dict(), folder / "snapshots" / COMMIT / "model.safetensors")
    encoder = TimmVision(tiny.timm)
    encoder.check()
    assert encoder.encode(tiny.pictures[:2]).shape == (2, 64)
    assert encoder.details()["commit"] == COMMIT


@contextmanager
def serving(folder: Path, commit: str = COMMIT):
    """A hub with one model, `them/small`; yields its address and the paths that were asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self):
            self.answer(body=False)

        def do_GET(self):
            self.answer(body=True)

        def answer(self, body):
            asked.append(f"{self.command} {self.path}")
            prefix = f"/them/small/resolve/{commit}/"
            file = folder / self.path.removeprefix(prefix)
            known = self.path.startswith(prefix) and file.is_file()
            content = file.read_bytes() if known else b""
            self.send_response(200 if known else 404)
            error = "EntryNotFound" if self.path.startswith(prefix) else "RevisionNotFound"
            headers = {"Content-Length": len(content), "X-Repo-Commit": commit}
            headers |= {"ETag": f'"{hashlib.sha256(content).hexdigest()}"'} if known else {"X-Error-Code": error}
            for key, value in headers.items():
                self.send_header(key, str(value))
            self.end_headers()
            if body:
                self.wfile.write(content)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize("sharded", [False, True])
def test_weights_are_fetched_once_and_only_what_is_needed(hub, tiny, tmp_path, sharded):
    folder = shutil.copytree(tiny.folder("bert"), tmp_path / "published")
    (folder / "tf_model.h5").write_bytes(b"another framework's copy")
    if sharded:
        whole = HuggingFaceText(str(tiny.folder("bert")))
        whole.load()
        (folder / "model.safetensors").unlink()
        whole.network.save_pretrained(folder, max_shard_size="60KB")
        assert len(list(folder.glob("model-*.safetensors"))) > 1
    with serving(folder) as (address, asked):
        hub.point_to(address)
        encoder = HuggingFaceText("them/small", COMMIT, dim=32)
        encoder.check()
        assert not [line for line in asked if line.startswith("GET")], "a check fetches nothing"
        rows = encoder.encode(tiny.texts)
        before = len(asked)
        assert not any("tf_model" in line for line in asked)
        assert np.array_equal(HuggingFaceText("them/small", COMMIT, dim=32).encode(tiny.texts), rows)
        assert len(asked) == before, "the cache answers"
    assert np.array_equal(rows, HuggingFaceText(str(tiny.folder("bert"))).encode(tiny.texts))


def test_model_or_commit_that_the_hub_does_not_have(hub, tiny):
    with serving(tiny.folder("bert")) as (address, _):
        hub.point_to(address)
        for name, commit in (("them/nothing", COMMIT), ("them/small", "a" * 40)):
            with pytest.raises(DataError, match=f"{name}: the weights are not on this machine, and the hub refuses"):
                HuggingFaceText(name, commit, dim=32).check()


def test_published_without_weights(hub, tiny, tmp_path):
    folder = shutil.copytree(tiny.folder("bert"), tmp_path / "published")
    (folder / "model.safetensors").unlink()
    with serving(folder) as (address, _):
        hub.point_to(address)
        with pytest.raises(DataError, match=r"them/small at 0123.* has no file model\.safetensors or"):
            HuggingFaceText("them/small", COMMIT, dim=32).load()


def test_names_and_commits(tmp_path):
    with pytest.raises(DataError, match=r"encoder\.text\.model=/no/where: no such folder"):
        HuggingFaceText("/no/where")
    with pytest.raises(DataError, match="no such folder"):
        HuggingFaceText("../../etc/passwd")
    for commit in (None, "main", "v1.5", "0123456"):
        with pytest.raises(ConfigError, match=r"encoder\.text\.revision=.* needs a commit"):
            HuggingFaceText("BAAI/bge-m3", commit)


def test_folder_is_known_by_content(tiny, tmp_path):
    """Elsewhere it is the same; with other weights, another tokenizer or other preprocessing it is not."""
    copy = shutil.copytree(tiny.folder("bert"), tmp_path / "copy")
    one, other = HuggingFaceText(str(tiny.folder("bert"))), HuggingFaceText(str(copy))
    assert (one.revision, one.settings()) == (other.revision, other.settings())
    (copy / "notes.md").write_text("nothing that counts")
    assert HuggingFaceText(str(copy)).revision == one.revision
    with (copy / "vocab.txt").open("a") as file:
        file.write("\nword")
    assert HuggingFaceText(str(copy)).revision != one.revision
    eyes = shutil.copytree(tiny.folder("clip"), tmp_path / "eyes")
    before = HuggingFaceVision(str(eyes)).revision
    values = json.loads((eyes / "preprocessor_config.json").read_text())
    (eyes / "preprocessor_config.json").write_text(json.dumps(values | {"resample": 2}))
    changed = HuggingFaceVision(str(eyes)).revision
    assert changed != before
    tiny.make("clip", eyes, seed=1)
    assert HuggingFaceVision(str(eyes)).revision not in (before, changed)


@pytest.mark.parametrize("lost", ["model.safetensors", "vocab.txt", "config.json"])
def test_folder_that_lacks_a_file(tiny, tmp_path, lost):
    folder = shutil.copytree(tiny.folder("bert"), tmp_path / "copy")
    (folder / lost).unlink()
    for use in (lambda e: e.check(), lambda e: e.load(), lambda e: e.revision):
        with pytest.raises(DataError, match=rf"{folder}: no file .*{lost}"):
            use(HuggingFaceText(str(folder), dim=32))


@pytest.mark.parametrize("content", ["[]", "{}", '{"weight_map": 3}', "{"])
def test_an_index_that_is_none(tmp_path, content):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors.index.json").write_text(content)
    with pytest.raises(DataError, match=r"not an index of weights|not valid JSON"):
        Checkpoint(str(tmp_path), None, "encoder.text", (CONFIG, WEIGHTS)).check()


@pytest.mark.parametrize("name", ["../secret.safetensors", "/etc/passwd", "deep/er.safetensors"])
def test_an_index_names_files_of_its_own_folder_only(tmp_path, name):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"w": name}}))
    with pytest.raises(DataError, match="not the name of a file"):
        Checkpoint(str(tmp_path), None, "encoder.text", (CONFIG, WEIGHTS)).check()
