"""Which jobs a sweep consists of."""

from collections import Counter
from collections.abc import Callable

JobsOf = Callable[..., list[list[str]]]
FEATURES = ("knn", "prknn", "ovr", "kmeans", "linear", "mlp", "utility")
END_TO_END = ("cosinecls", "routerdc", "zooter", "vlc")


def value(job: list[str], key: str) -> str:
    return next(word.partition("=")[2] for word in job if word.startswith(f"{key}="))


def test_without_parts_all_values_are_combined(jobs_of: JobsOf) -> None:
    jobs = jobs_of("router=knn,linear", "lambda.value=0,1")
    assert jobs == [[f"router={r}", f"lambda.value={v}"] for r in ("knn", "linear") for v in (0, 1)]


def test_the_full_benchmark_gives_each_kind_of_router_its_seeds(jobs_of: JobsOf) -> None:
    """7 routers × 4 λ × 3 seeds + 4 routers × 4 λ × 1 seed = 84 + 16 = 100."""
    jobs = jobs_of("preset=full_benchmark")
    assert len(jobs) == 100
    counts = Counter((value(job, "router"), value(job, "lambda.value")) for job in jobs)
    grid = ("0", "0.25", "0.5", "2")
    assert counts == {(r, lam): 3 for r in FEATURES for lam in grid} | {(r, lam): 1 for r in END_TO_END for lam in grid}
    assert {value(job, "seed") for job in jobs if value(job, "router") in END_TO_END} == {"0"}


def test_given_routers_stay_in_the_part_that_lists_them(jobs_of: JobsOf) -> None:
    jobs = jobs_of("preset=full_benchmark", "router=vlc,knn,random", "lambda.value=0.5")
    assert Counter(value(job, "router") for job in jobs) == {"knn": 3, "random": 3, "vlc": 1}
    assert [word for word in jobs[0] if "max_epochs" in word] == []
    assert "encoder.training.max_epochs=8" in jobs[-1]


def test_other_words_reach_every_part(jobs_of: JobsOf) -> None:
    jobs = jobs_of("preset=full_benchmark", "router=knn,vlc", "lambda.value=1", "seed=7,8")
    assert [(value(job, "router"), value(job, "seed")) for job in jobs] == [
        ("knn", "7"), ("knn", "8"), ("vlc", "7"), ("vlc", "8"),
    ]  # fmt: skip


def test_equal_jobs_of_two_parts_are_one(jobs_of: JobsOf) -> None:
    parts = "hydra.sweeper.parts=[{router: 'knn,linear', seed: '0,1'}, {router: 'linear', seed: '0'}]"
    jobs = jobs_of(parts, "lambda.value=0")
    assert [(value(job, "router"), value(job, "seed")) for job in jobs] == [
        ("knn", "0"), ("knn", "1"), ("linear", "0"), ("linear", "1"),
    ]  # fmt: skip


def test_a_part_that_is_left_nothing_has_no_jobs(jobs_of: JobsOf) -> None:
    parts = "hydra.sweeper.parts=[{router: 'knn'}, {router: 'linear'}]"
    assert [value(job, "router") for job in jobs_of(parts, "router=linear")] == ["linear"]
