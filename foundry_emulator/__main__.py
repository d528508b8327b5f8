"""The command line: `python -m foundry_emulator --port N --state DIR`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from foundry_emulator.settings import ONE_BLAS_THREAD, Durations, Settings

_DURATION_OPTIONS = {
    "file_processing": "from upload until a file is processed",
    "job_queue": "from the creation of a job until it may run",
    "deployment_creation": "from the creation of a fine-tuned model deployment until it has succeeded",
    "deployment_propagation": "from then until the model deployment answers",
    "deployment_deletion": "that the deletion of a model deployment takes",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until told to stop; return 0, or 1 after one line on standard error that says why it cannot."""
    given = _parser().parse_args(arguments)
    os.environ.update(ONE_BLAS_THREAD)
    from foundry_emulator.server import CannotServe, serve

    try:
        serve(_settings(given), given.host, given.port)
    except CannotServe as problem:
        sys.stderr.write(f"foundry_emulator: {problem}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    defaults = Settings(state=Path())
    parser = argparse.ArgumentParser(
        prog="foundry_emulator",
        description="Stand in for Azure's fine-tuning services over HTTP; it really learns.",
        epilog="Example: python -m foundry_emulator --port 0 --state ./emulator",
    )
    parser.add_argument("--port", type=int, required=True, help="port to listen on; 0 picks a free one")
    parser.add_argument("--state", type=Path, required=True, help="folder that keeps everything")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--api-key", default=defaults.api_key, help="key of the account (%(default)s)")
    parser.add_argument("--account", default=defaults.account, help="name of the account (%(default)s)")
    parser.add_argument("--region", default=defaults.region, help="where the account says it is (%(default)s)")
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
    return parser


def _settings(given: argparse.Namespace) -> Settings:
    durations = Durations(**{name: getattr(given, f"{name}_seconds") for name in _DURATION_OPTIONS})
    return Settings(
        state=given.state,
        api_key=given.api_key,
        account=given.account,
        region=given.region,
        identity_header=given.identity_header,
        rate_limit_factor=given.rate_limit_factor,
        durations=durations.faster(given.speed),
    )


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
