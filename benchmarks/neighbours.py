"""Neighbour routers: the search against faiss and scikit-learn, PRkNN against a Python loop, and one decision.

    python benchmarks/neighbours.py [--bank 21378] [--queries 6108] [--dim 1792] [--repeats 5]

What is compared runs alternately, so that other load on the machine meets both; the ratios of the medians are the
figures to look at.
(a) k = 100 exact neighbours of all queries, against faiss `IndexFlatIP` and scikit-learn's brute force.
(b) the pairwise ranking of models among 40 neighbours that were found already, against loops over neighbours and pairs
    of models, on a few queries, scaled to all. The comparisons that are made once, at fitting, are told apart.
(c) one decision from ready features, against the one product X @ q that any exact search needs.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import faiss
import numpy as np
import torch
from sklearn.neighbors import NearestNeighbors

from vlrb.data.spec import DataSpec
from vlrb.data.tradeoff import TradeOff
from vlrb.metrics.bounds import CostBounds
from vlrb.routers.base import TrainingArrays
from vlrb.routers.nearest import cosine_neighbours, unit_rows
from vlrb.routers.neighbours import KNNRouter, NeighbourRouter, weighted_sum
from vlrb.routers.pairwise import PRkNNRouter, win_shares

SEARCH_GOAL, LOOP_GOAL, DECISION_GOAL = 1.25, 100.0, 1.25
MODELS = 17
SEARCH_K = 100
LAMBDA = 0.5
SEED = 0


def timed(function: Callable[[], object]) -> float:
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


def alternately(functions: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Return the median seconds of each function, run in turns after one run each to warm up."""
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for turn in range(repeats + 1):
        for name, function in functions.items():
            taken = timed(function)
            if turn:
                seconds[name].append(taken)
    return {name: statistics.median(taken) for name, taken in seconds.items()}


def make_training(n: int, dim: int, seed: int = SEED) -> TrainingArrays:
    rng = np.random.default_rng(seed)
    features = torch.from_numpy(rng.standard_normal((n, dim), dtype=np.float32))
    Y = torch.from_numpy((rng.random((n, MODELS)) < 0.6).astype(np.float32))
    C = torch.from_numpy(rng.uniform(1e-5, 1e-3, (n, MODELS)).astype(np.float32))
    return TrainingArrays(features, Y, torch.ones(n), Y, C, torch.zeros(n, dtype=torch.int64))


def fitted(router: NeighbourRouter, train: TrainingArrays) -> NeighbourRouter:
    names = tuple(f"model-{m}" for m in range(MODELS))
    means = tuple(float(c) for c in train.C.mean(dim=0))
    trade_off = TradeOff(LAMBDA).frozen(train.C.numpy())
    spec = DataSpec(
        names, ("random",), train.features.shape[1], means, trade_off, CostBounds(1e-5, 1e-3, "random"), SEED, "random"
    )
    router.bind(spec).eval()
    router.fit_arrays(train)
    return router


def search(bank: torch.Tensor, queries: torch.Tensor, repeats: int) -> bool:
    index = faiss.IndexFlatIP(bank.shape[1])
    index.add(bank.numpy())
    brute = NearestNeighbors(n_neighbors=SEARCH_K, metric="cosine", algorithm="brute").fit(bank.numpy())
    seconds = alternately(
        {
            "faiss IndexFlatIP": lambda: index.search(queries.numpy(), SEARCH_K),
            "scikit-learn brute force": lambda: brute.kneighbors(queries.numpy()),
            "ours, ties shared": lambda: cosine_neighbours(queries, bank, SEARCH_K),
        },
        repeats,
    )
    print(f"(a) {len(queries)} × {len(bank)} × {bank.shape[1]}, k = {SEARCH_K}")
    ours = seconds["ours, ties shared"]
    for name, taken in seconds.items():
        print(f"    {name:28}{taken:>10.3f} s{ours / taken:>10.3f} ours ÷ it")
    first = verdict("search ÷ faiss", ours / seconds["faiss IndexFlatIP"], SEARCH_GOAL)
    return verdict("search ÷ scikit-learn", ours / seconds["scikit-learn brute force"], 1.0) and first


