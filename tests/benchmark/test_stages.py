import errno
import json
from pathlib import Path

import pytest

from vlrb.benchmark import stages
from vlrb.utils.errors import StateError


def writer(text, *names):
    def work(staging):
        for name in names or ("a.txt",):
            (staging / name).parent.mkdir(parents=True, exist_ok=True)
            (staging / name).write_text(text)
        return {"length": len(text)}

    return work


def fail(staging):
    raise AssertionError("must not work")


def files(root):
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def test_a_part_is_made_once(tmp_path):
    assert stages.run_stage(tmp_path, "p", {"x": 1}, writer("one"))
    assert stages.is_current(tmp_path, "p", {"x": 1})
    assert not stages.run_stage(tmp_path, "p", {"x": 1.0}, fail)  # 1 and 1.0 are the same setting
    part = stages.read_manifest(tmp_path)["parts"]["p"]
    assert part["facts"] == {"length": 3}
    assert part["files"]["a.txt"]["bytes"] == 3
    assert set(part["versions"]) >= {"python", "numpy", "vlrb"}
    assert set(files(tmp_path)) == {"a.txt", "manifest.json"}


def test_a_change_is_said_and_made(tmp_path, capsys):
    stages.run_stage(tmp_path, "p", {"prices": 1, "tokens": 1}, writer("one"))
    assert capsys.readouterr().out == ""
    assert stages.run_stage(tmp_path, "p", {"prices": 2, "tokens": 1}, writer("two"))
    assert "p: prices changed" in capsys.readouterr().out
    assert (tmp_path / "a.txt").read_text() == "two"
    assert stages.run_stage(tmp_path, "p", {"prices": 2, "tokens": 1}, writer("three"), force=True)
    assert (tmp_path / "a.txt").read_text() == "three"


def test_missing_or_cut_files_are_made_again(tmp_path, capsys):
    stages.run_stage(tmp_path, "p", {}, writer("one", "a.txt", "sub/b.txt"))
    (tmp_path / "sub/b.txt").write_text("o")
    assert stages.run_stage(tmp_path, "p", {}, writer("one", "a.txt", "sub/b.txt"))
    assert "missing or cut short" in capsys.readouterr().out
    (tmp_path / "a.txt").unlink()
    assert stages.run_stage(tmp_path, "p", {}, writer("one", "a.txt", "sub/b.txt"))


def test_files_that_a_part_no_longer_has_are_removed(tmp_path):
    stages.run_stage(tmp_path, "p", {"x": 1}, writer("one", "old.txt", "kept.txt"))
    stages.run_stage(tmp_path, "other", {}, writer("its", "other.txt"))
    stages.run_stage(tmp_path, "p", {"x": 2}, writer("two", "kept.txt"))
    assert set(files(tmp_path)) == {"kept.txt", "other.txt", "manifest.json"}


def test_a_file_that_another_part_took_over_stays(tmp_path):
    stages.run_stage(tmp_path, "p", {"x": 1}, writer("one", "moved.txt", "kept.txt"))
    stages.run_stage(tmp_path, "other", {}, writer("its", "moved.txt"))
    stages.run_stage(tmp_path, "p", {"x": 2}, writer("two", "kept.txt"))
    assert (tmp_path / "moved.txt").read_text() == "its"


def test_content_follows_bytes_not_history(tmp_path):
    stages.run_stage(tmp_path, "p", {"x": 1}, writer("one"))
    first = stages.content(stages.read_manifest(tmp_path), "a.txt")
    stages.run_stage(tmp_path, "p", {"x": 2}, writer("one"))
    assert stages.content(stages.read_manifest(tmp_path), "a.txt") == first
    stages.run_stage(tmp_path, "p", {"x": 3}, writer("two"))
    assert stages.content(stages.read_manifest(tmp_path), "a.txt") not in (first, None)
    assert stages.content(stages.read_manifest(tmp_path), "a.txt", "b.txt") is None


def test_a_failing_write_leaves_everything_as_it_was(tmp_path):
    stages.run_stage(tmp_path, "p", {"x": 1}, writer("one", "a.txt", "b.txt"))
    before = files(tmp_path)

    def half(staging):
        (staging / "a.txt").write_text("two")
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(StateError, match="no space left while writing p"):
        stages.run_stage(tmp_path, "p", {"x": 2}, half)
    assert files(tmp_path) == before
    assert stages.is_current(tmp_path, "p", {"x": 1})


def test_other_errors_keep_their_name(tmp_path):
    def work(staging):
        raise PermissionError(errno.EACCES, "denied")

    with pytest.raises(PermissionError):
        stages.run_stage(tmp_path, "p", {}, work)
    assert files(tmp_path) == {}


def test_interrupted_at_every_rename_a_rerun_gives_the_same_bytes(tmp_path, monkeypatch):
    """The part has two versions; whatever rename is the last before a crash, a mixture is never taken for a part."""
    old, new = writer("one", "a.txt", "b.txt"), writer("two", "a.txt", "b.txt")
    clean = tmp_path / "clean"
    stages.run_stage(clean, "p", {"x": 2}, new)
    wanted = files(clean)
    replace = Path.replace
    crashes = 0
    for stop in range(1, 20):
        root = tmp_path / str(stop)
        stages.run_stage(root, "p", {"x": 1}, old)
        calls = 0

        def crash(self, target, stop=stop):
            nonlocal calls
            calls += 1
            if calls == stop:
                raise KeyboardInterrupt
            return replace(self, target)

        monkeypatch.setattr(Path, "replace", crash)
        try:
            stages.run_stage(root, "p", {"x": 2}, new)
            finished = True
        except KeyboardInterrupt:
            finished = False
            crashes += 1
        monkeypatch.setattr(Path, "replace", replace)
        mixture = len({(root / name).read_text() for name in ("a.txt", "b.txt")}) > 1
        assert not (mixture and stages.is_current(root, "p", {"x": 1}))
        assert not (mixture and stages.is_current(root, "p", {"x": 2}))
        stages.clean_up(root)
        stages.run_stage(root, "p", {"x": 2}, new)
        assert files(root) == wanted
        if finished:
            break
    assert crashes == 4  # manifest without the part, two files, manifest with it


def test_leftovers_of_a_killed_build_are_removed(tmp_path):
    (tmp_path / ".staging/sub").mkdir(parents=True)
    (tmp_path / ".manifest.json.x1.tmp.json").write_text("{")
    (tmp_path / "mine.txt").write_text("stays")
    stages.clean_up(tmp_path)
    assert set(files(tmp_path)) == {"mine.txt"}


def test_facts_of_the_whole(tmp_path):
    stages.describe(tmp_path, {"name": "x"})
    stages.run_stage(tmp_path, "p", {}, writer("one"))
    stages.describe(tmp_path, {"name": "x", "root": "/r"})
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert (manifest["name"], manifest["root"], list(manifest["parts"])) == ("x", "/r", ["p"])
    stamp = (tmp_path / "manifest.json").stat().st_mtime_ns
    stages.describe(tmp_path, {"name": "x"})
    assert (tmp_path / "manifest.json").stat().st_mtime_ns == stamp


def test_a_folder_of_another_schema_version_is_refused(tmp_path):
    (tmp_path / "manifest.json").write_text('{"schema_version": 999, "parts": {}}')
    with pytest.raises(StateError, match="schema version 999"):
        stages.read_manifest(tmp_path)
