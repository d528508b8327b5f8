"""How many examples a job really trained on: services leave some out silently, but they bill only what they used."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from fractions import Fraction

from pydantic import Field

from data_contracts.record import Record
from data_contracts.training import SentExamples
from decisions.training.preflight import Sent
from decisions.training.tokens import image_tokens

SMALLEST_TEXT_SHARE = Fraction(1, 2)
"""Real tokens of a text over our upper estimate, at the least: English has four to six bytes a token, not three."""
FORMAT_TOKENS = 12
"""Of an image's chat, for the form of its messages, at the most: whether Azure bills them is not documented."""
LEFT_OUT = r"(?:excluded|skipped|left out|filtered|removed|dropped|moderated)"
THINGS = r"(?:images?|examples?|lines?|rows?)"
TOLD = re.compile(LEFT_OUT, re.IGNORECASE)
COUNT_TOLD = re.compile(
    rf"(\d[\d,]*)(?: of \d[\d,]*)? (?:\w+ )?(?:{THINGS} )?(?:was|were|have been|has been)? ?{LEFT_OUT}"
    rf"|{LEFT_OUT} (\d[\d,]*) (?:\w+ )?{THINGS}\b",
    re.IGNORECASE,
)
"""The number has to stand beside what was done: `5 images were skipped`, `excluded 1,200 examples`."""
NEXT_STEPS = (
    "no model deployment was bought; replace images that show people, faces or captchas, which Azure leaves out, "
    "or raise largest_loss_share"
)


class Trained(Record):
    """What the service said about a job that succeeded; None for what it did not say."""

    tokens: int | None = None
    epochs: int | None = None
    batch_size: int | None = None
    last_step: int | None = None
    messages: tuple[str, ...] = ()


class Reconciliation(Record):
    """Between how many and how many of the examples sent were trained on, and whether that is too few."""

    sent: int
    at_least: int
    at_most: int
    loss_share: float | None = Field(description="Of the examples sent, most likely; None where nothing is known.")
    classes_at_risk: tuple[str, ...] = Field((), description="Classes that may be missing as a whole.")
    stops: bool
    reason: str


def sent_examples(examples: Iterable[Sent], detail: str) -> tuple[SentExamples, ...]:
    """The training file by class and tokens, small enough for the ledger."""
    counts = Counter(
        (each.label, each.text_tokens, image_tokens(each.width, each.height, detail) if each.image_bytes else 0)
        for each in examples
    )
    return tuple(
        SentExamples(label=label, text_tokens=text, image_tokens=image, examples=count)
        for (label, text, image), count in sorted(counts.items())
    )


def reconcile(
    sent: Sequence[SentExamples], *, exact: bool, trained: Trained, largest_loss_share: float
) -> Reconciliation:
    """Compare what was *sent* with what was *trained*; *exact* says that the texts' tokens are no estimates.

    Bounds come from the bill (tokens over epochs), from the steps of an epoch, and from what the job's messages tell.
    Without any of these nothing is known, and nothing stops.
    """
    total = sum(each.examples for each in sent)
    if exact and _all_but_the_form(sent, total, trained):
        reason = f"Azure trained on all {total:,} examples and bills less of each chat's form than was counted"
        return Reconciliation(sent=total, at_least=total, at_most=total, loss_share=0, stops=False, reason=reason)
    bounds = _bounds(sent, total, trained, exact=exact) if total else None
    if bounds is None:
        unknown = f"Azure did not say on how many of the {total:,} examples it trained"
        reason = unknown if total else "the ledger does not say how many examples were sent"
        return Reconciliation(sent=total, at_least=0, at_most=total, loss_share=None, stops=False, reason=reason)
    at_least, at_most = bounds
    lost = _likely_loss(sent, total, trained, bounds) if exact else total - at_most
    at_risk = _classes_at_risk(sent, total - at_least, trained) if lost else ()
    share = lost / total
    stops = share > largest_loss_share or bool(at_risk)
    return Reconciliation(
        sent=total,
        at_least=at_least,
        at_most=at_most,
        loss_share=share,
        classes_at_risk=at_risk,
        stops=stops,
        reason=_reason(sent, trained, (total, at_least, at_most, lost), largest_loss_share, at_risk, stops=stops),
    )


def _all_but_the_form(sent: Sequence[SentExamples], total: int, trained: Trained) -> bool:
    """Whether the bill is short by the same few tokens for every example: that is how chats are counted, no loss."""
    if trained.tokens is None or not trained.epochs or not total or _told(trained.messages):
        return False
    short = sum(_most(each) * each.examples for each in sent) - Fraction(trained.tokens, trained.epochs)
    each = short / total
    return each.denominator == 1 and 0 < each <= FORMAT_TOKENS


