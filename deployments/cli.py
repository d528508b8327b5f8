"""`kaizen`: a thin shell over flows and decisions; errors are one line that says what to do."""

import sys

import click

from data_contracts.errors import KaizenError
from deployments import cli_images, cli_loop, cli_servers
from deployments.cli_options import FAILED, INTERRUPTED, complain
from deployments.interrupts import interrupted, remember_interrupts


def main() -> None:
    """Run the command line and exit with its code."""
    remember_interrupts()
    try:
        code = cli.main(prog_name="kaizen", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(error.exit_code)
    except click.UsageError as error:
        sys.exit(_wrong_usage(error))
    except (KeyboardInterrupt, click.Abort):
        sys.exit(_stopped())
    except (KaizenError, OSError) as error:  # OSError: a full disk, a file where a folder should be, no permission
        sys.exit(_stopped() if interrupted() else _failed(error))
    except Exception:
        if not interrupted():
            raise
        sys.exit(_stopped())  # a library stumbled over Ctrl-C
    sys.exit(code if isinstance(code, int) else 0)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="kaizen")
def cli() -> None:
    """Keep a fine-tuned vision model good in production.

    Example: kaizen demo
    """


for command in (
    cli_servers.demo,
    cli_servers.up,
    cli_servers.emulator,
    cli_loop.init,
    cli_images.check_images,
    cli_images.ingest,
    cli_loop.plan,
    cli_loop.improve,
    cli_loop.approve,
    cli_loop.pause,
    cli_loop.resume,
    cli_loop.evidence,
    cli_loop.trial,
    cli_images.forget,
    cli_images.contract,
    cli_loop.compare,
    cli_loop.roll_back,
    cli_loop.revive,
    cli_loop.cost,
    cli_loop.ledger,
):
    cli.add_command(command)


def _wrong_usage(error: click.UsageError) -> int:
    command, text = error.ctx.command_path if error.ctx else "kaizen", error.format_message()
    complain(f"{text}{'' if text.endswith(('.', '?', '?)')) else '.'} See {command} --help")
    return error.exit_code


def _failed(error: Exception) -> int:
    complain(str(error))
    return FAILED


def _stopped() -> int:
    complain("stopped; the same command continues where this one was")
    return INTERRUPTED


if __name__ == "__main__":
    main()
