"""Changes of a contract's classes: what images are called, and what the model answers."""

from collections.abc import Mapping, Sequence

from data_contracts.image_contract import ImageClass
from data_contracts.names import folded
from decisions.contracts.contract_changes import Change, differing, from_to


def class_changes(one: Sequence[ImageClass], other: Sequence[ImageClass]) -> list[Change]:
    """Every difference between two contracts' classes."""
    old, new = {each.name: each for each in one}, {each.name: each for each in other}
    gone = [each for each in one if each.name not in new]
    fresh = [each for each in other if each.name not in old]
    renamed = _renamed(gone, fresh)
    changes = [_rename(each, renamed[each.name]) for each in gone if each.name in renamed]
    changes += [_removed(each) for each in gone if each.name not in renamed]
    changes += [_added(each) for each in fresh if each.name not in {new_class.name for new_class in renamed.values()}]
    pairs = [(each, new[each.name]) for each in one if each.name in new]
    pairs += [(each, renamed[each.name]) for each in gone if each.name in renamed]
    changes += [change for before, after in pairs for change in _changed(before, after)]
    return changes or _order(one, other)


def _renamed(gone: Sequence[ImageClass], fresh: Sequence[ImageClass]) -> Mapping[str, ImageClass]:
    """The new class for each old one that lives on: it still goes by the old name, or has the old one's own answer."""
    found: dict[str, ImageClass] = {}
    for each in gone:
        heirs = [new for new in fresh if new not in found.values() and _lives_on(each, new)]
        if heirs:
            found[each.name] = heirs[0]
    return found


def _lives_on(old: ImageClass, new: ImageClass) -> bool:
    known = {folded(name) for name in (new.name, new.answer, *new.aliases)}
    return folded(old.name) in known or folded(old.answer) in known


def _rename(old: ImageClass, new: ImageClass) -> Change:
    return Change(kind="class renamed", about=old.name, told=from_to(old.name, new.name), breaks=True)


def _removed(old: ImageClass) -> Change:
    told = "its images are no longer accepted; retire it to say what becomes of them"
    return Change(kind="class removed", about=old.name, told=told, breaks=True)


def _added(new: ImageClass) -> Change:
    if new.retired:
        return Change(kind="retired class added", about=new.name, told="the model is not asked for it", breaks=False)
    told = f"the model may answer {new.answer}; images that other classes had may belong to it"
    return Change(kind="class added", about=new.name, told=told, breaks=True)


def _changed(old: ImageClass, new: ImageClass) -> list[Change]:
    fields = differing(old, new, but=frozenset({"name", "aliases"}))
    return [*(_field(name, old, new) for name in fields), *_aliases(old, new)]


def _field(name: str, old: ImageClass, new: ImageClass) -> Change:
    before, after = getattr(old, name), getattr(new, name)
    told = from_to(before, after)
    if name == "description":
        return Change(kind="class described anew", about=new.name, told=told, breaks=False, texts_only=True)
    if name == "parent" and before is None:
        return Change(kind="parent added", about=new.name, told=told, breaks=False)
    if name == "retired":
        kind = "class retired" if after else "class no longer retired"
        return Change(kind=kind, about=new.name, told="the model's answers change", breaks=True)
    return Change(kind=f"{name} of class changed", about=new.name, told=told, breaks=True)


def _aliases(old: ImageClass, new: ImageClass) -> list[Change]:
    """Names that come and go; one that is still the class's answer never went."""
    lost = _folded(old.name, *old.aliases) - _folded(new.name, new.answer, *new.aliases)
    more = _folded(*new.aliases) - _folded(old.name, old.answer, *old.aliases)
    changes = []
    if lost:
        told = f"{', '.join(sorted(lost))}: folders of this name are no longer accepted as it"
        changes.append(Change(kind="alias removed", about=new.name, told=told, breaks=True))
    if more:
        changes.append(Change(kind="alias added", about=new.name, told=", ".join(sorted(more)), breaks=False))
    return changes or _spelling(old, new)


def _spelling(old: ImageClass, new: ImageClass) -> list[Change]:
    """Aliases that are written differently and mean the same."""
    if old.aliases == new.aliases:
        return []
    told = from_to(old.aliases, new.aliases)
    return [Change(kind="aliases written anew", about=new.name, told=told, breaks=False, texts_only=True)]


def _folded(*names: str) -> frozenset[str]:
    return frozenset(map(folded, names))


def _order(one: Sequence[ImageClass], other: Sequence[ImageClass]) -> list[Change]:
    """A new order alone: the prompt lists the same classes."""
    if one == other:
        return []
    told = from_to([each.name for each in one], [each.name for each in other])
    return [Change(kind="classes reordered", about="label", told=told, breaks=False)]
