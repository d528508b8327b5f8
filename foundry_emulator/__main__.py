"""The command line: `python -m foundry_emulator --port N --state DIR`."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from foundry_emulator.accounts import Account
from foundry_emulator.controls import fault_script
from foundry_emulator.inference.filters import Filters
from foundry_emulator.settings import (
    DEFAULT_ACCOUNT,
    ONE_BLAS_THREAD,
    CannotServe,
    Durations,
    FileQuota,
    Settings,
    Webhook,
    webhook_problem,
)

_ACCOUNT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{1,63}")
_TAKEN_NAMES = frozenset({"openai", "subscriptions", "providers", "identity", "emulator"})
_DURATION_OPTIONS = {
    "file_processing": "from upload until a file is processed",
    "job_queue": "from the creation of a job until it may run",
    "job_list_lag": "that a created job is missing from the list of jobs",
    "deployment_creation": "from the creation of a fine-tuned model deployment until it has succeeded",
    "deployment_propagation": "from then until the model deployment answers",
    "deployment_deletion": "that the deletion of a model deployment takes",
    "batch_validation": "from the creation of a batch until it is validated",
    "batch_work": "that a batch is in progress at least",
    "batch_finalizing": "from then until it is completed",
    "batch_cancelling": "from the cancellation of a batch until it is cancelled",
}


def main(arguments: Sequence[str] | None = None, program: str = "foundry_emulator") -> int:
    """Serve until told to stop; return 0, or 1 after one line on standard error that says why it cannot.

    *program* is what the help calls it.
    """
    given = _parser(program).parse_args(arguments)
    os.environ.update(ONE_BLAS_THREAD)
    from foundry_emulator.server import serve

    try:
        serve(_settings(given), given.host, given.port)
    except CannotServe as problem:
        sys.stderr.write(f"foundry_emulator: {problem}\n")
        return 1
    return 0


def _parser(program: str) -> argparse.ArgumentParser:
    defaults = Settings(state=Path())
    parser = argparse.ArgumentParser(
        prog=program,
        description="Stand in for Azure's fine-tuning services over HTTP; it really learns.",
        epilog=f"Example: {program} --port 0 --state ./emulator",
    )
    parser.add_argument("--port", type=int, required=True, help="port to listen on; 0 picks a free one")
    parser.add_argument("--state", type=Path, required=True, help="folder that keeps everything")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument(
        "--account",
        action="append",
        type=_account,
        metavar="NAME[,key=KEY][,region=REGION]",
        help=f"an account; say it again for several, the first one needs no name in addresses ({DEFAULT_ACCOUNT.name})",
    )
    parser.add_argument("--api-key", default=DEFAULT_ACCOUNT.api_key, help="key of accounts without one (%(default)s)")
    parser.add_argument("--region", default=DEFAULT_ACCOUNT.region, help="of accounts without one (%(default)s)")
    parser.add_argument("--identity-header", help="value that X-IDENTITY-HEADER must have (any)")
    parser.add_argument(
        "--rate-limit-factor",
        type=_positive,
        default=defaults.rate_limit_factor,
        help="times what a capacity unit allows (%(default)s)",
    )
    parser.add_argument(
        "--jitter",
        type=_not_negative,
        default=defaults.jitter,
        metavar="DEVIATION",
        help="standard deviation of the noise on log-probabilities, another for every request (%(default)s)",
    )
    for option, meaning in (("prompt", "refused with content_filter"), ("answer", "cut off before it")):
        parser.add_argument(
            f"--filtered-{'phrase' if option == 'prompt' else 'answer'}",
            action="append",
            default=[],
            metavar="TEXT",
            help=f"{'a prompt' if option == 'prompt' else 'an answer'} with this text is {meaning}; say it again for"
            " several (none)",
        )
    _add_training_options(parser)
        "--fine-tune-files",
        type=int,
        default=defaults.file_quota.fine_tune_files,
        help="fine-tuning files that an account may have (%(default)s)",
    )
    parser.add_argument(
        "--fine-tune-bytes",
        type=int,
        default=defaults.file_quota.fine_tune_bytes,
        help="bytes that they may have in total (%(default)s)",
    )
    parser.add_argument("--speed", type=_positive, default=1.0, help="divides all durations below (%(default)s)")
    parser.add_argument("--faults", type=Path, metavar="FILE", help="script of faults, in JSON, to set at the start")
    for name, meaning in _DURATION_OPTIONS.items():
        parser.add_argument(
            f"--{name.replace('_', '-')}-seconds",
            type=_not_negative,
            default=getattr(defaults.durations, name),
            help=f"seconds {meaning} (%(default)s)",
        )
    return parser


def _add_training_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--require-training-type", action="store_true", help="refuse jobs without trainingType, as some regions do"
    )
    parser.add_argument("--models", type=Path, metavar="FILE", help="table of base models instead of the package's own")
    parser.add_argument(
        "--enforce-retirement", action="store_true", help="refuse what the table says has retired, by the clock"
    )
    parser.add_argument(
        "--new-customer", action="store_true", help="training retires with the base model, as for new customers"
    )
    parser.add_argument(
        "--webhook",
        action="append",
        type=_webhook,
        default=[],
        metavar="URL,secret=whsec_...",
        help="address that is told of ended jobs; say it again for several",
    )


def _settings(given: argparse.Namespace) -> Settings:
    durations = Durations(**{name: getattr(given, f"{name}_seconds") for name in _DURATION_OPTIONS})
    accounts = _accounts(given)
    return Settings(
        state=given.state,
        accounts=accounts,
        identity_header=given.identity_header,
        rate_limit_factor=given.rate_limit_factor,
        durations=durations.faster(given.speed),
        filters=Filters(tuple(given.filtered_phrase), tuple(given.filtered_answer)),
        jitter=given.jitter,
        require_training_type=given.require_training_type,
        models=given.models,
        enforce_retirement=given.enforce_retirement,
        new_customer=given.new_customer,
        webhooks=tuple(given.webhook),
        faults=_faults(given.faults, accounts),
        file_quota=FileQuota(given.fine_tune_files, given.fine_tune_bytes),
    )


def _faults(path: Path | None, accounts: Sequence[Account]) -> list[dict[str, Any]] | None:
    if path is None:
        return None
    try:
        return fault_script.read(path, frozenset(account.name for account in accounts))
    except fault_script.BadScript as problem:
        raise CannotServe(str(problem)) from problem


def _accounts(given: argparse.Namespace) -> tuple[Account, ...]:
    named = given.account or [{"name": DEFAULT_ACCOUNT.name}]
    accounts = tuple(Account(**{"api_key": given.api_key, "region": given.region, **each}) for each in named)
    twice = [name for name, times in Counter(account.name for account in accounts).items() if times > 1]
    if twice:
        raise CannotServe(f"the account {twice[0]!r} is named twice")
    return accounts


def _account(text: str) -> dict[str, str]:
    name, *options = text.split(",")
    fields = {"name": name}
    for option in options:
        key, _, value = option.partition("=")
        if key not in ("key", "region") or not value:
            raise argparse.ArgumentTypeError(f"{option!r} is neither key=KEY nor region=REGION")
        fields["api_key" if key == "key" else key] = value
    if not _ACCOUNT_NAME.fullmatch(name) or name in _TAKEN_NAMES:
        raise argparse.ArgumentTypeError(f"{name!r} cannot be an account's name: letters, digits and hyphens, 2 to 64")
    return fields


def _webhook(text: str) -> Webhook:
    url, mark, secret = text.rpartition(",secret=")
    problem = webhook_problem(url, secret) if mark else "it must be URL,secret=whsec_..."
    if problem:
        raise argparse.ArgumentTypeError(problem)
    return Webhook(url, secret)


def _positive(text: str) -> float:
    value = float(text)
    if value <= 0:
        raise argparse.ArgumentTypeError(f"{text} is not positive")
    return value


def _not_negative(text: str) -> float:
    value = float(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text} is negative")
    return value


if __name__ == "__main__":
    sys.exit(main())
