"""How often a frozen held-out set may decide before its answers are worn out, and what follows it then."""

import math
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from scipy.optimize import brentq
from scipy.stats import norm

from data_contracts.images import LabeledImage
from data_contracts.ledger import HeldOutVersionMade
from data_contracts.policies import PromotionPolicy
from data_contracts.record import Record
from decisions.gate.wording import percent, points
from decisions.intervals import sample_size
from decisions.loop_state import Iteration, LoopState

DISCORDANCE = 0.06
"""Share of images that two models answer differently, until the first gate has shown it."""
USES_WANTED = 4
POWER = 0.8
LARGEST_GAIN = 0.9
NO_ALPHA = 1e-9
"""Alpha below which nothing is left to spend: what rounding leaves of a budget that is gone."""
MOST_PROMOTIONS = 3
LONGEST_LIFE = timedelta(days=365)
GAINS_WORTH_NAMING = (0.02, 0.01, 0.005)
FEWEST_TO_LEARN_FROM = 100
"""Answers of earlier gates below which their discordance says little."""
SMALLEST_DISCORDANCE = 0.01


class Renewal(Record):
    """A held-out version to be made: why, of which images, and with how much of alpha."""

    reason: str
    images: tuple[LabeledImage, ...]
    continues: bool
    alpha: float


class Budget(Record):
    """The gain that a held-out version can find, how often, and at which significance each time."""

    target_gain: float
    uses: int
    alpha_per_use: float


def uses_available(
    n: int, target_gain: float, discordance: float, power: float = 0.8, alpha: float = 0.05
) -> tuple[float, int]:
    """Significance needed to find *target_gain* with *power* on *n* images, and how often *alpha* pays for it.

    The number of uses is not capped. A gain cannot exceed the share of images that differ, so the
    discordance is taken as at least the gain. Raises ValueError unless n is positive and the rest between 0 and 1.
    """
    if n <= 0:
        raise ValueError(f"{n} held-out images decide nothing")
    for name, value in (("gain", target_gain), ("discordance", discordance), ("alpha", alpha)):
        if not 0 < value <= 1:
            raise ValueError(f"{name} of {value} is not between 0 and 1")
    if not 0 < power < 1:
        raise ValueError(f"power of {power} is not between 0 and 1")
    discordance = max(discordance, target_gain)
    spread = math.sqrt(discordance)
    reach = target_gain * math.sqrt(n) - norm.ppf(power) * math.sqrt(discordance - target_gain**2)
    needed = float(norm.sf(reach / spread))
    return needed, math.floor(alpha / needed) if needed > 0 else 10**9


def budget(n: int, policy: PromotionPolicy, discordance: float = DISCORDANCE) -> Budget:
    """The budget of a held-out version of *n* images; no uses when it is too small for the gain wanted."""
    if policy.alpha < NO_ALPHA or policy.target_gain == 0:
        gain = LARGEST_GAIN if policy.target_gain == "auto" else policy.target_gain
        return Budget(target_gain=gain, uses=0, alpha_per_use=0.0)
    gain = smallest_gain(n, policy.alpha, discordance) if policy.target_gain == "auto" else policy.target_gain
    _, uses = uses_available(n, gain, discordance, alpha=policy.alpha)
    uses = min(uses, policy.largest_number_of_uses)
    return Budget(target_gain=gain, uses=uses, alpha_per_use=policy.alpha / uses if uses else 0.0)


def smallest_gain(n: int, alpha: float, discordance: float = DISCORDANCE) -> float:
    """The smallest gain, rounded up to a tenth of a point, that *n* images can find four times."""

    def missing(gain: float) -> float:
        return uses_available(n, gain, discordance, alpha=alpha)[0] - alpha / USES_WANTED

    if missing(LARGEST_GAIN) > 0:
        return LARGEST_GAIN
    exact = float(brentq(missing, 1e-6, LARGEST_GAIN))
    return math.ceil(exact * 1000) / 1000


def budget_in_words(  # noqa: PLR0911  (one sentence for each case)
    n: int, policy: PromotionPolicy, discordance: float = DISCORDANCE, uses_left: int | None = None
) -> str:
    """Which gains promote by themselves on *n* held-out images, how often, and what a smaller gain would need.

    *uses_left* are those of a version that has been looked at; None before there is one.
    """
    if uses_left is not None and uses_left <= 0:
        return (
            "all uses of this held-out version are spent, so a person decides every promotion until "
            f"{policy.smallest_held_out:,} new held-out images of all classes make another"
        )
    if n <= 0:
        return "without held-out images nothing promotes by itself"
    if policy.alpha < NO_ALPHA:
        return "nothing is left of alpha, so a person decides every promotion until a new held-out version is made"
    if policy.target_gain == 0:
        return "a gain of 0 points is never proved, so a person decides every promotion; ask for a larger target_gain"
    made, images = budget(n, policy, discordance), f"{n:,} held-out {'image' if n == 1 else 'images'}"
    if n < policy.smallest_held_out:
        return (
            f"with {images} no gain promotes by itself, for the policy asks for {policy.smallest_held_out:,}: "
            f"{policy.smallest_held_out - n:,} more are needed"
        )
    if made.uses == 0:
        needed = images_needed(made.target_gain, policy, discordance)
        return (
            f"with {images} a gain of {points(made.target_gain)} cannot be proved, so a person decides every "
            f"promotion; it would need {_more(needed, n)}"
        )
    uses = "1 use" if made.uses == 1 else f"{made.uses} uses"
    if uses_left is not None:
        uses += f", {uses_left} left"
    only = f"with {images} only gains of {points(made.target_gain)} or more promote by themselves ({uses}), "
    only += f"where two models differ on {percent(discordance)} of them"
    return only + _smaller(n, made, policy, discordance)


