"""The local baseline: a small scikit-learn model of the same training images, to say what the large one is worth."""

import hashlib
import time
import warnings
from collections.abc import Sequence
from statistics import median
from typing import Any

from prefect import task

from data_contracts.chat_contract import ChatContract
from data_contracts.evaluation import Answer, LabelProbability, Outcome
from data_contracts.images import LabeledImage
from data_contracts.ledger import HeldOutVersionMade, LocalBaselineMeasured
from data_contracts.policies import PromotionPolicy
from decisions.imaging.texture_features import Vector, texture_features
from decisions.ingestion.retired_classes import still_asked
from tasks.as_sent import as_sent, digest_as_sent
from tasks.datasets import held_out_images, learned
from tasks.labels import labeled_images
from tasks.loop import Loop, Turn, connect
from tasks.retrying import PATIENTLY
from tasks.tables import to_parquet

NAME = "logistic regression on histograms, textures and gradients"
COMPONENTS = 128
STRENGTH = 0.1
"""scikit-learn's C: smaller is smoother. From 60 to 675 photographs it hardly matters."""
SEED = 0


@task(**PATIENTLY)
def measure_local_baseline(
    turn: Turn, version: HeldOutVersionMade, policy: PromotionPolicy
) -> LocalBaselineMeasured | None:
    """Train on what the iteration's model has learned, answer the held-out version; None for chats or where it is off.

    Changed and repeated copies of training images have no part in it. It costs nothing but time.
    """
    loop = connect(turn.folder)
    iteration = loop.iteration(turn.iteration)
    if iteration.local_baseline is not None:
        return iteration.local_baseline
    if policy.local_baseline == "off" or isinstance(loop.contract, ChatContract) or iteration.checkpoint is None:
        return None
    held_out = held_out_images(loop, version)
    images, labels = _training(loop, iteration.checkpoint.checkpoint.model, held_out)
    if not images:
        return None
    began = time.perf_counter()
    model = _fitted([texture_features(as_sent(loop, image)) for image in images], labels)
    seconds = time.perf_counter() - began
    answers = [_answer(loop, model, image) for image in held_out]
    path, table = loop.iteration_path(turn.iteration, "local_baseline.parquet"), to_parquet(answers, Answer)
    loop.store.put(path, table)
    measured = LocalBaselineMeasured(
        version=version.version,
        name=NAME,
        training_images=len(images),
        images=len(answers),
        correct=sum(answer.correct for answer in answers),
        path=path,
        digest=hashlib.sha256(table).hexdigest(),
        seconds_to_train=seconds,
        ms_per_image=median(answer.latency_ms or 0 for answer in answers),
    )
    loop.record(turn, measured)
    return measured


def _training(loop: Loop, model: str, held_out: Sequence[LabeledImage]) -> tuple[list[LabeledImage], list[str]]:
    """The training images that *model* and those that it continues have learned, with their labels as of today.

    Those that a model would see exactly as one of *held_out* were left out of the training file, and are here.
    """
    state = loop.state()
    known = learned(loop, state, model)
    secret = {digest_as_sent(loop, image) for image in held_out}
    images = [
        image
        for image in still_asked(labeled_images(loop, state), loop.contract)
        if image.digest in known and digest_as_sent(loop, image) not in secret
    ]
    return images, [known[image.digest] for image in images]


def _fitted(features: Sequence[Vector], labels: Sequence[str]) -> Any:
    """A classifier with `classes_` and `predict_proba`, the same for the same images in the same order."""
    import numpy as np
    from sklearn.decomposition import PCA
    from sklearn.dummy import DummyClassifier
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    table = np.stack(features)
    if len(set(labels)) == 1:
        return DummyClassifier().fit(table, labels)
    parts = PCA(min(COMPONENTS, *table.shape), svd_solver="full")
    model = make_pipeline(StandardScaler(), parts, LogisticRegression(C=STRENGTH, max_iter=300, random_state=SEED))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a little short of the optimum is good enough here
        return model.fit(table, labels)


def _answer(loop: Loop, model: Any, image: LabeledImage) -> Answer:
    content = as_sent(loop, image)
    began = time.perf_counter()
    shares = model.predict_proba(texture_features(content)[None])[0]
    given = str(model.classes_[shares.argmax()])
    took = time.perf_counter() - began
    return Answer(
        image=image.digest,
        expected=image.label,
        given=given,
        outcome=Outcome.LABEL,
        confidence=float(shares.max()),
        probabilities=tuple(
            LabelProbability(label=str(label), probability=float(share))
            for label, share in zip(model.classes_, shares, strict=True)
        ),
        latency_ms=1000 * took,
        prompt_tokens=0,
        completion_tokens=0,
    )
