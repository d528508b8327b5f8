"""How often a frozen held-out set may decide before its answers are worn out."""

import math

from scipy.optimize import brentq
from scipy.stats import norm

from data_contracts.policies import PromotionPolicy
from data_contracts.record import Record

DISCORDANCE = 0.06
"""Share of images that two models answer differently, until the first gate has shown it."""
USES_WANTED = 4
LARGEST_GAIN = 0.9


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
    discordance is taken as at least the gain.
    """
    discordance = max(discordance, target_gain)
    spread = math.sqrt(discordance)
    reach = target_gain * math.sqrt(n) - norm.ppf(power) * math.sqrt(discordance - target_gain**2)
    needed = float(norm.sf(reach / spread))
    return needed, math.floor(alpha / needed) if needed > 0 else 10**9


def budget(n: int, policy: PromotionPolicy, discordance: float = DISCORDANCE) -> Budget:
    """The budget of a held-out version of *n* images; no uses when it is too small for the gain wanted."""
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
