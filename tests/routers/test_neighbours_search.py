"""The neighbour search: exact on awkward banks, the same whatever searches, on however many threads."""

import builtins

import numpy as np
import pytest
import torch

from vlrb.routers import nearest, similar
from vlrb.utils.errors import DataError

needs_faiss = pytest.mark.skipif(not similar.faiss_is_usable(), reason="faiss does not search here")


def unit(seed: int, n: int, d: int) -> torch.Tensor:
    return nearest.unit_rows(torch.from_numpy(np.random.default_rng(seed).normal(size=(n, d))).float())


def weights_of_rows(near: nearest.Neighbours, n: int) -> np.ndarray:
    """(B, N): what each bank row counts for each query."""
    out = np.zeros((len(near.rows), n))
    for i, (rows, weight) in enumerate(zip(near.rows.numpy(), near.weight.numpy(), strict=True)):
        np.add.at(out[i], rows, weight)
    return out


def by_definition(queries: np.ndarray, bank: np.ndarray, k: int) -> np.ndarray:
    """(B, N): 1 for what is nearer than the k-th, and the places that are left shared by all that tie with it."""
    out = np.zeros((len(queries), len(bank)))
    for i, q in enumerate(queries.astype(np.float64)):
        cosine = bank.astype(np.float64) @ q
        kth = np.sort(cosine)[::-1][min(k, len(bank)) - 1]
        nearer, tied = cosine > kth + 1e-12, np.abs(cosine - kth) <= 1e-12
        out[i] = nearer + tied * (min(k, len(bank)) - nearer.sum()) / tied.sum()
    return out


@pytest.mark.parametrize(
    ("n", "b", "d", "k"), [(500, 60, 16, 10), (300, 30, 3, 100), (40, 25, 8, 40), (7, 22, 4, 30), (1, 21, 5, 3)]
)
@pytest.mark.parametrize("copies", [1, 30])
def test_neighbours_are_those_of_the_definition(n, b, d, k, copies):
    """With 30 copies of each row, ties reach far beyond the candidates first looked at."""
    bank, queries = unit(0, n, d).repeat(copies, 1), unit(1, b, d)
    for some in (queries, queries[:3]):  # many queries and few are searched differently
        near = nearest.cosine_neighbours(some, bank, k)
        expected = by_definition(some.numpy(), bank.numpy(), k)
        np.testing.assert_allclose(weights_of_rows(near, len(bank)), expected, atol=1e-6)


def test_each_query_has_the_weight_of_k_neighbours():
    near = nearest.cosine_neighbours(unit(1, 50, 4), unit(0, 20, 4).repeat(5, 1), 7)
    np.testing.assert_allclose(near.weight.sum(dim=1), 7, atol=1e-5)


@needs_faiss
@pytest.mark.parametrize(("n", "width"), [(5000, 116), (5000, 20), (300, 300), (1, 1)])
def test_faiss_and_torch_find_the_same(n, width):
    bank, queries = unit(0, n, 32), unit(1, 70, 32)
    ours, theirs = similar._by_torch(queries, bank, width), similar._by_faiss(queries, bank, width)
    np.testing.assert_allclose(ours.similarity, theirs.similarity, atol=1e-6)
    assert (ours.rows == theirs.rows).float().mean() > 0.999  # a few may trade places within rounding
    assert (theirs.similarity.diff(dim=1) <= 0).all()


@needs_faiss
def test_faiss_searches_many_queries_and_torch_few(monkeypatch):
    called = []
    for name in ("_by_faiss", "_by_torch"):
        real = getattr(similar, name)
        monkeypatch.setattr(similar, name, lambda *a, real=real, name=name: called.append(name) or real(*a))
    bank = unit(0, 2000, 8)
    similar.most_similar(unit(1, similar.FAISS_QUERIES, 8), bank, 5)
    similar.most_similar(unit(1, similar.FAISS_QUERIES - 1, 8), bank, 5)
    similar.most_similar(unit(1, similar.FAISS_QUERIES, 8), bank, similar.FAISS_WIDTH + 1)
    assert called == ["_by_faiss", "_by_torch", "_by_torch"]


def test_without_faiss_torch_searches(monkeypatch):
    bank, queries = unit(0, 200, 8), unit(1, 40, 8)
    expected = weights_of_rows(nearest.cosine_neighbours(queries, bank, 9), 200)
    monkeypatch.setattr(similar, "faiss_is_usable", lambda: False)
    real = builtins.__import__

    def no_faiss(name, *args):
        assert name != "faiss"
        return real(name, *args)

    monkeypatch.setattr(builtins, "__import__", no_faiss)
    np.testing.assert_array_equal(weights_of_rows(nearest.cosine_neighbours(queries, bank, 9), 200), expected)