def loop_ranking(y: np.ndarray, C: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Score the models (M,) of one query by the published rule: neighbours and pairs in Python."""
    k, m = y.shape
    wins = np.zeros(m)
    for i in range(k):
        for a in range(m):
            for b in range(m):
                if a != b and (y[i, a] > y[i, b] or (y[i, a] == y[i, b] and C[i, a] < C[i, b])):
                    wins[a] += weight[i]
    return wins / (weight.sum() * (m - 1))


def ranking(train: TrainingArrays, bank: torch.Tensor, queries: torch.Tensor, repeats: int, looped: int) -> bool:
    near = cosine_neighbours(queries, bank, 40)
    y, C = train.Y, train.C
    rows, weight = near.rows[:looped].numpy(), near.weight[:looped].numpy()
    yn, Cn = y.numpy(), C.numpy()
    shares = win_shares(y, C, None)
    by_loop = [loop_ranking(yn[r], Cn[r], w) for r, w in zip(rows, weight, strict=True)]
    ours = weighted_sum(shares, near) / near.weight.sum(dim=1, keepdim=True)
    np.testing.assert_allclose(ours[:looped], by_loop, atol=1e-5)
    seconds = alternately(
        {
            "loop": lambda: [loop_ranking(yn[r], Cn[r], w) for r, w in zip(rows, weight, strict=True)],
            "ours": lambda: weighted_sum(shares, near) / near.weight.sum(dim=1, keepdim=True),
            "fit": lambda: win_shares(y, C, None),
        },
        repeats,
    )
    loop = seconds["loop"] * len(queries) / looped
    print(f"(b) pairwise ranking of {MODELS} models among 40 neighbours, {len(queries)} queries")
    print(f"    {'Python loop (scaled)':28}{loop:>10.3f} s   from {looped} queries")
    print(f"    {'ours':28}{seconds['ours']:>10.3f} s{loop / seconds['ours']:>10.0f} times faster")
    both = seconds["ours"] + seconds["fit"]
    print(f"    {'ours and the fit':28}{both:>10.3f} s{loop / both:>10.0f} times faster")
    return verdict("loop ÷ ours with the fit", loop / both, LOOP_GOAL, at_least=True)


def decision(train: TrainingArrays, repeats: int) -> bool:
    query = torch.from_numpy(np.random.default_rng(SEED + 1).standard_normal((1, train.features.shape[1]))).float()
    routers = {
        "knn": KNNRouter(),
        "knn_reference": KNNRouter(k=5, rule="vote", weights="distance"),
        "prknn": PRkNNRouter(),
        "prknn_reference": PRkNNRouter(k=7, rule="lexicographic", weights="distance"),
    }
    bank = fitted(routers["knn"], train).bank
    for name in list(routers)[1:]:
        fitted(routers[name], train)
        if routers[name].bank.shape == bank.shape:  # runs on the same data share a bank
            routers[name].bank = bank
    vector = unit_rows(query)[0]
    arrays = bank.numpy(), vector.numpy()
    functions: dict[str, Callable[[], object]] = {
        "torch": lambda: bank @ vector,
        "NumPy": lambda: arrays[0] @ arrays[1],
    }
    for name, router in routers.items():
        functions[name] = lambda router=router: router.decide(router({"features": query}))
    with torch.inference_mode():
        seconds = alternately(functions, repeats)
    product = min(seconds["torch"], seconds["NumPy"])
    print(f"(c) one decision, bank {len(bank)} × {bank.shape[1]}; ratios to the faster X @ q")
    for name in ("torch", "NumPy"):
        print(f"    {'X @ q in ' + name:28}{seconds[name] * 1e3:>10.2f} ms")
    met = True
    for name in routers:
        print(f"    {name:28}{seconds[name] * 1e3:>10.2f} ms")
        met &= verdict(f"{name} ÷ X @ q", seconds[name] / product, DECISION_GOAL)
    return met


def verdict(what: str, ratio: float, goal: float, *, at_least: bool = False) -> bool:
    met = ratio >= goal if at_least else ratio <= goal
    print(f"    {what:28}{ratio:>10.3f}   goal {'≥' if at_least else '≤'} {goal:g}   {'met' if met else 'MISSED'}")
    return met


def main() -> None:
    parser = argparse.ArgumentParser(description="neighbour routers against faiss, scikit-learn, a loop and X @ q")
    parser.add_argument("--bank", type=int, default=21_378)
    parser.add_argument("--queries", type=int, default=6_108)
    parser.add_argument("--dim", type=int, default=1_792)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--looped", type=int, default=10, help="queries that the Python loop ranks")
    options = parser.parse_args()
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}, faiss {faiss.__version__}")
    train = make_training(options.bank, options.dim)
    bank = unit_rows(train.features)
    queries = unit_rows(make_training(options.queries, options.dim, SEED + 1).features)
    met = [
        search(bank, queries, options.repeats),
        ranking(train, bank, queries, options.repeats, options.looped),
        decision(train, 20 * options.repeats),
    ]
    print("all goals met" if all(met) else "goals MISSED")


if __name__ == "__main__":
    main()
