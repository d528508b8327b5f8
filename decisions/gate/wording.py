"""Numbers of a verdict as people read them: no needless digits, and no rounding that turns a verdict around."""

from collections.abc import Sequence

MOST_DIGITS = 12
LIKELY, UNLIKELY = 0.1, 0.01


def p_in_words(p: float, alpha: float) -> str:
    """A p-value such as `p = 0.0003`, with as many digits as show on which side of *alpha* it is."""
    digits = 2 if p >= LIKELY else 3 if p >= UNLIKELY else 4
    while digits < MOST_DIGITS and round(p, digits) > 0 and (round(p, digits) <= alpha) != (p <= alpha):
        digits += 1
    if round(p, digits) == 0:
        return _below(p, digits, alpha)
    return f"p = {round(p, digits):.{digits}f}".rstrip("0").rstrip(".")


def points(gain: float) -> str:
    """A gain in words: 0.02 is `2 points`, 0.053 is `5.3 points`."""
    number = f"{100 * gain:.1f}".removesuffix(".0")
    return f"{number} point" if number == "1" else f"{number} points"


def percent(share: float) -> str:
    """A share such as `2 %`, with one decimal where it needs one."""
    return f"{100 * share:.1f}".removesuffix(".0") + " %"


def listed(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _below(p: float, digits: int, alpha: float) -> str:
    bound = 10.0**-digits
    while bound > alpha >= p and digits < MOST_DIGITS:
        digits, bound = digits + 1, bound / 10
    return f"p < {bound:.{digits}f}"
