"""A loaded router decides as its run did, alone and in batches, from anywhere."""

import math
import pickle
import shutil
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from routing_world import SMALL, Trained, asked

import vlrb
from vlrb.evaluation.operating_points import read_points, within_budget
from vlrb.routing.loaded import ahead, close_calls
from vlrb.utils.cli import run_script
from vlrb.utils.errors import ConfigError, DataError, StateError


@pytest.mark.parametrize("name", SMALL)
def test_decisions_are_those_of_the_run(trained: Trained, name: str) -> None:
    """Same models, and scores that differ by rounding at most; a picture may be decoded, bytes or a file."""
    queries, decided = asked(trained, name)
    router = vlrb.load_router(trained.runs[name])
    choices = router.route_many(queries)
    stored = decided[[f"score/{model}" for model in router.spec.model_ids]].to_numpy()
    scores = np.array([list(choice.scores.values()) for choice in choices])
    assert np.allclose(scores, stored, rtol=1e-4, atol=1e-5)
    near = set(close_calls(torch.from_numpy(stored)))
    clear = [i for i in range(len(queries)) if i not in near]
    assert len(clear) > 0.9 * len(queries) or name == "strongest_per_dataset"
    assert [choices[i].model_id for i in clear] == decided["model_id"].iloc[clear].tolist()
    assert scores.std(axis=0).max() > 1e-3, "scores that are always the same show little"


@pytest.mark.parametrize("name", ["utility", "knn", "vlc"])
def test_no_decision_depends_on_the_batch(trained: Trained, name: str) -> None:
    queries = asked(trained, name).queries
    router = vlrb.load_router(trained.runs[name])
    alone = [router.route(q.prompt, q.images, q.dataset, q.id).model_id for q in queries]
    for size in (7, len(queries)):
        assert [choice.model_id for choice in router.route_many(queries, batch_size=size)] == alone


def test_ties_that_rounding_makes_are_decided_alone(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    """Noise that depends on the batch and is larger than a score's rounding would swap two equal models."""
    router = vlrb.load_router(trained.runs["strongest_per_dataset"])

    def noisy(batch: dict[str, torch.Tensor], batch_idx: int = 0) -> torch.Tensor:
        scores = torch.zeros(len(batch["index"]), router.spec.n_models)
        scores[:, :2] = 1.0
        scores[:, len(scores) % 2] += 1e-5
        return scores

    monkeypatch.setattr(router.router, "predict_step", noisy)
    for count in (1, 2, 3):
        found = [choice.model_id for choice in router.route_many(["a"] * count)]
        assert found == [router.spec.model_ids[1]] * count  # 1 % 2: what a question alone says


def test_close_calls_are_relative_to_the_scores() -> None:
    rows = torch.tensor([[1000.0, 999.95], [1000.0, 999.5], [1e-3, 0.9e-3], [-math.inf, 1.0], [0.0, 0.0]])
    assert close_calls(rows) == [0, 4]
    assert close_calls(torch.zeros(3, 1)) == []


def test_what_a_choice_tells(trained: Trained) -> None:
    query = asked(trained, "utility").queries[0]
    router = vlrb.load_router(trained.runs["utility"])
    choice = router.route(query.prompt, query.images)
    assert choice.expected_quality is not None
    assert choice.expected_cost is not None
    scale = router.spec.trade_off.scale
    by_hand = {m: choice.expected_quality[m] - 0.5 * scale * choice.expected_cost[m] for m in choice.scores}
    assert max(by_hand, key=by_hand.__getitem__) == choice.model_id
    assert by_hand == pytest.approx(choice.scores, rel=1e-4, abs=1e-5)
    assert choice.quality == choice.expected_quality[choice.model_id]
    assert choice.to_plain()["cost"] == choice.cost
    assert choice.model == router.names[choice.model_id]
    blind = vlrb.load_router(trained.runs["vlc"]).route(query.prompt, query.images)
    assert (blind.quality, blind.cost, blind.expected_quality, blind.expected_cost) == (None, None, None, None)
    with pytest.raises(AttributeError):
        choice.model_id = "other"  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(choice)) == choice


def test_a_picture_may_come_in_any_form(trained: Trained, tmp_path: Path) -> None:
    query = next(q for q in asked(trained, "utility").queries if q.images)
    router = vlrb.load_router(trained.runs["utility"])
    buffer = BytesIO()
    query.images[0].save(buffer, "png")
    path = tmp_path / "picture.png"
    path.write_bytes(buffer.getvalue())
    forms = [query.images[0], buffer.getvalue(), path, str(path)]
    found = [router.route(query.prompt, form).scores for form in forms]
    assert found == [found[0]] * 4
    assert router.route(query.prompt, [path]).scores == found[0]
    assert router.route(query.prompt).scores != found[0]
    assert router.route(query.prompt, [Image.new("RGBA", (9, 9), (0, 0, 0, 0))]).scores == (
        router.route(query.prompt, [Image.new("RGB", (9, 9), "white")]).scores
    )


