"""Names of runs in a table: what differs, once, and no more."""

from pathlib import Path
from typing import Any

import pytest

from vlrb.evaluation.runs import Run
from vlrb.report.names import LONGEST_VALUE, differences, flat, run_names

HASHED = {"_target_": "vlrb.encoders.text.hashed.HashedNgrams", "dim": 256}
BGE = {"_target_": "vlrb.encoders.text.network.TextNetwork", "name": "bge_m3", "model": "BAAI/bge-m3"}


def fusion(kind: str, **settings: Any) -> dict[str, Any]:
    return {"_target_": f"vlrb.encoders.fusion.{kind}Fusion", **settings}


def run(router: str = "mlp", lam: float = 0.5, seed: int = 0, **config: Any) -> Run:
    text = config.pop("text", HASHED)
    together = config.pop("fusion", fusion("NormalizeConcat"))
    encoder = {"name": "offline", "text": text, "vision": None, "fusion": together}
    node = {"name": router, **config.pop("settings", {})}
    told = {"router_name": router, "lambda": {"value": lam}, "seed": seed}
    whole = {**told, "encoder": encoder, "router": node, **config}
    return Run(Path("runs") / f"{router}-{len(str(whole)):08x}", whole, {}, {}, {})


def test_equal_encoders_are_not_named() -> None:
    assert run_names([run("knn"), run("mlp"), run("mlp", 0.0)]) == ["knn λ=0.5", "mlp λ=0.5", "mlp λ=0"]


def test_a_fusion_is_one_word_whatever_its_settings() -> None:
    runs = [run(fusion=fusion("Concat")), run(fusion=fusion("Average", project="auto", project_seed=0)), run()]
    assert run_names(runs) == [
        "mlp λ=0.5 fusion=concat",
        "mlp λ=0.5 fusion=average",
        "mlp λ=0.5 fusion=normalize_concat",
    ]


def test_settings_of_one_fusion_are_named_where_they_differ() -> None:
    runs = [
        run(fusion=fusion("Average", project=None)),
        run(fusion=fusion("Average", project=64)),
        run(fusion=fusion("Concat")),
    ]
    assert run_names(runs) == [
        "mlp λ=0.5 fusion=average project=null",
        "mlp λ=0.5 fusion=average project=64",
        "mlp λ=0.5 fusion=concat project=–",
    ]


def test_encoders_are_named_beside_another_router_too() -> None:
    runs = [run("knn"), run("mlp", text=BGE, fusion=fusion("Concat"))]
    assert run_names(runs) == [
        "knn λ=0.5 fusion=normalize_concat text=hashed_ngrams",
        "mlp λ=0.5 fusion=concat text=bge_m3",
    ]


def test_a_router_without_encoders_is_left_alone() -> None:
    other = run("vlc")
    other.config["encoder"] = {"name": "lxmert_tiny", "backbone": {"_target_": "vlrb.x.Backbone"}}
    names = run_names([run(fusion=fusion("Concat")), run(), other])
    assert names == ["mlp λ=0.5 fusion=concat", "mlp λ=0.5 fusion=normalize_concat", "vlc λ=0.5"]


def end_to_end(router: str, backbone: str) -> Run:
    """As the configuration of a trained backbone is: with frozen parts for its training."""
    one = run(router)
    one.config["encoder"] |= {
        "name": backbone,
        "backbone": {"_target_": "vlrb.x.Backbone", "sizes": {"h": len(backbone)}},
    }
    return one


def test_backbones_are_named_where_they_differ() -> None:
    tiny = [end_to_end("vlc", "lxmert_tiny"), end_to_end("zooter", "lxmert_tiny"), run(text=BGE)]
    assert run_names(tiny) == ["vlc λ=0.5", "zooter λ=0.5", "mlp λ=0.5"]
    mixed = [end_to_end("vlc", "lxmert_tiny"), end_to_end("vlc", "clip_tiny"), run(), run(text=BGE)]
    assert run_names(mixed) == [
        "vlc λ=0.5 lxmert_tiny",
        "vlc λ=0.5 clip_tiny",
        "mlp λ=0.5 text=hashed_ngrams",
        "mlp λ=0.5 text=bge_m3",
    ]


def test_settings_of_a_router_are_named_among_its_own_runs() -> None:
    knn = [{"k": 5, "standardize": True}, {"k": 7, "standardize": False}]
    runs = [run("knn", settings=knn[0]), run("knn", settings=knn[1]), run()]
    assert run_names(runs) == ["knn λ=0.5 k=5 standardize=true", "knn λ=0.5 k=7 standardize=false", "mlp λ=0.5"]


def test_seeds_come_before_settings() -> None:
    runs = [run(seed=0, fusion=fusion("Concat")), run(seed=1, fusion=fusion("Concat"))]
    assert run_names(runs) == ["mlp λ=0.5 s0", "mlp λ=0.5 s1"]


def test_names_are_never_equal() -> None:
    """Five settings differ, three are told: equal names get the end of the run's folder."""
    runs = [run("knn", settings={key: int(key == changed) for key in "abcde"}) for changed in "abcde"]
    for place, one in enumerate(runs):
        object.__setattr__(one, "folder", Path(f"runs/knn/0.5-s0-{place:08x}"))
    names = run_names(runs)
    assert len(set(names)) == 5
    assert names[0] == "knn λ=0.5 a=1 b=0 c=0"
    assert names[3] == "knn λ=0.5 a=0 b=0 c=0 00000003"


@pytest.mark.parametrize(
    ("nodes", "words"),
    [
        ([{"a": {"k": 1}, "b": {"k": 3}}, {"a": {"k": 2}, "b": {"k": 4}}], ["a.k=1 b.k=3", "a.k=2 b.k=4"]),
        ([{"encoder": {"name": "offline"}}, {"encoder": {"name": "mine"}}], ["encoder=offline", "encoder=mine"]),
        (
            [{"encoder": {"text": {"_target_": "a.File", "path": f"emb/text/{n}.parquet"}}} for n in ("bge-m3", "e5")],
            ["text=bge-m3", "text=e5"],
        ),
        ([{"trainer": {"devices": 1}, "x": True}, {"trainer": {"devices": 2}, "x": None}], ["x=true", "x=null"]),
    ],
)
def test_words(nodes: list[dict[str, Any]], words: list[str]) -> None:
    assert differences([flat(node) for node in nodes]) == words


def test_long_values_are_cut() -> None:
    one, other = differences([{"router.hidden": str([512] * 40)}, {"router.hidden": "[512]"}])
    assert len(one) == len("hidden=") + LONGEST_VALUE
    assert one.endswith("…")
    assert other == "hidden=[512]"
