"""The data contract over a table of image facts, carried out by Great Expectations."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from data_contracts.errors import ContractBroken
from data_contracts.findings import Findings
from data_contracts.image_contract import ImageContract, Rule
from data_contracts.images import ImageHeader, Refusal, RuleOutcome
from data_contracts.rule_limits import columns_of

if TYPE_CHECKING:
    import pandas as pd

LABEL = "label"
NOT_NULL = "expect_column_values_to_not_be_null"


def check_facts(facts: Sequence[ImageHeader], contract: ImageContract, refused: Sequence[Refusal] = ()) -> Findings:
    """What the rules of *contract* find on *facts*, after what is *refused* already for other reasons.

    A missing value breaks every rule of its column. Files that are no readable images have their reason already and
    are left out. Rules of the table are about the images that nothing refuses. Raises ContractBroken when a rule
    itself cannot run: that is never the images' fault.
    """
    readable = [fact for fact in facts if fact.problem is None]
    broken = _broken_by_row(readable, [rule for rule in contract.rules if rule.column])
    refused = [*refused, *(refusal for rule, refusal in broken if rule.severity == "error")]
    outside = {refusal.file for refusal in refused}
    warned = [refusal for rule, refusal in broken if rule.severity == "warning" and refusal.file not in outside]
    inside = [fact for fact in readable if fact.file not in outside and fact.label is not None]
    told = _broken_by_table(inside, [rule for rule in contract.rules if not rule.column])
    return Findings(
        refused=tuple(refused),
        warned=tuple(warned),
        remarks=tuple(text for rule, text in told if rule.severity == "warning"),
        stopped="; ".join(text for rule, text in told if rule.severity == "error") or None,
        rules=_by_rule(contract, Counter(rule.id for rule, _ in [*broken, *told]), len(readable), len(inside)),
    )


def check_rules(contract: ImageContract) -> None:
    """Raise ContractBroken when Great Expectations does not understand a rule of *contract*; no image is needed."""
    for index, rule in enumerate(contract.rules):
        _expectation(index, rule, rule.expectation, {"column": rule.column} if rule.column else {})


def _by_rule(contract: ImageContract, broken: Mapping[str, int], images: int, inside: int) -> tuple[RuleOutcome, ...]:
    return tuple(
        RuleOutcome(
            rule=rule.id,
            column=rule.column,
            expectation=rule.expectation,
            severity=rule.severity,
            checked=images if rule.column else inside,
            broken=broken[rule.id],
        )
        for rule in contract.rules
    )


def _broken_by_row(readable: Sequence[ImageHeader], rules: Sequence[Rule]) -> list[tuple[Rule, Refusal]]:
    """Each rule with each image that breaks it."""
    if not readable or not rules:
        return []
    expectations = [each for index, rule in enumerate(rules) for each in _by_row(index, rule)]
    found: list[set[int]] = [set() for _ in rules]
    for index, outcome in _outcomes(_table(readable, rules), expectations):
        if "unexpected_index_list" not in outcome.result:
            raise _cannot_run(rules[index], outcome)
        found[index] |= set(outcome.result["unexpected_index_list"] or ())
    return [
        (rule, _refusal(readable[row], rule)) for rule, rows in zip(rules, found, strict=True) for row in sorted(rows)
    ]


def _by_row(index: int, rule: Rule) -> tuple[Any, Any]:
    kwargs = {"column": rule.column}
    return _expectation(index, rule, rule.expectation, kwargs), _expectation(index, rule, NOT_NULL, kwargs, {})


def _broken_by_table(inside: Sequence[ImageHeader], rules: Sequence[Rule]) -> list[tuple[Rule, str]]:
    """Each rule that the images as a whole break, with what is wrong."""
    expectations = [_expectation(index, rule, rule.expectation, {}) for index, rule in enumerate(rules)]
    if not inside:
        return [(rule, f"no image is left for '{rule.id}'. {rule.description}".strip()) for rule in rules]
    if not rules:
        return []
    table = _table(inside, rules)
    outcomes = _outcomes(table, expectations)
    found = [(rules[index], _table_problem(rules[index], outcome, table)) for index, outcome in outcomes]
    return [(rule, f"{problem}. {rule.description}".strip()) for rule, problem in found if problem]


def _table_problem(rule: Rule, outcome: Any, table: "pd.DataFrame") -> str | None:
    """What of the *table* breaks a rule about all of it; a value that is missing counts as one that does."""
    missing = max((int(table[column].isna().sum()) for column in columns_of(rule.kwargs)), default=0)
    result = outcome.result
    if "unexpected_count" in result:
        counted = rule.expectation == NOT_NULL  # a missing value is what this one counts itself
        broken = int(result["unexpected_count"]) + (0 if counted else missing)
        passed = 1 - broken / len(table) >= rule.kwargs.get("mostly", 1)
        return None if passed else f"{broken} of {len(table)} images break '{rule.id}'"
    if missing:
        return f"{missing} of {len(table)} images have no value for '{rule.id}'"
    if "observed_value" not in result:
        raise _cannot_run(rule, outcome)
    if outcome.success:
        return None
    value = result["observed_value"]
    shown = f"{value:.3g}" if isinstance(value, float) else value
    found = f"finds {shown}" if isinstance(value, int | float) else "does not hold"
    return f"'{rule.id}' {found} in {len(table)} images"


def _outcomes(table: "pd.DataFrame", expectations: Sequence[Any]) -> list[tuple[int, Any]]:
    """What Great Expectations says of each, with the number of its rule."""
    from great_expectations import ExpectationSuite

    batch = _batch(table)  # a suite is made in the context that comes with it
    suite = ExpectationSuite(name="contract")
    for expectation in expectations:
        suite.add_expectation(expectation)
    outcome = batch.validate(suite, result_format={"result_format": "COMPLETE"})
    return [(each.expectation_config.meta["rule"], each) for each in outcome.results]


def _expectation(
    index: int, rule: Rule, expectation: str, fixed: dict[str, Any], kwargs: dict[str, Any] | None = None
) -> Any:
    from great_expectations.exceptions.exceptions import GreatExpectationsError
    from great_expectations.expectations.registry import get_expectation_impl

    given = rule.kwargs if kwargs is None else kwargs
    try:
        implementation: Any = get_expectation_impl(expectation)
        return implementation(**fixed, **given, meta={"rule": index})
    except (GreatExpectationsError, ValueError, TypeError) as error:
        problem = _first_problem(error)
        raise ContractBroken(f"Rule '{rule.id}' of {rule.place} cannot be understood: {problem}") from error


def _first_problem(error: Exception) -> str:
    """What is wrong with an argument, without the library's own words around it."""
    found: list[dict[str, Any]] = getattr(error, "errors", list)()
    if not found:
        return " ".join(str(error).split())
    return f"its argument {'.'.join(map(str, found[0]['loc']))}: {found[0]['msg']}"


