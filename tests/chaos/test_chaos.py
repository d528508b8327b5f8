"""Killed anywhere and disturbed in any way, a run that is started again keeps every promise."""

from collections.abc import Iterator

import pytest
from prefect.settings import PREFECT_API_URL

from tests.chaos.cases import TURNS, Case, Spot, case, spots
from tests.chaos.faults import LATE_AND_LOST
from tests.chaos.harness import Harness, again, harness
from tests.chaos.points import Strike, nameless
from tests.chaos.promises import differences
from tests.chaos.scenarios import SCENARIOS

SEED = 7
CASES = 12
STORY = ["snapshot 000", "before a", "after a", "snapshot 001", "before a", "before a", "before a"]


@pytest.fixture(scope="module")
def chaos(tmp_path_factory: pytest.TempPathFactory, prefect_server: None) -> Iterator[Harness]:
    """A harness with its undisturbed runs recorded."""
    prefect = {"PREFECT_API_URL": str(PREFECT_API_URL.value()), "PREFECT_HOME": str(tmp_path_factory.mktemp("prefect"))}
    with harness(tmp_path_factory.mktemp("chaos"), prefect, scenarios=SCENARIOS[:2]) as ready:
        yield ready


def test_a_dozen_disturbed_runs_keep_every_promise(chaos: Harness) -> None:
    lost = [f"{again(each)}: {each.broken}" for each in chaos.play(SEED, range(CASES)) if not each.survived]

    assert lost == []


@pytest.mark.slow
def test_a_job_bought_late_whose_answer_is_lost_is_looked_for_from_then_on(chaos: Harness) -> None:
    late = Case(
        seed=0, number=0, kind="fault", scenario="first iteration", snapshot="000", fault=LATE_AND_LOST, lags=True
    )
    played = chaos.play_one(late)

    assert (played.struck, played.broken) == (2, [])


def test_a_point_is_counted_from_the_newest_snapshot_before_it_and_told_twice_at_most() -> None:
    found = spots("any", STORY, "snapshot ")

    assert [(each.snapshot, each.strike.point, each.strike.occurrence) for each in found] == [
        ("000", "after a", 1),
        ("000", "before a", 1),
        ("001", "before a", 1),
        ("001", "before a", 2),
    ]


def test_every_point_has_its_turn_before_any_comes_again() -> None:
    known = {"any": [spot(f"before POST /openai/{number}") for number in range(20)]}
    kills = [kill for number in range(20) for kill in case(1, number, known).kills[:1]]
    points = [kill.strike.point for kill in kills if kill.strike]

    assert len(points) == len(set(points))


def test_the_same_case_of_the_same_seed_is_the_same_disturbance() -> None:
    known = {"any": [spot(f"before POST /openai/{number}") for number in range(20)]}

    assert [case(3, number, known) for number in range(len(TURNS))] == [
        case(3, number, known) for number in range(len(TURNS))
    ]


def test_a_name_given_by_chance_does_not_make_another_point_of_it() -> None:
    assert nameless("GET /openai/v1/files/file-8c1f00aa") == nameless("GET /openai/v1/files/file-77d2e1bb")


def test_a_final_state_that_differs_is_told_by_its_place() -> None:
    wanted, found = {"iterations": [{"cost": 1}, {"cost": 2}]}, {"iterations": [{"cost": 1}, {"cost": 3}]}

    assert list(differences(wanted, found)) == ["iterations[1].cost: 3, undisturbed 2"]


def spot(point: str) -> Spot:
    """A place to strike."""
    return Spot(scenario="any", snapshot="000", strike=Strike(point=point))
