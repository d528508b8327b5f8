"""How often the gate promotes a challenger that is no better, and how surely one that is: `python -m benchmarks.gate`.

A loop asks twenty times in a row whether a challenger, in truth exactly as good as the champion, may take its place;
all challengers answer the same 1,800 held-out images, so their results hang together as in a real loop. The budget is
the product's own: once the uses of the held-out version are spent, a person decides, and nothing is promoted. Both
budgets are tried, the default of four uses and the longest of twenty; the worse one is the figure. Beside them stands
what would have come of asking for p <= 0.05 each time. Alpha is promised for each held-out version: fresh images begin
a budget of their own. What that comes to, where a reserve follows every time that four uses are spent, is told too.

The power is the share of challengers, better by so many points in truth, that are promoted without a person, at the
budget of a held-out version that is made for this gain; where that has no uses, the gate cannot decide.
"""

import itertools
import sys
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks._table import report
from data_contracts.evaluation import ClassTable, Code, PromotionEvidence
from data_contracts.policies import PromotionPolicy
from decisions.held_out import budget
from decisions.intervals import mcnemar_superiority
from decisions.promotion import decide_promotion

LOOPS, GATES = 2000, 20
IMAGES = 1800
CLASSES = 6
ACCURACY, DISCORDANCE = 0.94, 0.06
POLICIES = {
    "auto": PromotionPolicy(),
    "twenty": PromotionPolicy(target_gain=0.03),
}
"""By name: how many uses the version has."""
GAINS, SIZES = (0.02, 0.05, 0.10), (500, 1800)
CHALLENGERS = 2000
NOISE = 0.04
"""Share of images that two models answer differently, beyond those that the better one gains."""

Rights = NDArray[np.bool_]


class _Gates(NamedTuple):
    """Of one loop: whether a gate of its budget, or p <= 0.05 each time, promoted."""

    promoted: bool
    naive: bool


def measure() -> Mapping[str, float | None]:
    """Shares of loops with a false promotion, and the power by gain and images; None where the gate cannot decide.

    `power` is the least of those with which it can.
    """
    figures: dict[str, float] = {}
    naive = 0.0
    for name, policy in POLICIES.items():
        loops = list(_loops(policy))
        figures[f"false_promotion_share_{name}"] = float(np.mean([each.promoted for each in loops]))
        naive = float(np.mean([each.naive for each in loops]))
    figures = {"false_promotion_share": max(figures.values()), **figures, "false_at_p_005_each_time": naive}
    renewed = [_loop(random, POLICIES["auto"], renewed=True).promoted for random in _randoms()]
    figures["false_promotion_share_five_versions"] = float(np.mean(renewed))
    powers = {f"power_{100 * gain:.0f}_of_{n}": _power(gain, n) for n in SIZES for gain in GAINS}
    return {**figures, "power": min(each for each in powers.values() if each is not None), **powers}


def _loops(policy: PromotionPolicy) -> Iterator[_Gates]:
    for random in _randoms():
        yield _loop(random, policy)


def _randoms() -> Iterator[np.random.Generator]:
    """The same generator for each loop, which goes on where the loop before it left it."""
    random = np.random.default_rng(6)
    return itertools.repeat(random, LOOPS)


def _loop(random: np.random.Generator, policy: PromotionPolicy, *, renewed: bool = False) -> _Gates:
    """Twenty gates on one held-out version, or, *renewed*, on fresh images whenever its uses are spent.

    A challenger that is promoted is the next one's champion.
    """
    made = budget(IMAGES, policy)
    champion = _champion(random, IMAGES)
    promoted = naive = False
    for gate in range(GATES):
        spent = gate % made.uses if renewed else gate
        if renewed and spent == 0:
            champion = _champion(random, IMAGES)
        challenger = _challenger(random, champion, gain=0, accuracy=ACCURACY)
        evidence = _evidence(champion, challenger, made.uses - spent, made.alpha_per_use)
        naive = naive or mcnemar_superiority(evidence.losses, evidence.wins) <= policy.alpha
        if evidence.uses_left > 0 and decide_promotion(evidence, policy).code is Code.PROMOTE:
            promoted, champion = True, challenger
    return _Gates(promoted, naive)


def _power(gain: float, n: int) -> float | None:
    """Share of challengers better by *gain* that the gate promotes on *n* images; None where it has no use for it."""
    policy = PromotionPolicy(target_gain=gain)
    made = budget(n, policy, max(DISCORDANCE, gain + NOISE))
    if not made.uses:
        return None
    random = np.random.default_rng(n)
    codes = []
    for _ in range(CHALLENGERS):
        champion = _champion(random, n, ACCURACY - gain)
        challenger = _challenger(random, champion, gain=gain, accuracy=ACCURACY - gain)
        codes.append(decide_promotion(_evidence(champion, challenger, made.uses, made.alpha_per_use), policy).code)
    return float(np.mean([code is Code.PROMOTE for code in codes]))


def _champion(random: np.random.Generator, n: int, accuracy: float = ACCURACY) -> Rights:
    """Which of its answers are right."""
    return random.random(n) < accuracy


def _challenger(random: np.random.Generator, champion: Rights, *, gain: float, accuracy: float) -> Rights:
    """Which answers are right of a model that is better by *gain* than the champion, whose true *accuracy* this is.

    On the images at hand the champion may have been lucky or not; a challenger's luck is its own.
    """
    discordance = max(DISCORDANCE, gain + NOISE)
    lost = random.random(len(champion)) < (discordance - gain) / 2 / accuracy
    won = random.random(len(champion)) < (discordance + gain) / 2 / (1 - accuracy)
    right: Rights = np.where(champion, ~lost, won)
    return right


def _evidence(champion: Rights, challenger: Rights, uses_left: int, alpha_per_use: float) -> PromotionEvidence:
    losses, wins = champion & ~challenger, ~champion & challenger
    label = np.arange(len(champion)) % CLASSES
    return PromotionEvidence(
        n=len(champion),
        losses=int(losses.sum()),
        wins=int(wins.sum()),
        classes={
            f"class {each}": ClassTable(
                images=int((label == each).sum()),
                losses=int(losses[label == each].sum()),
                wins=int(wins[label == each].sum()),
            )
            for each in range(CLASSES)
        },
        uses_left=uses_left,
        alpha_per_use=alpha_per_use,
    )


def told(figures: Mapping[str, float | None]) -> Iterator[str]:
    """The figures in sentences, for people."""
    yield f"False promotions in {LOOPS:,} loops of {GATES} gates without real gain, {IMAGES:,} held-out images:"
    yield f"  four uses (the default)        {figures['false_promotion_share_auto']:6.1%} of the loops"
    yield f"  twenty uses                    {figures['false_promotion_share_twenty']:6.1%} of the loops"
    versions = f"{figures['false_promotion_share_five_versions']:6.1%} of the loops"
    yield f"  five versions of four uses     {versions}: alpha is promised for each version"
    yield f"  p <= 0.05 each time, no budget {figures['false_at_p_005_each_time']:6.1%} of the loops"
    yield "Promoted without a person, by gain and held-out images:"
    for gain in GAINS:
        found = [figures[f"power_{100 * gain:.0f}_of_{n}"] for n in SIZES]
        cells = ("cannot decide" if each is None else f"{each:.1%}" for each in found)
        yield f"  {100 * gain:2.0f} points " + "".join(
            f"  {n:>5,}: {cell:<13}" for n, cell in zip(SIZES, cells, strict=True)
        )


if __name__ == "__main__":
    if "--json" in sys.argv[1:]:
        report("gate", measure)
    else:
        sys.stdout.write("\n".join(told(measure())) + "\n")