def _table(facts: Sequence[ImageHeader], rules: Sequence[Rule]) -> "pd.DataFrame":
    """One row for each image, with the columns that the *rules* are about: a batch has many images and facts."""
    import pandas as pd

    columns = {LABEL, *(column for rule in rules for column in (rule.column, *columns_of(rule.kwargs)) if column)}
    return pd.DataFrame({column: [getattr(fact, column) for fact in facts] for column in sorted(columns)})


def _batch(table: "pd.DataFrame") -> Any:
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
    asset = context.data_sources.add_pandas("facts").add_dataframe_asset("images")
    return asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": table})


def _refusal(fact: ImageHeader, rule: Rule) -> Refusal:
    value = getattr(fact, str(rule.column))
    shown = f"{value:.3g}" if isinstance(value, float) else value
    told = f"{rule.column} is {shown}{_allowed(rule)}. {rule.description}"
    return Refusal(file=fact.file, code=rule.id, reason=told.strip())


def _allowed(rule: Rule) -> str:
    """The limits of a rule that has some, as a part of a sentence."""
    least, most = (rule.kwargs.get(name) for name in ("min_value", "max_value"))
    if least is None and most is None:
        return ""
    if least is None or most is None:
        return f", {most} at most" if least is None else f", {least} at least"
    return f", allowed is {least} to {most}"


def _cannot_run(rule: Rule, outcome: Any) -> ContractBroken:
    info = outcome.exception_info
    inner = next(iter(info.values()), {}) if "exception_message" not in info else info
    problem = " ".join(str(inner.get("exception_message") or "it is not about what it is given").split())
    return ContractBroken(f"Rule '{rule.id}' of {rule.place} cannot run: {problem}")
