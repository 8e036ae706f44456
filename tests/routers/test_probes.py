"""Proof that both inputs matter: routers learn what only the picture, only a word, or only both together tell."""

from collections.abc import Callable
from typing import Any

import numpy as np
import probe_fits
import probes
import pytest
from probe_fits import Run, end_to_end_routers, fit_probe, tiny_backbones
from probes import Probe, chance_bound

LEAST = 0.9  # share of the oracle's gain
ROUTERS = end_to_end_routers()
REQUIRED = ("lxmert_tiny", "clip_tiny")  # with every router; other backbones with vlc
PAIRS = [(r, b) for b in tiny_backbones() for r in ROUTERS if b in REQUIRED or r == "vlc"]


@pytest.fixture(scope="module")
def made() -> dict[str, Probe]:
    return probes.make_probes()


@pytest.fixture(scope="module")
def small() -> dict[str, Probe]:
    return probes.make_probes(share=0.5)


@pytest.fixture(scope="module")
def fitted(made: dict[str, Probe]) -> Callable[..., Run]:
    """Each router fitted once on each probe."""
    known: dict[Any, Run] = {}

    def get(router: str, rule: str, backbone: str) -> Run:
        if (router, rule, backbone) not in known:
            known[router, rule, backbone] = fit_probe(made[rule], router, f"encoder={backbone}")
        return known[router, rule, backbone]

    return get


# --- the probes themselves --------------------------------------------------------------------------------------------


def test_exactly_one_model_is_right_but_for_the_marks_turned_round(small: dict[str, Probe]) -> None:
    for probe in small.values():
        clean = np.eye(4, dtype=np.float32)[probe.right]
        assert (clean != probe.Y).sum() == 120  # 5 % of 600 · 4 marks
        assert [(probe.split == name).sum() for name in ("train", "dev", "test")] == [420, 60, 120]


def test_each_input_alone_says_nothing_of_both(small: dict[str, Probe]) -> None:
    """The right model of `both` against colour and word: tables of 4 × 2, χ² with 3 degrees of freedom below 16.3
    (p = 0.001); the two together leave no doubt."""
    colour, word, both = (small[rule].right for rule in probes.RULES)
    for c, w, right in zip(colour, word, both, strict=True):
        assert right == (
            (probes.COLOURS[c][0] < 100) != (probes.WORDS[w] in ("orbit", "meadow"))
        )  # green, blue: no red
    for alone in (colour, word):
        table = np.zeros((4, 2))
        np.add.at(table, (alone, both), 1)
        expected = table.sum(1, keepdims=True) * table.sum(0) / table.sum()
        assert ((table - expected) ** 2 / expected).sum() < 16.3


def test_probes_are_the_same_again_and_others_for_another_seed() -> None:
    one, again, other = (probes.make_probes(seed, share=0.05)["both"] for seed in (0, 0, 1))
    assert one.prompts == again.prompts
    assert all(np.array_equal(a, b) for a, b in zip(one.pictures.images, again.pictures.images, strict=True))
    assert (one.Y == again.Y).all()
    assert one.prompts != other.prompts


def test_the_telling_word_stands_once_and_pictures_are_all_different(small: dict[str, Probe]) -> None:
    probe = small["word"]
    for prompt, right in zip(probe.prompts, probe.right, strict=True):
        said = prompt.lower().rstrip("?").split()
        assert [w for w in said if w in probes.WORDS] == [probes.WORDS[right]]
    assert len({image.tobytes() for image in probe.pictures.images if image}) == 600


def test_share_of_the_gain_by_hand() -> None:
    """Marks of four samples: column means 2/4, 1/4, 1/4, 0; one sample has no right model: the oracle has 3/4.

    Chosen marks are 1, 1, 0, 0: accuracy 1/2, no better than the first column alone, so the share is 0; with the
    third right as well it is (3/4 − 2/4) / (3/4 − 2/4) = 1.
    """
    Y = np.array([[1, 0, 0, 0], [1, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 0]], dtype=np.float32)
    assert probes.gain(Y, np.array([0, 0, 0, 0])) == (0.5, 0.5, 0.75)
    assert probes.gain(Y, np.array([0, 2, 0, 0])).share == 0
    assert probes.gain(Y, np.array([0, 2, 1, 0])).share == 1
    assert probes.gain(Y, np.array([3, 3, 3, 3])).share == -2


