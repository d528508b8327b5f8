"""Tokens of texts and chats: the o200k table, and the estimate where it is missing."""

import os

import pytest

from decisions.training.tokens import chat_tokens, counts_exactly, estimated_tokens, text_tokens


@pytest.mark.skipif(not counts_exactly() and not os.environ.get("CI"), reason="install the extra tokens")
@pytest.mark.parametrize(
    ("text", "tokens"), [("", 0), ("hello world", 2), ("tiktoken is great!", 6), ("<|endoftext|>", 7), ("12345", 2)]
)
def test_texts_are_counted_as_gpt_4_1_does(text: str, tokens: int) -> None:
    assert text_tokens(text) == tokens


@pytest.mark.parametrize(
    "text", ["Classify the image as exactly one of these classes:", "Größe in Stück", "日本語の文"]
)
def test_the_estimate_is_not_below_the_count(text: str) -> None:
    assert estimated_tokens(text) >= text_tokens(text)


def test_a_chat_costs_three_tokens_a_message_and_three_for_the_answer_beside_its_texts() -> None:
    assert chat_tokens(["", "", ""]) == 12
