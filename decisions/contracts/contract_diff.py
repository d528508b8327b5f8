"""What changed from one data contract to another, what of it breaks, and the version that it needs.

A change breaks when images or labels that were accepted before would mean something else or no longer be accepted, or
when the model's answers change. What nobody has judged breaks: a new field of the contract is never passed over.
"""

from pydantic import Field

from data_contracts.image_contract import BalanceRule, ImageContract, LoopContract, NearDuplicateRule
from data_contracts.record import Record
from decisions.contracts.class_changes import class_changes
from decisions.contracts.contract_changes import Change, Step, differing, from_to, step_for
from decisions.contracts.rule_changes import rule_changes

SEEN_ELSEWHERE = frozenset({"version", "digest", "classes", "rules"})
TEXTS = frozenset({"owner"})
HARMLESS = frozenset({"smallest_class", "freshness_days"})
"""They decide when something is trained or told, not which images are accepted as what."""
ALLOWED = frozenset({"roles", "allowed_secrets"})
"""What chats may have: more of it refuses nothing that was accepted."""


class ContractDiff(Record):
    """The differences between two contracts, and whether the version says enough of them."""

    versions: tuple[str, str]
    changes: tuple[Change, ...]
    step: Step
    needed: str | None
    enough: bool
    falls: bool = Field(description="Whether the other's version is lower, which none may be.")

    @property
    def breaking(self) -> tuple[Change, ...]:
        """The changes that break."""
        return tuple(change for change in self.changes if change.breaks)


def contract_diff(one: LoopContract, other: LoopContract) -> ContractDiff:
    """The changes from *one* contract to the *other*.

    `needed` is the lowest version that says what changed, None without a change. `enough` is whether the other's
    version does so for changes that break; others are free to keep their version.
    """
    changes = _changes(one, other)
    step, falls = step_for(changes), _numbers(other.version) < _numbers(one.version)
    return ContractDiff(
        versions=(one.version, other.version),
        changes=changes,
        step=step,
        needed=None if step == "none" else _next(one.version, step),
        falls=falls,
        enough=not falls and (step != "major" or _numbers(other.version)[0] > _numbers(one.version)[0]),
    )


def _changes(one: LoopContract, other: LoopContract) -> tuple[Change, ...]:
    if type(one) is not type(other):
        told = "labels, splits and answers of images mean nothing for chats; begin a new loop"
        return (Change(kind="kind of examples changed", about="schema", told=told, breaks=True),)
    rules: tuple[Change, ...] = ()
    if isinstance(one, ImageContract) and isinstance(other, ImageContract):
        rules = tuple(rule_changes(one.rules, other.rules))
    return (
        *class_changes(one.classes, other.classes),
        *rules,
        *(_field(name, one, other) for name in differing(one, other, but=SEEN_ELSEWHERE)),
    )


IN_THE_FILE = {"smallest_class": "smallestClass", "near_duplicates": "nearDuplicates", "freshness_days": "freshness"}
"""What the contract's file calls the fields that it writes in another way."""


def _field(name: str, one: LoopContract, other: LoopContract) -> Change:
    before, after = getattr(one, name), getattr(other, name)
    return Change(
        kind=f"{name.replace('_', ' ')} changed",
        about=IN_THE_FILE.get(name, name),
        told=from_to(before, after),
        breaks=_breaks(name, before, after),
        texts_only=name in TEXTS,
    )


def _breaks(name: str, before: object, after: object) -> bool:
    if name == "near_duplicates":
        return not _finds_more(before, after)
    if name == "balance":
        return isinstance(after, BalanceRule) and after.severity == "error" and not _looser(before, after)
    if isinstance(before, int) and isinstance(after, int) and name == "most_tokens":
        return after < before
    if isinstance(before, tuple) and isinstance(after, tuple) and name in ALLOWED:
        return not set(before) <= set(after)
    return name not in TEXTS | HARMLESS


def _finds_more(before: object, after: object) -> bool:
    """Whether pictures that were held together still are; else a held-out one may be nearly a training one."""
    if before is None:
        return True
    if not isinstance(before, NearDuplicateRule) or not isinstance(after, NearDuplicateRule):
        return False
    known = before.model_copy(update={"coarse": after.coarse, "fine": after.fine})
    return known == after and after.coarse >= before.coarse and after.fine >= before.fine


def _looser(before: object, after: BalanceRule) -> bool:
    if not isinstance(before, BalanceRule) or before.severity != "error":
        return False
    known = before.model_copy(update={"largest_ratio": after.largest_ratio})
    return known == after and after.largest_ratio >= before.largest_ratio


def _next(version: str, step: Step) -> str:
    major, minor, patch = _numbers(version)
    if step == "major":
        return f"{major + 1}.0.0"
    return f"{major}.{minor + 1}.0" if step == "minor" else f"{major}.{minor}.{patch + 1}"


def _numbers(version: str) -> tuple[int, int, int]:
    major, minor, patch, *_ = [*map(int, version.split(".")), 0, 0]
    return major, minor, patch
