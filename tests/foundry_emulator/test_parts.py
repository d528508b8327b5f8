"""What can be told without a process: tokens, lists in prompts, paging."""

import pytest

from foundry_emulator.inference.prompts import possible_answers
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