def _bounds(sent: Sequence[SentExamples], total: int, trained: Trained, *, exact: bool) -> tuple[int, int] | None:
    """Fewest and most examples trained on; the bill counts before the steps where the two disagree."""
    known = [each for each in (_by_bill(sent, trained, exact=exact), _by_steps(total, trained)) if each]
    told = _told(trained.messages)
    if not known and not told:
        return None
    low, high = known[0] if known else (0, total)
    for other in known[1:]:
        if max(low, other[0]) <= min(high, other[1]):
            low, high = max(low, other[0]), min(high, other[1])
    left = total - min(told, total)
    if not told or (known and not low <= left <= high):
        return low, high  # a message that the bill contradicts counts something else
    return min(low, left), left


def _by_bill(sent: Sequence[SentExamples], trained: Trained, *, exact: bool) -> tuple[int, int] | None:
    """The fewest examples that can have cost the bill are the longest ones, the most are the shortest."""
    if trained.tokens is None or not trained.epochs:
        return None
    left, fewest = Fraction(trained.tokens, trained.epochs), 0
    for tokens, count in sorted(((_most(each), each.examples) for each in sent), reverse=True):
        used = min(count, math.ceil(left / tokens)) if tokens else 0
        fewest, left = fewest + used, max(Fraction(0), left - used * tokens)
    left, most = Fraction(trained.tokens, trained.epochs), 0
    for least, count in sorted((_least(each, exact=exact), each.examples) for each in sent):
        used = min(count, math.floor(left / least)) if least else count
        most, left = most + used, left - used * least
        if used < count:
            break
    return fewest, max(fewest, most)


def _by_steps(total: int, trained: Trained) -> tuple[int, int] | None:
    """An epoch has as many steps as there are batches, the last of which may be short or left out."""
    if not (trained.epochs and trained.batch_size and trained.last_step) or trained.last_step % trained.epochs:
        return None
    steps = trained.last_step // trained.epochs
    return min(total, (steps - 1) * trained.batch_size + 1), min(total, (steps + 1) * trained.batch_size - 1)


def _told(messages: Iterable[str]) -> int:
    """How many examples the job's messages say were left out; 0 where they say nothing."""
    found = (COUNT_TOLD.search(message) for message in messages)
    return max((int((match[1] or match[2]).replace(",", "")) for match in found if match), default=0)


def _likely_loss(sent: Sequence[SentExamples], total: int, trained: Trained, bounds: tuple[int, int]) -> int:
    """Lost examples if those had the mean length; within the bounds."""
    at_least, at_most = bounds
    tokens = sum(_most(each) * each.examples for each in sent)
    if trained.tokens is None or not trained.epochs or not tokens:
        return total - at_most
    likely = round(total * (1 - Fraction(trained.tokens, trained.epochs) / tokens))
    return min(total - at_least, max(total - at_most, likely))


def _classes_at_risk(sent: Sequence[SentExamples], lost_at_most: int, trained: Trained) -> tuple[str, ...]:
    """Classes of no more examples than may be lost, without which the rest could still have cost the bill."""
    sizes: Counter[str] = Counter()
    for each in sent:
        sizes[each.label] += each.examples
    return tuple(
        label for label, size in sorted(sizes.items()) if size <= lost_at_most and _rest_pays(sent, label, trained)
    )


def _rest_pays(sent: Sequence[SentExamples], label: str, trained: Trained) -> bool:
    if trained.tokens is None or not trained.epochs:
        return True
    rest = sum(_most(each) * each.examples for each in sent if each.label != label)
    return rest * trained.epochs >= trained.tokens


def _most(each: SentExamples) -> int:
    return each.image_tokens + each.text_tokens


def _least(each: SentExamples, *, exact: bool) -> Fraction:
    return each.image_tokens + each.text_tokens * (Fraction(1) if exact else SMALLEST_TEXT_SHARE)


def _reason(
    sent: Sequence[SentExamples],
    trained: Trained,
    counts: tuple[int, int, int, int],
    largest_loss_share: float,
    at_risk: Sequence[str],
    *,
    stops: bool,
) -> str:
    total, at_least, at_most, lost = counts
    number = f"{at_most:,}" if at_least == at_most else f"{at_least:,} to {at_most:,}"
    parts = [f"Azure trained on {number} of {total:,} examples"]
    if lost:
        parts[0] += f", so {lost / total:.1%} were lost; {largest_loss_share:.1%} may be"
    if trained.tokens is not None and trained.epochs:
        parts[0] += f" ({trained.tokens:,} billed tokens in {trained.epochs} epochs)"
    for label in at_risk:
        size = sum(each.examples for each in sent if each.label == label)
        parts.append(f"all {size:,} examples of {label} may be among the lost" if label else "all may be lost")
    parts += [f'Azure said "{message}"' for message in trained.messages if TOLD.search(message)][:1]
    return "; ".join([*parts, NEXT_STEPS] if stops else parts)
