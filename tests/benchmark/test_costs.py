import numpy as np
import pytest

from vlrb.benchmark.costs import cost_bounds, cost_matrix
from vlrb.benchmark.pricing import Price, PriceBook
from vlrb.utils.errors import ConfigError

NAN = float("nan")


def test_cost_matrix_by_hand():
    tokens_in = np.array([[300.0, 300.0], [556.0, 1000.0]])
    tokens_out = np.array([[20.0, 0.0], [100.0, NAN]])
    prices = [Price(input=2.0, output=10.0), Price(input=0.5, output=0.5, request=0.001, picture=0.0002)]
    C = cost_matrix(tokens_in, tokens_out, np.array([1, 2]), prices)
    assert C[0, 0] == pytest.approx(300 * 2e-6 + 20 * 1e-5, rel=1e-12)  # .0006 + .0002 = .0008
    assert C[1, 0] == pytest.approx(0.001112 + 0.001, rel=1e-12)
    assert C[0, 1] == pytest.approx(0.00015 + 0.001 + 0.0002, rel=1e-12)
    assert np.isnan(C[1, 1])
    assert C.dtype == np.float64


def test_a_model_without_a_price_has_no_cost():
    C = cost_matrix(np.ones((2, 2)), np.ones((2, 2)), np.zeros(2), [None, Price(1.0, 1.0)])
    assert np.isnan(C[:, 0]).all()
    assert C[:, 1] == pytest.approx([2e-6, 2e-6])


def test_equal_tokens_and_prices_are_exact_ties():
    rng = np.random.default_rng(0)
    tokens_in, tokens_out = (np.repeat(rng.integers(1, 999, (500, 1)), 3, axis=1) for _ in range(2))
    C = cost_matrix(tokens_in, tokens_out, np.ones(500), [Price(0.2, 0.2)] * 3)
    assert np.ptp(C, axis=1).max() == 0


def test_bounds_are_over_complete_samples_of_models_that_have_costs():
    C = np.array([[1.0, 4.0, NAN], [3.0, 8.0, NAN], [100.0, NAN, NAN]])
    bounds = cost_bounds(C, ["a", "b", "unpriced"])
    assert bounds["cmin"] == 2.0  # (1 + 3) / 2, the third sample is not complete
    assert bounds["cmax"] == 6.0
    assert (bounds["cmin_model"], bounds["cmax_model"], bounds["samples"]) == ("a", "b", 2)
    assert bounds["per_model_mean_cost"] == {"a": 2.0, "b": 6.0, "unpriced": None}
    assert bounds["reason"] is None


def test_bounds_that_give_no_scale_say_why():
    assert "no sample" in cost_bounds(np.array([[1.0, NAN], [NAN, 1.0]]), ["a", "b"])["reason"]
    assert cost_bounds(np.full((2, 1), NAN), ["a"])["cmin"] is None
    assert cost_bounds(np.zeros((0, 1)), ["a"])["cmin"] is None
    assert cost_bounds(np.array([[0.0, 1.0]]), ["free", "b"])["reason"] == "free costs nothing"
    assert "the same" in cost_bounds(np.array([[2.0, 2.0]]), ["a", "b"])["reason"]


def test_bounds_hash_follows_the_prices_not_the_order_of_samples():
    C = np.array([[1.0, 4.0], [3.0, 8.0]])
    one = cost_bounds(C, ["a", "b"])["hash"]
    assert cost_bounds(C[::-1], ["a", "b"])["hash"] == one
    assert cost_bounds(C * 2, ["a", "b"])["hash"] != one
    assert cost_bounds(C, ["a", "c"])["hash"] != one


def test_price_book_finds_by_id_alias_and_default():
    prices = {"GPT4o": {"input": 2.5, "output": 10}}
    book = PriceBook("b", "2025", "here", prices, aliases={"GPT-4o": "GPT4o"})
    assert book.find("GPT4o") == Price(2.5, 10.0, 0.0, 0.0)
    assert book.find("GPT-4o") == book.find("GPT4o")
    assert book.find("other") is None
    free = PriceBook("b", "2025", "here", prices, default={"input": 0, "output": 0})
    assert free.find("other") == Price(0.0, 0.0)


def test_models_without_a_price_are_named_with_lines_to_paste():
    book = PriceBook("mine", "2025", "here", {"a": {"input": 1, "output": 1}})
    book.require(["a"])
    with pytest.raises(ConfigError) as error:
        book.require(["a", "b", "c"])
    assert "no price for b, c" in error.value.message
    assert "b: {input: ?, output: ?}" in error.value.hint
    assert "conf/pricing/mine.yaml" in error.value.hint


@pytest.mark.parametrize(
    ("prices", "message"),
    [
        ({"a": {"input": 1}}, "no 'output' price"),
        ({"a": {"input": 1, "output": -1}}, "a.output: must be a number ≥ 0"),
        ({"a": {"input": 1, "output": float("nan")}}, "must be a number"),
        ({"a": {"input": 1, "output": True}}, "must be a number"),
        ({"a": {"input": 1, "outputs": 1}}, "unknown key 'outputs'"),
        ({"a": 3}, "must be like"),
    ],
)
def test_malformed_prices_are_refused(prices, message):
    with pytest.raises(ConfigError, match=message):
        PriceBook("b", "2025", "here", prices)


def test_malformed_books_are_refused():
    with pytest.raises(ConfigError, match="stands for x"):
        PriceBook("b", "2025", "here", {}, aliases={"y": "x"})
    with pytest.raises(ConfigError, match="budgets_usd"):
        PriceBook("b", "2025", "here", {}, budgets_usd=[-1.0])
    with pytest.raises(ConfigError, match="file name"):
        PriceBook("../b", "2025", "here", {})
