"""Tokens with their probabilities, as the service writes them."""

from typing import Any

from foundry_emulator.learning.answers import Token

# what the service tells in the place of minus infinity, which JSON cannot hold
LEAST_LOGPROB = -9999.0


def logprob_entry(token: Token, top: int) -> dict[str, Any]:
    """Return *token* with the *top* most probable tokens at its place."""
    others = [_entry(text, value) for text, value in token.alternatives[:top]]
    return {**_entry(token.text, token.log_probability), "top_logprobs": others}


def _entry(text: str, log_probability: float) -> dict[str, Any]:
    content = list(text.encode("utf-8", "surrogatepass"))
    return {"token": text, "logprob": max(LEAST_LOGPROB, log_probability), "bytes": content}
