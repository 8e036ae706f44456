"""Questions: the stated answer is true for the scene, and the wording carries what it should and nothing else."""

import numpy as np
import pytest

from vlrb.demo import constants as k
from vlrb.demo.questions import ANSWER_POOLS, alike, edit_share, write_question
from vlrb.demo.scenes import Entry, Scene, draw_scene

SCENE = Scene(
    (Entry("Chile", 4, "Blue"), Entry("Japan", 9, "Green"), Entry("Spain", 1, "Pink"), Entry("India", 7, "Black")),
    panels=1,
    marked=(0, 1),
)


def ask(skill: str, depth: int, focus: int, seed: int = 0):
    return write_question(np.random.default_rng(seed), SCENE, k.SKILLS.index(skill), depth, focus)


@pytest.mark.parametrize("seed", range(12))
def test_direct_lookup_and_read(seed: int) -> None:
    """The entry is named in the question, so the answer can be read off the scene."""
    question = ask("lookup", 0, 0, seed)
    named = next(entry for entry in SCENE.entries if entry.place in question.text)
    assert question.answer == str(named.number)
    question = ask("read", 0, 0, seed)
    named = next(entry for entry in SCENE.entries if f"numbered {entry.number}" in question.text)
    assert question.answer == named.place


@pytest.mark.parametrize("seed", range(12))
def test_one_step_inside_the_frame(seed: int) -> None:
    """Marked: Chile 4 and Japan 9. Highest − lowest = 5, lowest − lowest = 0; Japan is in Asia, Chile in America."""
    high = "highest" in ask("know", 1, 1, seed).text
    assert ask("know", 1, 1, seed).answer == ("Asia" if high else "America")
    question = ask("calculate", 1, 1, seed)
    assert question.answer == ("5" if "highest" in question.text else "0")
    question = ask("recognise", 1, 1, seed)
    assert question.answer == ("Green" if "highest" in question.text else "Blue")


@pytest.mark.parametrize("seed", range(12))
def test_two_steps_over_the_whole_picture(seed: int) -> None:
    """Numbers 1, 4, 7, 9. Without the highest: 7 or 1 is next; without the lowest: 9 or 4."""
    question = ask("lookup", 2, 0, seed)
    drop, take = [word for word in question.text.replace(",", "").split() if word in ("highest", "lowest")]
    assert (
        question.answer
        == {"highest": {"highest": "7", "lowest": "1"}, "lowest": {"highest": "9", "lowest": "4"}}[drop][take]
    )
    question = ask("count", 2, 0, seed)
    assert question.answer in {"0", "1", "2", "3"}


def test_wrong_answers_are_wrong_and_of_the_same_sort() -> None:
    for skill, pool in ANSWER_POOLS.items():
        for seed in range(40):
            rng = np.random.default_rng(seed)
            scene = draw_scene(rng, seed % 2)
            question = write_question(rng, scene, k.SKILLS.index(skill), seed % 3, seed % 2)
            assert question.answer in pool
            assert len(set(question.wrong) - {question.answer}) == 3
            assert set(question.wrong) <= set(pool)
            assert not any(alike(question.answer, wrong) for wrong in question.wrong)


def test_every_answer_has_three_wrong_ones() -> None:
    for pool in ANSWER_POOLS.values():
        for answer in pool:
            assert sum(not alike(answer, other) for other in pool) >= 3 or answer == "Australia"


def test_edit_share_by_hand() -> None:
    assert edit_share("Chile", "China") == pytest.approx(2 / 5)  # l→n, e→a
    assert edit_share("7", "7") == 0
    assert edit_share("India", "Indian") == pytest.approx(1 / 6)


def test_marked_entries_are_at_least_two_and_never_all_of_a_single_picture() -> None:
    for seed in range(300):
        scene = draw_scene(np.random.default_rng(seed), seed % 2)
        assert 2 <= len(scene.marked) < len(scene.entries)
        assert len(scene.entries) == scene.panels * scene.per_panel
        for values in zip(*((e.place, e.number, e.colour) for e in scene.entries), strict=True):
            assert len(set(values)) == len(scene.entries)
