"""What a job left: how much it was trained on, and the one checkpoint that goes to the gate."""

from prefect import get_run_logger, task

from cloud.errors import TrainingFailed
from data_contracts.ledger import CheckpointChosen, TrainingFinished, TrainingReconciled
from data_contracts.policies import TrainingPolicy
from decisions.training.checkpoints import choose_checkpoint
from decisions.training.reconciliation import Trained, reconcile
from tasks.loop import Turn, connect
from tasks.retrying import PATIENTLY
from tasks.training.curves import stored_curve


@task(**PATIENTLY)
def reconcile_training(turn: Turn, finished: TrainingFinished, policy: TrainingPolicy) -> TrainingReconciled:
    """Tell how many of the examples sent the job was trained on; `stops` forbids to buy a model deployment."""
    loop = connect(turn.folder)
    iteration = loop.iteration(turn.iteration)
    if iteration.reconciled is not None:
        return iteration.reconciled
    assert iteration.intended is not None
    checkpoints = loop.foundry.checkpoints(finished.job)
    trained = Trained(
        tokens=finished.trained_tokens,
        epochs=finished.hyperparameters.n_epochs,
        batch_size=finished.hyperparameters.batch_size,
        last_step=checkpoints[-1].step if checkpoints else None,
        messages=tuple(event.message for event in loop.foundry.events(finished.job)),
    )
    found = reconcile(
        iteration.intended.sent,
        exact=iteration.intended.exact_tokens,
        trained=trained,
        largest_loss_share=policy.largest_loss_share,
    )
    get_run_logger().info("%s", found.reason)
    reconciled = TrainingReconciled(job=finished.job, **found.model_dump())
    loop.record(turn, reconciled)
    return reconciled


@task(**PATIENTLY)
def choose_best_checkpoint(turn: Turn, job: str) -> CheckpointChosen:
    """Pick the one checkpoint of the job that goes to the gate."""
    loop = connect(turn.folder)
    chosen = loop.iteration(turn.iteration).checkpoint
    if chosen is not None:
        return chosen
    checkpoints = loop.foundry.checkpoints(job)
    if not checkpoints:
        raise TrainingFailed(f"{job} succeeded but left no checkpoint to deploy")
    choice = choose_checkpoint(checkpoints, curve=stored_curve(loop, turn.iteration))
    get_run_logger().info("Checkpoint chosen: %s", choice.reason)
    chosen = CheckpointChosen(**dict(choice))
    loop.record(turn, chosen)
    return chosen
