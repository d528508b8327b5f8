"""Asking a model the question of a held-out chat, and grading what it says."""

from data_contracts.chat_contract import ChatContract
from data_contracts.evaluation import Answer
from data_contracts.images import LabeledImage
from decisions.evaluation.graders import graded
from decisions.ingestion.chat_check import messages_of
from tasks.as_sent import kept_line
from tasks.loop import Loop


def chat_answer(loop: Loop, contract: ChatContract, model_deployment: str, chat: LabeledImage) -> Answer:
    """What the model answers to all messages of *chat* but the last, graded beside that one."""
    *question, accepted = messages_of(kept_line(loop, chat))
    raw = loop.foundry.reply(model_deployment, question, contract.most_tokens)
    outcome, passed = graded(contract.grader, raw, accepted["content"])
    return Answer(
        image=chat.digest,
        expected=chat.label,
        text=raw.text,
        passed=passed,
        outcome=outcome,
        failure=raw.failure,
        latency_ms=raw.latency_ms,
        prompt_tokens=raw.prompt_tokens,
        completion_tokens=raw.completion_tokens,
    )
