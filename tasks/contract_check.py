"""The data contract over a table of image facts, carried out by Great Expectations."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from data_contracts.errors import ContractBroken
from data_contracts.image_contract import ImageContract, Rule
from data_contracts.images import ImageHeader, Refusal

if TYPE_CHECKING:
    import pandas as pd

NOT_NULL = "expect_column_values_to_not_be_null"


def broken_rules(facts: Sequence[ImageHeader], contract: ImageContract) -> list[Refusal]:
    """One refusal for each image and rule that it breaks; a missing value breaks every rule of its column.

    Files that are no readable images have their reason already and are left out. Raises ContractBroken when
    a rule itself cannot run: that is never the images' fault.
    """
    readable = [fact for fact in facts if fact.problem is None]
    if not readable or not contract.rules:
        return []
    import pandas as pd

    table = pd.DataFrame([fact.model_dump() for fact in readable])
    return [_refusal(readable[row], rule) for rule, rows in _unexpected(table, contract) for row in rows]


def _unexpected(table: "pd.DataFrame", contract: ImageContract) -> list[tuple[Rule, list[int]]]:
    rules = {f"{index}": rule for index, rule in enumerate(contract.rules)}
    outcome = _batch(table).validate(_suite(rules, contract), result_format={"result_format": "COMPLETE"})
    found: dict[str, set[int]] = {key: set() for key in rules}
    for each in outcome.results:
        rule = rules[each.expectation_config.meta["rule"]]
        if "unexpected_index_list" not in each.result:
            raise ContractBroken(f"Rule '{rule.id}' of '{rule.column}' cannot run: {_problem(each.exception_info)}")
        found[each.expectation_config.meta["rule"]] |= set(each.result["unexpected_index_list"] or ())
    return [(rules[key], sorted(rows)) for key, rows in found.items()]


def _suite(rules: dict[str, Rule], contract: ImageContract) -> Any:
    from great_expectations import ExpectationSuite

    suite = ExpectationSuite(name=f"{contract.id} {contract.version}")
    for key, rule in rules.items():
        suite.add_expectation(_expectation(rule, rule.expectation, rule.kwargs, key))
        suite.add_expectation(_expectation(rule, NOT_NULL, {}, key))
    return suite


def _expectation(rule: Rule, expectation: str, kwargs: dict[str, Any], key: str) -> Any:
    from great_expectations.exceptions.exceptions import GreatExpectationsError
    from great_expectations.expectations.registry import get_expectation_impl

    try:
        implementation: Any = get_expectation_impl(expectation)
        return implementation(column=rule.column, **kwargs, meta={"rule": key})
    except (GreatExpectationsError, ValueError, TypeError) as error:
        problem = " ".join(str(error).split())
        raise ContractBroken(f"Rule '{rule.id}' of '{rule.column}' cannot be understood: {problem}") from error


def _batch(table: "pd.DataFrame") -> Any:
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
    asset = context.data_sources.add_pandas("facts").add_dataframe_asset("images")
    return asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": table})


def _refusal(fact: ImageHeader, rule: Rule) -> Refusal:
    value = getattr(fact, rule.column)
    shown = f"{value:.3g}" if isinstance(value, float) else value
    return Refusal(file=fact.file, code=rule.id, reason=f"{rule.column} is {shown}. {rule.description}".strip())


def _problem(info: Any) -> str:
    inner = next(iter(info.values())) if "exception_message" not in info else info
    return " ".join(str(inner["exception_message"]).split())