@pytest.mark.parametrize(
    ("picture", "reason"),
    [
        (b"no picture", "the picture of 10 bytes: not a readable picture"),
        ("nowhere.png", "nowhere.png: cannot be read"),
        ("https://host/a.png", "is no path: nothing is fetched"),
        ("data:image/png;base64,AAAA", "is no path: nothing is fetched"),
        (7, "a picture must be a Pillow picture, a path or the bytes of a file, not int"),
        ("a\0b", "cannot be read"),
    ],
)
def test_a_bad_picture_is_one_clear_error(trained: Trained, picture: object, reason: str) -> None:
    router = vlrb.load_router(trained.runs["knn"])
    with pytest.raises(DataError, match=reason):
        router.route("What is this?", [picture])
    with pytest.raises(DataError, match=f"question 1: .*{reason}"):
        router.route_many(["fine", ("What is this?", [picture])])


def test_bad_questions_are_named(trained: Trained) -> None:
    router = vlrb.load_router(trained.runs["strongest_per_dataset"])
    assert router.route_many([]) == []
    for bad, reason in ((7, "question 0: a question must be"), ({"promt": "a"}, "question 0: a question must be")):
        with pytest.raises(DataError, match=reason):
            router.route_many([bad])  # type: ignore[list-item]
    with pytest.raises(DataError, match="a prompt must be text, not int"):
        router.route(7)  # type: ignore[arg-type]
    with pytest.raises(DataError, match=r"trained on no dataset 'MMStarr'\n.*MMStar"):
        router.route("a", dataset="MMStarr")


def test_a_router_of_datasets_takes_the_dataset(trained: Trained) -> None:
    """Without one it decides as on an unseen dataset: the strongest overall, whatever the prompt."""
    router = vlrb.load_router(trained.runs["strongest_per_dataset"])
    overall = router.route("anything").model_id
    assert router.route("something else", dataset=None).model_id == overall
    own = {router.route("anything", dataset=name).model_id for name in router.spec.dataset_names}
    assert len(own) > 1
    assert not router.reads_pictures


def test_mu_is_taken_at_decision_time(trained: Trained) -> None:
    """μ=0: highest p̂; μ=∞: lowest ĉ; and a μ by hand."""
    queries = asked(trained, "utility").queries[:9]
    for mu in (0.0, 0.3, math.inf):
        router = vlrb.load_router(trained.runs["utility"], mu=mu)
        assert router.mu == mu
        for choice in router.route_many(queries):
            p, c = choice.expected_quality, choice.expected_cost
            assert p is not None
            assert c is not None
            value = {m: p[m] - mu * c[m] * router.spec.trade_off.scale if mu < math.inf else -c[m] for m in p}  # type: ignore[operator]
            assert value[choice.model_id] == pytest.approx(max(value.values()), rel=1e-4, abs=1e-5)


