"""Whether a loop may train on its model today and deploy what comes of it, and whether the base model is a baseline."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta

from data_contracts.models import Customer, ModelFacts, Models, OfferedModel, TierRegions, base_of
from data_contracts.record import Record

WARNED_BEFORE = timedelta(days=90)


class Wish(Record):
    """What a loop wants to train and deploy, and as whom."""

    model: str
    images: bool = True
    customer: Customer = "existing"
    region: str | None = None
    training_tier: str
    deployment_tier: str


class ModelVerdict(Record):
    """What speaks against the model, and what will."""

    refusal: str | None = None
    warnings: tuple[str, ...] = ()


class _Ends(Record):
    """When what ends, from the account where it says so, else from the dated file; None is no end known."""

    training: date | None
    base: date | None


def judge_model(wish: Wish, facts: Models, offered: Iterable[OfferedModel], today: date) -> ModelVerdict:
    """May the wish be trained today? A model that the facts lack is warned of, never refused."""
    base = base_of(wish.model)
    known = facts.models.get(base)
    own_word = _own_word(base, offered)
    if known is None:
        return ModelVerdict(warnings=(f"models.yaml of {facts.as_of} does not know {base}; look up when it retires",))
    ends = _ends(known, own_word, wish.customer)
    refusal = _no_fine_tuning(base, known, wish) or _retired(base, ends, today, wish.customer)
    if refusal:
        return ModelVerdict(refusal=f"{refusal}; {_alternatives(facts, offered, wish, today)}")
    return ModelVerdict(
        refusal=_tier_refused(base, known.training_tiers, wish.training_tier, wish, "trained")
        or _tier_refused(base, known.deployment_tiers, wish.deployment_tier, wish, "deployed"),
        warnings=tuple(_warnings(base, known, ends, own_word, today)),
    )


def judge_in_tiers(
    wish: Wish, tiers: Sequence[str], facts: Models, offered: Iterable[OfferedModel], today: date
) -> ModelVerdict:
    """The verdict for the first of the training *tiers* that may be used; where none may, that for the first tier."""
    listed = tuple(offered)
    wishes = (wish.model_copy(update={"training_tier": tier}) for tier in tiers)
    verdicts = [judge_model(each, facts, listed, today) for each in wishes]
    return next((each for each in verdicts if each.refusal is None), verdicts[0])


def is_baseline(model: str, facts: Models, offered: Iterable[OfferedModel], today: date) -> bool:
    """Whether base *model* can still be deployed, so that a challenger can be compared with it."""
    known, own_word = facts.models.get(model), _own_word(model, offered)
    end = _base_end(known, own_word)
    if own_word is not None and own_word.retired and end is None:
        return False
    return end is None or today < end


def _own_word(base: str, offered: Iterable[OfferedModel]) -> OfferedModel | None:
    return next((each for each in offered if each.name == base), None)


def _ends(known: ModelFacts, own_word: OfferedModel | None, customer: Customer) -> _Ends:
    """An account that offers a model and names no end has none."""
    if own_word is None or (own_word.retired and own_word.trainable_until is None):
        return _Ends(training=known.training_ends(customer), base=known.base_until)
    return _Ends(training=own_word.trainable_until, base=_base_end(known, own_word))


def _base_end(known: ModelFacts | None, own_word: OfferedModel | None) -> date | None:
    if own_word is not None and (own_word.deployable_until or not own_word.retired):
        return own_word.deployable_until
    return known.base_until if known else None


def _no_fine_tuning(base: str, known: ModelFacts, wish: Wish) -> str | None:
    if known.trainable_until is None:
        return f"{base} cannot be fine-tuned"
    if wish.images and not known.images:
        return f"{base} cannot be fine-tuned with images"
    return None


def _retired(base: str, ends: _Ends, today: date, customer: Customer) -> str | None:
    if ends.training is None or today < ends.training:
        return None
    return f"{base} cannot be fine-tuned since {ends.training} (customer: {customer})"


def _alternatives(facts: Models, offered: Iterable[OfferedModel], wish: Wish, today: date) -> str:
    listed = tuple(offered)
    found = []
    for name, known in facts.models.items():
        ends = _ends(known, _own_word(name, listed), wish.customer)
        if _no_fine_tuning(name, known, wish) is None and _retired(name, ends, today, wish.customer) is None:
            found.append(f"{name} (until {ends.training})" if ends.training else name)
    if found:
        return f"{' or '.join(found)} can; set base_model in [training]"
    return "no model that is known can; wait for a successor, and keep the champion until it retires"


def _tier_refused(base: str, tiers: Mapping[str, TierRegions] | None, tier: str, wish: Wish, what: str) -> str | None:
    if tiers is None:
        return None
    if tier in tiers and (wish.region is None or tiers[tier].has(wish.region, images=wish.images)):
        return None
    place = f" in {wish.region}" if wish.region else ""
    there = [name for name, each in tiers.items() if wish.region is None or each.has(wish.region, images=wish.images)]
    offer = f"; {' or '.join(there)} is offered" if there else f"; {_elsewhere(tiers, tier)}"
    return f"{base} cannot be {what} as {tier}{place}{offer}"


def _elsewhere(tiers: Mapping[str, TierRegions], tier: str) -> str:
    where = tiers[tier].only if tier in tiers else None
    return f"{tier} is offered in {', '.join(where)}" if where else "choose another region"


def _warnings(base: str, known: ModelFacts, ends: _Ends, own_word: OfferedModel | None, today: date) -> Iterable[str]:
    if ends.training and ends.training - today <= WARNED_BEFORE:
        yield f"{base} can be fine-tuned for {(ends.training - today).days} more days, until {ends.training}"
    if known.fine_tuned_until and known.fine_tuned_until - today <= WARNED_BEFORE:
        yield f"models tuned from {base} can be deployed until {known.fine_tuned_until}"
    if ends.base and ends.base <= today:
        yield f"{base} itself cannot be deployed since {ends.base}, so it is no baseline"
    elif ends.base and ends.base - today <= WARNED_BEFORE:
        yield f"{base} itself can be deployed for {(ends.base - today).days} more days, until {ends.base}"
    elif own_word is not None and ends.base is None and known.base_until <= today:
        yield f"the account still offers {base}, which models.yaml has retired since {known.base_until}"