@needs_faiss
def test_faiss_has_the_threads_of_torch_and_leaves_no_trace(monkeypatch):
    import faiss

    before = torch.get_num_threads(), faiss.omp_get_max_threads()
    seen = []
    real = faiss.knn
    monkeypatch.setattr(faiss, "knn", lambda *a, **k: seen.append(faiss.omp_get_max_threads()) or real(*a, **k))
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            outside = faiss.omp_get_max_threads()
            similar.most_similar(unit(1, 30, 8), unit(0, 50, 8), 5)
            assert torch.get_num_threads() == threads
            assert faiss.omp_get_max_threads() == outside
    finally:
        torch.set_num_threads(before[0])
        faiss.omp_set_num_threads(before[1])
    assert seen == [1, 2]


def test_search_in_pieces_finds_the_same(monkeypatch):
    bank, queries = unit(0, 300, 6), unit(5, 40, 6)
    whole = nearest.cosine_neighbours(queries, bank, 40)
    distance = nearest.cosine_distance(queries, bank, whole)
    monkeypatch.setattr(similar, "faiss_is_usable", lambda: False)
    monkeypatch.setattr(similar, "SEARCH_CELLS", 900)
    monkeypatch.setattr(nearest, "NUMBERS_AT_ONCE", 30)
    monkeypatch.setattr(nearest, "NUMBERS_ON_ONE_THREAD", 12)  # two pairs at once, and products through bmm
    pieces = nearest.cosine_neighbours(queries, bank, 40)
    np.testing.assert_array_equal(weights_of_rows(pieces, 300), weights_of_rows(whole, 300))
    np.testing.assert_allclose(nearest.cosine_distance(queries, bank, pieces), distance, atol=1e-12)


@pytest.mark.parametrize("b", [1, 40])
def test_similarities_within_float32_rounding_are_told_apart(b):
    """Thirty nearly equal rows of 2,000 numbers: a float32 product cannot rank them, the search must all the same."""
    rng = np.random.default_rng(0)
    base = rng.normal(size=2000)
    bank = nearest.unit_rows(torch.from_numpy(base + 1e-4 * rng.normal(size=(30, 2000))).float())
    queries = nearest.unit_rows(torch.from_numpy(base + rng.normal(size=(b, 2000))).float())
    exact = queries.double() @ bank.double().T
    near = nearest.cosine_neighbours(queries, bank, 3)
    chosen = [set(row[weight > 0].tolist()) for row, weight in zip(near.rows, near.weight, strict=True)]
    assert chosen == [set(row.topk(3).indices.tolist()) for row in exact]


def test_distance_is_one_minus_cosine_of_those_that_count():
    bank, queries = unit(0, 50, 12), unit(1, 30, 12)
    queries[0] = bank[7]  # distance 0, up to the rounding of a unit row to float32
    near = nearest.cosine_neighbours(queries, bank, 5)
    expected = 1 - np.take_along_axis(queries.double().numpy() @ bank.double().numpy().T, near.rows.numpy(), 1)
    counts = near.weight.numpy() > 0
    got = nearest.cosine_distance(queries, bank, near).numpy()
    np.testing.assert_allclose(got[counts], expected.clip(0)[counts], atol=1e-12)
    assert (got[~counts] == 0).all()
    assert got[0, 0] < 1e-7


def test_zero_features_have_similarity_zero():
    X = torch.tensor([[0.0, 0], [1, 0], [-1, 0]])
    near = nearest.cosine_neighbours(torch.zeros(1, 2), nearest.unit_rows(X), 2)
    assert near.similarity.abs().max() == 0
    np.testing.assert_allclose(weights_of_rows(near, 3), [[2 / 3] * 3], atol=1e-6)


@pytest.mark.parametrize("value", [1e-30, 1.0, 1e30])
def test_unit_rows_whatever_their_length(value):
    out = nearest.unit_rows(torch.tensor([[3 * value, 4 * value], [0.0, 0.0]]))
    np.testing.assert_allclose(out, [[0.6, 0.8], [0, 0]], rtol=1e-6)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_features_that_are_no_numbers_are_refused(value):
    with pytest.raises(DataError, match="infinite or NaN"):
        nearest.unit_rows(torch.tensor([[1.0, value]]))