def test_a_budget_chooses_the_point_that_evaluate_chooses(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vlrb.tasks.operating_point.write_leaderboard", lambda *_: None)
    monkeypatch.setattr("vlrb.tasks.results.throughput_metrics", lambda *_: {})
    run = trained.runs["utility"]
    points = read_points(run)
    budget = float(np.median([point.cost for point in points]))
    assert run_script("evaluate", [f"run={run}", f"budget={budget!r}"]) == 0
    (folder,) = (run / "points").glob("budget=*")
    told = vlrb.load_router(run, budget=budget)
    from_point = vlrb.load_router(folder)
    assert told.mu == pytest.approx(within_budget(points, budget).mu)
    assert from_point.mu == pytest.approx(told.mu, rel=1e-5)
    with pytest.raises(ConfigError, match="below what this router reaches on dev"):
        vlrb.load_router(run, budget=1e-9)
    queries = asked(trained, "utility")
    stored = pd.read_parquet(folder / "decisions.parquet").set_index("sample_id")["model_id"]
    chosen = [choice.model_id for choice in from_point.route_many(queries.queries)]
    assert chosen == [stored[q.id] for q in queries.queries]


@pytest.mark.parametrize(
    ("given", "error", "reason"),
    [
        ({"mu": -1.0}, ConfigError, "mu must be a number of at least 0 or inf"),
        ({"mu": math.nan}, ConfigError, "mu must be a number of at least 0 or inf"),
        ({"budget": 0.0}, ConfigError, "budget must be a number of USD per query above 0"),
        ({"mu": 0.1, "budget": 1.0}, ConfigError, "mu and budget exclude one another"),
        ({"device": "gpu"}, ConfigError, "device 'gpu' cannot be used"),
    ],
)
def test_bad_options(trained: Trained, given: dict[str, float], error: type[Exception], reason: str) -> None:
    with pytest.raises(error, match=reason):
        vlrb.load_router(trained.runs["utility"], **given)  # type: ignore[arg-type]


def test_routers_that_know_one_trade_off_say_which_know_more(trained: Trained) -> None:
    with pytest.raises(StateError, match=r"has one operating point\n.*kmeans, knn, ovr, prototype, utility"):
        vlrb.load_router(trained.runs["vlc"], mu=0.3)
    with pytest.raises(StateError, match="has one operating point"):
        vlrb.load_router(trained.runs["strongest_per_dataset"], budget=0.1)


def test_a_run_may_move(trained: Trained, tmp_path: Path) -> None:
    """The bank lies beside the dataset's runs; copied into the run or beside it, it is found; without it, one line."""
    run = trained.runs["knn"]
    moved = tmp_path / "somewhere" / "run"
    shutil.copytree(run, moved)
    with pytest.raises(StateError, match=r"refers to the bank \w+, which is not in .*\n.*copy \w+\.safetensors"):
        vlrb.load_router(moved)
    banks = run.parents[1] / "banks"
    query = asked(trained, "knn").queries[0]
    wanted = vlrb.load_router(run).route(query.prompt, query.images)
    for place in (moved / "banks", moved.parent / "banks"):
        shutil.copytree(banks, place)
        assert vlrb.load_router(moved).route(query.prompt, query.images) == wanted
        shutil.rmtree(place)


def test_nothing_but_the_run_is_read(trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From another folder, with neither configuration files nor benchmark: paths in the run lead nowhere."""
    for name in ("utility", "vlc"):
        moved = tmp_path / name
        shutil.copytree(trained.runs[name], moved)
        for file in ("config.yaml", "data.json"):
            text = (moved / file).read_text(encoding="utf-8")
            (moved / file).write_text(text.replace(str(trained.benchmark.parents[1]), "/gone"), encoding="utf-8")
        with monkeypatch.context() as patch:
            patch.chdir(tmp_path)
            patch.setattr("vlrb.utils.cli.ROOT", tmp_path / "no checkout")
            assert vlrb.load_router(name).route("What is this?").model_id


def test_damaged_runs_are_one_clear_error(trained: Trained, tmp_path: Path) -> None:
    with pytest.raises(StateError, match="is not a run folder"):
        vlrb.load_router(tmp_path)
    moved = tmp_path / "run"
    shutil.copytree(trained.runs["utility"], moved)
    config = (moved / "config.yaml").read_text(encoding="utf-8")
    (moved / "config.yaml").write_text(config.replace("vlrb.encoders.text.hashed.HashedNgrams", "os.system"))
    with pytest.raises(StateError, match=r"os\.system is no part of a router"):
        vlrb.load_router(moved)
    (moved / "config.yaml").write_text(config.replace("vlrb.routers.utility.UtilityRouter", "torch.nn.Identity"))
    with pytest.raises((ConfigError, StateError), match="router"):
        vlrb.load_router(moved)
    (moved / "config.yaml").write_text(config)
    (moved / "operating_points.json").unlink()
    with pytest.raises(StateError, match=r"no operating_points\.json in it\)\n.*evaluate\.py run="):
        vlrb.load_router(moved, budget=1.0)
    (moved / "router.safetensors").write_bytes(b"half")
    with pytest.raises(DataError, match="no readable weights"):
        vlrb.load_router(moved)


def test_features_of_elsewhere_cannot_be_made(trained: Trained, tmp_path: Path) -> None:
    moved = tmp_path / "run"
    shutil.copytree(trained.runs["utility"], moved)
    table = pd.DataFrame({"sample_id": ["a"], "embedding": [[0.0] * 256]})
    table.to_parquet(tmp_path / "made.parquet")
    text = (moved / "config.yaml").read_text(encoding="utf-8")
    start, end = (
        text.index("  text:\n    _target_: vlrb.encoders.text"),
        text.index("  vision:\n    _target_: vlrb.enc"),
    )
    node = f"  text:\n    _target_: vlrb.encoders.precomputed.PrecomputedFeatures\n    path: {tmp_path}/made.parquet\n"
    (moved / "config.yaml").write_text(text[:start] + node + text[end:])
    with pytest.raises(StateError, match=r"text features that were made elsewhere \(made\.parquet\)"):
        vlrb.load_router(moved)


def test_threads_take_turns(trained: Trained) -> None:
    """Estimates are made under other trade-offs for a moment: no thread may decide by them."""
    queries = asked(trained, "knn").queries[:8]
    router = vlrb.load_router(trained.runs["knn"])
    wanted = router.route_many(queries)
    found = list(ahead(lambda q: router.route(q.prompt, q.images), queries * 4))
    assert [choice.model_id for choice in found] == [choice.model_id for choice in wanted] * 4


def test_a_stream_is_read_no_further_than_needed() -> None:
    taken: list[int] = []

    def numbers() -> "object":
        for i in range(10_000):
            taken.append(i)
            yield i

    stream = ahead(lambda i: i * i, numbers())  # type: ignore[arg-type, var-annotated]
    assert [next(stream) for _ in range(5)] == [0, 1, 4, 9, 16]
    assert len(taken) < 40
    stream.close()  # type: ignore[attr-defined]


def test_canonical_prompt_is_that_of_the_logs() -> None:
    options = {"A": "one", "B": "two", "C": ""}
    assert vlrb.canonical_prompt("How many?", "Look.", options) == (
        "Hint: Look.\nQuestion: How many?\nOptions:\nA. one\nB. two"
    )
    assert vlrb.canonical_prompt("How many?") == "Question: How many?"
