"""The options of the command line, in groups, and the settings that they make."""

from __future__ import annotations

import argparse
import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from foundry_emulator.accounts import Account
from foundry_emulator.content_filter import Filters
from foundry_emulator.controls import fault_script
from foundry_emulator.settings import (
    DEFAULT_ACCOUNT,
    CannotServe,
    DeploymentRules,
    Durations,
    FileQuota,
    Settings,
    Webhook,
    webhook_problem,
)

_ACCOUNT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{1,63}")
_TAKEN_NAMES = frozenset({"openai", "subscriptions", "providers", "identity", "emulator"})
_HEADER_TEXT = re.compile(r"[\x21-\x7e]+")
_LAST_PORT = 65_535
_LARGEST = 1_000_000_000
_LONGEST_SECONDS = 365 * 86_400
_DEFAULTS = Settings(state=Path())
_DURATIONS = {
    "file_processing": "from upload until a file is processed",
    "job_queue": "from the creation of a job until it may run",
    "job_list_lag": "that a created job is missing from the list of jobs",
    "deployment_creation": "from the creation of a fine-tuned model deployment until it has succeeded",
    "deployment_propagation": "from then until the model deployment answers",
    "deployment_deletion": "that the deletion of a fine-tuned model deployment takes",
    "batch_validation": "from the creation of a batch until it is validated",
    "batch_work": "that a batch is in progress at least",
    "batch_finalizing": "from then until it is completed",
    "batch_cancelling": "from the cancellation of a batch until it is cancelled",
    "metrics_delay": "from the end of a minute until metrics show its calls; 0 shows calls at once",
}


def parser_for(program: str) -> argparse.ArgumentParser:
    """Return the parser of the command line; *program* is what its help calls it."""
    parser = argparse.ArgumentParser(
        prog=program,
        usage=f"{program} --port PORT --state STATE [options]",
        description="Stand in for Azure's fine-tuning services over HTTP; it really learns.",
        epilog=f"Example: {program} --port 0 --state ./emulator",
    )
    parser.add_argument("--port", type=_port, required=True, help="port to listen on; 0 picks a free one")
    parser.add_argument("--state", type=_folder, required=True, help="folder that keeps everything")
    parser.add_argument("--host", type=_filled, default="127.0.0.1", help="address to listen on (%(default)s)")
    _add_accounts(parser.add_argument_group("accounts and who may call"))
    _add_files_and_jobs(parser.add_argument_group("files, jobs and models"))
    _add_answers(parser.add_argument_group("answers"))
    _add_model_deployments(parser.add_argument_group("model deployments and money"))
    _add_pace(parser.add_argument_group("how long things take, in seconds"))
    parser.add_argument("--faults", type=Path, metavar="FILE", help="script of faults, in JSON, to set at the start")
    return parser


def settings_from(given: argparse.Namespace) -> Settings:
    """Return what the options ask for; CannotServe if accounts or faults cannot be used."""
    durations = Durations(**{name: getattr(given, f"{name}_seconds") for name in _DURATIONS}).faster(given.speed)
    _check_durations(durations)
    accounts = _accounts(given)
    return Settings(
        state=given.state,
        accounts=accounts,
        identity_header=given.identity_header,
        rate_limit_factor=given.rate_limit_factor,
        durations=durations,
        filters=Filters(tuple(given.filtered_phrase), tuple(given.filtered_answer)),
        jitter=given.jitter,
        require_training_type=given.require_training_type,
        models=given.models,
        enforce_retirement=given.enforce_retirement,
        new_customer=given.new_customer,
        webhooks=tuple(given.webhook),
        faults=_faults(given.faults, accounts),
        file_quota=FileQuota(given.fine_tune_files, given.fine_tune_bytes),
        rules=DeploymentRules(
            without_async_header=given.without_async_header,
            allow_model_change=given.allow_model_change,
            enforce_regions=given.enforce_regions,
            quotas=dict(given.quota),
        ),
        prices=given.prices,
    )


def _add_accounts(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--account",
        action="append",
        type=_account,
        metavar="NAME[,key=KEY][,region=REGION]",
        help=f"an account; say it again for several, the first one needs no name in addresses ({DEFAULT_ACCOUNT.name})",
    )
    group.add_argument(
        "--api-key", type=_key, default=DEFAULT_ACCOUNT.api_key, help="key of accounts without one (%(default)s)"
    )
    group.add_argument(
        "--region", type=_filled, default=DEFAULT_ACCOUNT.region, help="of accounts without one (%(default)s)"
    )
    group.add_argument("--identity-header", type=_key, help="value that X-IDENTITY-HEADER must have (any)")