def images_needed(gain: float, policy: PromotionPolicy, discordance: float = DISCORDANCE) -> int:
    """Held-out images on which *gain* is found as often as the policy wants uses: four, where it leaves that open."""
    uses = USES_WANTED if policy.target_gain == "auto" else 1
    alpha = policy.alpha / min(uses, policy.largest_number_of_uses)
    if alpha >= POWER:
        return policy.smallest_held_out  # so much is allowed that nothing has to be shown
    return max(policy.smallest_held_out, sample_size(gain, max(discordance, gain), alpha))


def discordance_seen(iterations: Iterable[Iteration]) -> float:
    """The share of held-out images that challenger and champion answered differently, over all gates so far.

    Gates against a base model say nothing about two fine-tuned ones; before there were enough, what is usual.
    """
    ours: set[str] = set()
    images = differing = 0
    for each in iterations:
        if each.decided is not None and each.decided.champion in ours:
            images += each.decided.n
            differing += each.decided.losses + each.decided.wins
        ours |= each.models
    if images < FEWEST_TO_LEARN_FROM:
        return DISCORDANCE
    return max(SMALLEST_DISCORDANCE, differing / images)


def uses_after(state: LoopState, version: HeldOutVersionMade) -> int:
    """Looks at the held-out version that are left after all that the ledger tells."""
    return max(0, version.uses - state.uses_spent)


def first_version(known: Sequence[LabeledImage], state: LoopState, policy: PromotionPolicy) -> Renewal:
    """The version that a loop begins with: every held-out image *known* that is fit to decide."""
    images = tuple(image for image in known if image.digest not in state.unfit_to_decide)
    return Renewal(reason="the first version", images=images, continues=False, alpha=policy.alpha)


def new_version_due(  # noqa: PLR0917  (the state, two sets of images, and what the world says)
    state: LoopState,
    current: Sequence[LabeledImage],
    waiting: Sequence[LabeledImage],
    labels: Sequence[str],
    policy: PromotionPolicy,
    now: datetime,
) -> Renewal | None:
    """The version that has to follow the one in force, whose images are *current*; None while that one stays.

    *waiting* are the held-out images that were in no version yet. A version that is worn out is followed by
    them alone, for a partial refresh would not renew its budget, and only if they make a version by themselves;
    until then a person decides. One that has lost images (leaking, forgotten, disputed, of other classes) is continued
    with what is sound, all that waits, and the alpha that is left.

    Images of versions that are over stay out of training: splits are pinned for good, and a model that
    learned from them could not be compared with earlier ones any more.
    """
    spare = _sound(waiting, state, labels)
    worn = worn_out(state, now)
    if worn and len(spare) >= policy.smallest_held_out and {image.label for image in spare} >= set(labels):
        return Renewal(reason=worn, images=spare, continues=False, alpha=policy.alpha)
    hurt = _hurt(state, current, labels)
    images = (*_sound(current, state, labels), *spare)
    if hurt is None or {image.digest for image in images} == {image.digest for image in current}:
        return None
    return Renewal(reason=hurt, images=images, continues=True, alpha=max(0.0, policy.alpha - alpha_spent(state)))


def worn_out(state: LoopState, now: datetime) -> str | None:
    """Why the version in force may decide no more on its own; None while it may."""
    if state.held_out is not None and state.uses_spent >= state.held_out.uses:
        return f"exhausted: all {state.held_out.uses} uses of {state.held_out.version[:12]} are spent"
    return retired(state, now)


def retired(state: LoopState, now: datetime) -> str | None:
    """Why the version in force is over though it may have uses left; None while it is not."""
    if state.held_out is None or state.held_out_since is None:
        return None
    if promotions(state) >= MOST_PROMOTIONS:
        return f"retired: {state.held_out.version[:12]} has decided {promotions(state)} promotions"
    if now - state.held_out_since > LONGEST_LIFE:
        return f"retired: {state.held_out.version[:12]} dates from {state.held_out_since:%Y-%m-%d}"
    return None


def promotions(state: LoopState) -> int:
    """How many champions the version in force and those it continues have made."""
    versions = {each.version for each in state.held_out_chain}
    return sum(1 for each in state.iterations if each.switched and each.looked and each.looked.version in versions)


def alpha_spent(state: LoopState) -> float:
    """What the looks at the version in force and at those it continues have used up of alpha."""
    price = {each.version: each.alpha_per_use for each in state.held_out_chain}
    return sum(price.get(look.version, 0.0) for look in state.looks)


def _sound(images: Sequence[LabeledImage], state: LoopState, labels: Sequence[str]) -> tuple[LabeledImage, ...]:
    unfit = state.unfit_to_decide
    return tuple(image for image in images if image.digest not in unfit and image.label in labels)


def _hurt(state: LoopState, current: Sequence[LabeledImage], labels: Sequence[str]) -> str | None:
    digests = {image.digest for image in current}
    if leaking := len(digests & state.leaky):
        return f"leaking: {leaking} of its images are nearly training images"
    if gone := len(digests & state.forgotten):
        return f"{gone} of its images were forgotten"
    if doubtful := len(digests & state.disputed):
        return f"{doubtful} of its images have another label elsewhere"
    if state.held_out and state.held_out.classes and set(state.held_out.classes) != set(labels):
        return "the classes of the contract changed"
    return None


def _smaller(n: int, made: Budget, policy: PromotionPolicy, discordance: float) -> str:
    for gain in GAINS_WORTH_NAMING:
        needed = images_needed(gain, policy, discordance)
        if gain < made.target_gain and needed > n:
            return f"; a gain of {points(gain)} would need {_more(needed, n)}"
    return ""


def _more(needed: int, n: int) -> str:
    return "1 image more" if needed - n == 1 else f"{max(0, needed - n):,} images more"
