"""What can be told without a process: tokens, lists in prompts, paging."""

import math

import pytest

from foundry_emulator.inference.distributions import shaken
from foundry_emulator.inference.prompts import possible_answers
from foundry_emulator.learning.answers import Token
from foundry_emulator.learning.base_text import base_answer
from foundry_emulator.tokens import image_tokens


@pytest.mark.parametrize(
    ("width", "height", "detail", "expected"),
    [
        (1024, 1024, "high", 765),
        (1920, 1080, "high", 1105),
        (2048, 4096, "high", 1105),
        (512, 512, "auto", 255),
        (4000, 3000, "high", 765),
        (128, 64, "high", 255),
        (4000, 3000, "low", 85),
    ],
)
def test_an_image_costs_the_documented_tokens(width: int, height: int, detail: str, expected: int) -> None:
    assert image_tokens(width, height, detail) == expected


@pytest.mark.parametrize(
    "prompt",
    [
        "Answer with exactly one of: dent, open seam, rust_spot.",
        "You look at metal. Answer with one of: dent, open seam or rust_spot. Nothing else.",
        "Classes:\n- dent\n- open seam: a seam that gapes\n- rust_spot\nAnswer with one.",
        "Classes:\n1. dent\n2. open seam\n3. rust_spot",
        "The possible classes are:\ndent\nopen seam\nrust_spot\n\nAnswer with one.",
        'Answer "dent", "open seam" or "rust_spot".',
        "You are an inspector: careful, calm. Say what you see (one of: dent, open seam, rust_spot).",
        'Classes: ["dent", "open seam", "rust_spot"]',
        "Answer with one of: `dent`, `open seam`, `rust_spot`",
    ],
)
def test_the_answers_that_a_prompt_lists_are_found(prompt: str) -> None:
    assert possible_answers(prompt) == ["dent", "open seam", "rust_spot"]


def test_a_prompt_without_a_list_offers_nothing_to_choose_from() -> None:
    assert possible_answers("Describe what you see in a few words.") == []


@pytest.mark.parametrize("likely", [0.6, 0.999])
def test_jitter_leaves_what_the_listed_pieces_of_a_text_have_together(likely: float) -> None:
    listed = (("tea", math.log(likely)), ("snow", math.log(0.999 - likely + 0.0005)))
    together = sum(math.exp(value) for _, value in listed)
    told = [shaken([Token(*listed[0], listed)], 0.5)[0] for _ in range(20)]

    assert [sum(math.exp(v) for _, v in token.alternatives) for token in told] == pytest.approx([together] * 20)
    assert len({token.log_probability for token in told}) == 20


def test_a_small_top_p_leaves_one_text_to_say() -> None:
    def said(top_p: float) -> set[str]:
        asked = [{"role": "user", "content": "Tell me about tea."}]
        drawn = (base_answer(asked, temperature=1, top_p=top_p, most_tokens=99, seed=seed)[0] for seed in range(30))
        return {"".join(token.text for token in tokens) for tokens in drawn}

    assert len(said(1)) > 1
    assert len(said(0.01)) == 1
