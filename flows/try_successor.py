"""`try_successor`: the held-out images on another base model, before the present one retires; it promotes nothing."""

from prefect import flow
from prefect.runtime import flow_run

from cloud import lease
from tasks.evaluation.trial import Trial, ask_successor, check_successor, finish_trial, publish_trial
from tasks.loop import connect


@flow(name="try_successor", persist_result=False)
def try_successor(model: str, folder: str = ".") -> Trial:
    """What base *model* answers with the prompt of the loop in *folder*, beside the models that the loop knows.

    It counts as one look at the held-out version in force, unless the model has answered that before. Raises
    WrongInput for a model that cannot be tried, and LeaseHeld while another run works on the loop.
    """
    loop = connect(folder)
    check_successor(folder, model)
    with lease.held(loop.store, loop.name, f"try_successor {flow_run.name}") as held:
        ask_successor(folder, held.fence, model)
        finish_trial(folder, held.fence, model)
    return publish_trial(folder, model)
