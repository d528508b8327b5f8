"""The command line: `python -m foundry_emulator --port N --state DIR`."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from foundry_emulator.accounts import Account
from foundry_emulator.settings import (
    DEFAULT_ACCOUNT,
    ONE_BLAS_THREAD,
    CannotServe,
    DeploymentRules,
    Durations,
    Settings,
)

_ACCOUNT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{1,63}")
_TAKEN_NAMES = frozenset({"openai", "subscriptions", "providers", "identity", "emulator"})
_DURATION_OPTIONS = {
    "file_processing": "from upload until a file is processed",
    "job_queue": "from the creation of a job until it may run",
    "deployment_creation": "from the creation of a fine-tuned model deployment until it has succeeded",
    "deployment_propagation": "from then until the model deployment answers",
    "deployment_deletion": "that the deletion of a fine-tuned model deployment takes",
    "metrics_delay": "from the end of a minute until metrics show its calls; 0 shows calls at once",
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
    parser.add_argument("--speed", type=_positive, default=1.0, help="divides all durations below (%(default)s)")
    for name, meaning in _DURATION_OPTIONS.items():
        parser.add_argument(
            f"--{name.replace('_', '-')}-seconds",
            type=_not_negative,
            default=getattr(defaults.durations, name),
            help=f"seconds {meaning} (%(default)s)",
        )
    _add_control_plane_options(parser)
    return parser


def _add_control_plane_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--without-async-header",
        action="store_true",
        help="slow writes of model deployments come without Azure-AsyncOperation; callers poll provisioningState",
    )
    parser.add_argument(
        "--allow-model-change", action="store_true", help="a model deployment may be given another model in place"
    )
    parser.add_argument(
        "--enforce-regions", action="store_true", help="refuse Standard where Azure does not sell it, by region"
    )
    parser.add_argument(
        "--quota",
        action="append",
        type=_quota,
        default=[],
        metavar="NAME=LIMIT",
        help="capacity that an account may hold, such as OpenAI.GlobalStandard.gpt-4o-finetune=500; say it again for"
        " several, * is for all others (10,000,000)",
    )
    parser.add_argument("--prices", type=Path, metavar="FILE", help="price table of the meter (the package's own)")


def _settings(given: argparse.Namespace) -> Settings:
    durations = Durations(**{name: getattr(given, f"{name}_seconds") for name in _DURATION_OPTIONS})
    return Settings(
        state=given.state,
        accounts=_accounts(given),
        identity_header=given.identity_header,
        rate_limit_factor=given.rate_limit_factor,
        durations=durations.faster(given.speed),
        rules=DeploymentRules(
            without_async_header=given.without_async_header,
            allow_model_change=given.allow_model_change,
            enforce_regions=given.enforce_regions,
            quotas=dict(given.quota),
        ),
        prices=given.prices,
    )


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


def _quota(text: str) -> tuple[str, int]:
    from foundry_emulator.control_plane.quotas import parse_limit

    try:
        return parse_limit(text)
    except ValueError as problem:
        raise argparse.ArgumentTypeError(str(problem)) from problem


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
