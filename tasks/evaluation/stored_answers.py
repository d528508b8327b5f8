"""Answers as they are kept: a table in the store, its digest in the ledger."""

import hashlib
from collections.abc import Sequence

from cloud.errors import CloudRefused
from data_contracts.evaluation import Answer, Evaluation
from data_contracts.ledger import AnswerTable, Evaluated
from tasks.loop import Loop
from tasks.tables import from_parquet, to_parquet


def store_answers(loop: Loop, path: str, answers: Sequence[Answer]) -> AnswerTable:
    """Write the table; returns what the ledger is to say about it."""
    table = to_parquet(answers, Answer)
    loop.store.put(path, table)
    return AnswerTable(
        images=len(answers),
        correct=sum(answer.correct for answer in answers),
        path=path,
        digest=hashlib.sha256(table).hexdigest(),
        prompt_tokens=sum(answer.prompt_tokens for answer in answers),
        completion_tokens=sum(answer.completion_tokens for answer in answers),
    )


def stored_evaluation(loop: Loop, evaluated: Evaluated) -> Evaluation:
    """The answers behind a ledger entry; raises CloudRefused when the file is not the one recorded."""
    answers = stored_answers(loop, evaluated.path, evaluated.digest)
    return Evaluation(model=evaluated.model, held_out_version=evaluated.version, answers=answers)


def stored_answers(loop: Loop, path: str, digest: str) -> tuple[Answer, ...]:
    """A table of answers as they count now; raises CloudRefused when the file is not the one recorded."""
    content = loop.store.get(path).content
    if hashlib.sha256(content).hexdigest() != digest:
        raise CloudRefused(f"{path} was changed: it is not the evaluation that the ledger recorded")
    return tuple(as_named_today(loop, answer) for answer in from_parquet(content, Answer))


def as_named_today(loop: Loop, answer: Answer) -> Answer:
    """The answer as it counts now that one of its classes may have a successor."""
    given = answer.given and loop.contract.current(answer.given)
    return answer.model_copy(update={"expected": loop.contract.current(answer.expected), "given": given})
