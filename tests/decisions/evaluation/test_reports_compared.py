"""Two iterations side by side: paired only where a gate paired them."""

from data_contracts.iteration_report import Comparison, IterationReport
from data_contracts.prices import current_prices
from decisions.evaluation.figures import model_figures
from decisions.evaluation.reports_compared import compare_reports
from tests.decisions.builders import FIRST_MODEL, SECOND_MODEL, answer, evaluation


def report(number: int, model: str, *, version: str = "v1", champion: str | None = None) -> IterationReport:
    answers = evaluation(answer("a", "crazing", "crazing"), model=model, version=version)
    found = Comparison(champion=champion or "", n=300, losses=4, wins=20, p_superior=0.0008, interval=(0.02, 0.09))
    return IterationReport(
        loop="steel",
        iteration=number,
        outcome="promoted",
        verdict="PROMOTE",
        action="promote",
        reason="any",
        answered=None,
        comparison=found if champion else None,
        labels=("crazing",),
        models=(model_figures(answers, "challenger", ("crazing",), current_prices()),),
        parent="any",
        model=model,
        dataset=f"dataset {number}",
        examples={"train": 100 * number},
        hyperparameters={"n_epochs": "3"},
        cost=1,
        seconds=60,
    )


def test_a_pair_that_a_gate_counted_is_shown_as_the_gate_found_it() -> None:
    first, second = report(1, FIRST_MODEL), report(2, SECOND_MODEL, champion=FIRST_MODEL)
    compared = compare_reports(first, second)

    assert compared.paired == second.comparison
    assert compare_reports(second, first).paired == second.comparison
    assert "challenger 2 won 20 over challenger 1 and lost 4" in compared.why


def test_a_pair_that_no_gate_counted_is_not_paired_now() -> None:
    compared = compare_reports(report(1, FIRST_MODEL), report(3, SECOND_MODEL, champion="another"))

    assert compared.paired is None
    assert "one more look" in compared.why


def test_models_of_different_held_out_versions_are_said_not_to_compare() -> None:
    compared = compare_reports(report(1, FIRST_MODEL), report(2, SECOND_MODEL, version="v2"))

    assert "different held-out versions" in compared.why


def test_only_what_differs_is_told() -> None:
    told = {
        each.what: (each.first, each.second)
        for each in compare_reports(report(1, FIRST_MODEL), report(2, SECOND_MODEL)).differences
    }

    assert told["train examples"] == ("100", "200")
    assert "n_epochs" not in told