def _add_files_and_jobs(group: argparse._ArgumentGroup) -> None:
    quota = _DEFAULTS.file_quota
    group.add_argument(
        "--fine-tune-files",
        type=_whole,
        default=quota.fine_tune_files,
        metavar="NUMBER",
        help="fine-tuning files that an account may have (%(default)s)",
    )
    group.add_argument(
        "--fine-tune-bytes",
        type=_whole,
        default=quota.fine_tune_bytes,
        metavar="BYTES",
        help="that they may have in total (%(default)s)",
    )
    group.add_argument(
        "--require-training-type", action="store_true", help="refuse jobs without trainingType, as some regions do"
    )
    group.add_argument("--models", type=Path, metavar="FILE", help="table of base models instead of the package's own")
    group.add_argument(
        "--enforce-retirement", action="store_true", help="refuse what the table says has retired, by the clock"
    )
    group.add_argument(
        "--new-customer", action="store_true", help="training retires with the base model, as for new customers"
    )
    group.add_argument(
        "--webhook",
        action="append",
        type=_webhook,
        default=[],
        metavar="URL,secret=whsec_...",
        help="address that is told of ended jobs; say it again for several",
    )


def _add_answers(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--rate-limit-factor",
        type=_positive,
        default=_DEFAULTS.rate_limit_factor,
        help="times what a capacity unit allows (%(default)s)",
    )
    group.add_argument(
        "--jitter",
        type=_not_negative,
        default=_DEFAULTS.jitter,
        metavar="DEVIATION",
        help="standard deviation of the noise on log-probabilities, another for every request (%(default)s)",
    )
    again = "say it again for several (none)"
    for option, meaning in (
        ("phrase", f"a prompt with this text is refused with content_filter; {again}"),
        ("answer", f"an answer with this text is cut off before it; {again}"),
    ):
        group.add_argument(
            f"--filtered-{option}", action="append", type=_filled, default=[], metavar="TEXT", help=meaning
        )


def _add_model_deployments(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--without-async-header",
        action="store_true",
        help="slow writes of model deployments come without Azure-AsyncOperation; callers poll provisioningState",
    )
    group.add_argument(
        "--allow-model-change", action="store_true", help="a model deployment may be given another model in place"
    )
    group.add_argument(
        "--enforce-regions", action="store_true", help="refuse Standard where Azure does not sell it, by region"
    )
    group.add_argument(
        "--quota",
        action="append",
        type=_quota,
        default=[],
        metavar="NAME=LIMIT",
        help="capacity that an account may hold, such as OpenAI.GlobalStandard.gpt-4o-finetune=500; say it again for"
        " several, * is for all others (10,000,000)",
    )
    group.add_argument("--prices", type=Path, metavar="FILE", help="price table of the meter (the package's own)")


def _add_pace(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--speed", type=_positive, default=1.0, help="divides all of them (%(default)s)")
    for name, meaning in _DURATIONS.items():
        group.add_argument(
            f"--{name.replace('_', '-')}-seconds",
            type=_not_negative,
            default=getattr(_DEFAULTS.durations, name),
            metavar="SECONDS",
            help=f"{meaning} (%(default)s)",
        )


def _check_durations(durations: Durations) -> None:
    for name, seconds in asdict(durations).items():
        if seconds > _LONGEST_SECONDS:
            told = f"--{name.replace('_', '-')}-seconds divided by --speed"
            raise CannotServe(f"{told} is {seconds:g} seconds; at most {_LONGEST_SECONDS:,} (a year) make sense")


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
    # names are the same in any case, as in resource ids
    twice = [name for name, times in Counter(account.name.lower() for account in accounts).items() if times > 1]
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
        fields["api_key" if key == "key" else key] = _key(value) if key == "key" else value
    if not _ACCOUNT_NAME.fullmatch(name) or name in _TAKEN_NAMES:
        raise argparse.ArgumentTypeError(f"{name!r} cannot be an account's name: letters, digits and hyphens, 2 to 64")
    return fields


def _webhook(text: str) -> Webhook:
    url, mark, secret = text.rpartition(",secret=")
    problem = webhook_problem(url, secret) if mark else "it must be URL,secret=whsec_..."
    if problem:
        raise argparse.ArgumentTypeError(problem)
    return Webhook(url, secret)


def _quota(text: str) -> tuple[str, int]:
    from foundry_emulator.control_plane.quotas import parse_limit

    try:
        return parse_limit(text)
    except ValueError as problem:
        raise argparse.ArgumentTypeError(str(problem)) from problem


def _port(text: str) -> int:
    port = _whole(text)
    if port > _LAST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 0 to {_LAST_PORT}")
    return port


def _folder(text: str) -> Path:
    return Path(_filled(text))


def _filled(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("it is empty")
    return text


def _key(text: str) -> str:
    if not _HEADER_TEXT.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} cannot be sent in a header: visible ASCII characters only")
    return text


def _whole(text: str) -> int:
    if not re.fullmatch("[0-9]{1,15}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0")
    return int(text)


def _positive(text: str) -> float:
    value = _not_negative(text)
    if value == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not positive")
    return value


def _not_negative(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= _LARGEST:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to {_LARGEST:,}")
    return value