def test_one_who_knows_the_rule_has_nearly_all_of_the_gain(small: dict[str, Probe]) -> None:
    for probe in small.values():
        found = probes.gain(probe.Y[probe.test], probe.right[probe.test])
        assert 0.93 <= found.share <= 1
        assert found.accuracy > chance_bound(probe.Y[probe.test]) + 0.15


# --- end-to-end routers -----------------------------------------------------------------------------------------------


def test_a_word_is_learnt_within_few_epochs(small: dict[str, Probe]) -> None:
    """A smaller run for every day: half the samples, few epochs."""
    probe = small["word"]
    run = fit_probe(probe, "vlc", "encoder=lxmert_tiny", "trainer.max_epochs=5")
    assert run.gain().share >= LEAST
    assert run.gain(probe.shuffled()).accuracy < chance_bound(probe.Y[probe.test])
    assert run.gain(probe.blank()).share >= LEAST


@pytest.mark.slow
@pytest.mark.parametrize(("router", "backbone"), PAIRS)
@pytest.mark.parametrize("rule", ["colour", "word"])
def test_what_one_input_tells_is_learnt(fitted: Callable[..., Run], router: str, backbone: str, rule: str) -> None:
    run = fitted(router, rule, backbone)
    assert run.gain().share >= LEAST, probe_fits.describe(run)


@pytest.mark.slow
@pytest.mark.parametrize("backbone", REQUIRED)
def test_what_only_both_inputs_tell_is_learnt(
    fitted: Callable[..., Run], made: dict[str, Probe], backbone: str
) -> None:
    run, probe = fitted("vlc", "both", backbone), made["both"]
    assert run.gain().share >= LEAST, probe_fits.describe(run)
    for shown in (probe.blank(), probe.without_pictures(), probe.shuffled()):
        assert run.gain(shown).accuracy < chance_bound(probe.Y[probe.test])


@pytest.mark.slow
@pytest.mark.parametrize(("router", "backbone"), PAIRS)
def test_colour_comes_from_the_picture_alone(
    fitted: Callable[..., Run], made: dict[str, Probe], router: str, backbone: str
) -> None:
    run, probe = fitted(router, "colour", backbone), made["colour"]
    for shown in (probe.blank(), probe.without_pictures()):
        assert run.gain(shown).accuracy < chance_bound(probe.Y[probe.test])
    assert run.gain(probe.shuffled()).share >= LEAST


@pytest.mark.slow
@pytest.mark.parametrize(("router", "backbone"), PAIRS)
def test_the_word_comes_from_the_prompt_alone(
    fitted: Callable[..., Run], made: dict[str, Probe], router: str, backbone: str
) -> None:
    run, probe = fitted(router, "word", backbone), made["word"]
    assert run.gain(probe.shuffled()).accuracy < chance_bound(probe.Y[probe.test])
    assert run.gain(probe.blank()).share >= LEAST


# --- routers on frozen features ---------------------------------------------------------------------------------------


@pytest.mark.slow
def test_features_show_the_word_and_much_of_the_colour(made: dict[str, Probe]) -> None:
    """What `mlp` reads from hashed words and picture statistics; `docs/probes.md` has the other figures."""
    for rule, least in (("word", 0.75), ("colour", 0.65)):
        run = fit_probe(made[rule], "mlp")
        shown = {"word": made[rule].shuffled(), "colour": made[rule].blank()}[rule]
        assert run.gain().share >= least, rule
        assert run.gain(shown).accuracy < chance_bound(made[rule].Y[made[rule].test])
