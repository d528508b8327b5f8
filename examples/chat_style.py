"""Makes chats of a help desk at the line, all answered in one style: short, friendly, and with the same sign-off."""

import argparse
import json
import random
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path

SYSTEM = "You are the help desk of the line. Answer briefly."
SIGN_OFF = "Stay safe! Your line desk"
MACHINES = {
    "belt 3": "the drive roller",
    "the palletizer": "the gripper",
    "press 2": "the hydraulic valve",
    "the labeler": "the print head",
    "the wrapper": "the film carriage",
    "oven 1": "the fan",
    "the mixer": "the gearbox",
    "the filler": "the nozzle",
    "crane 5": "the rope drum",
    "the sorter": "the light barrier",
}
TROUBLES = {
    "squeaks": ("is dry", "Put two drops of oil on it and listen again"),
    "stands still": ("is blocked", "Press the red button, free it by hand and start anew"),
    "runs too slowly": ("is worn", "Lower the load and order a spare part"),
    "smells burnt": ("is overheating", "Switch it off at once and call the electrician"),
    "leaks": ("has a loose seal", "Tighten its screws and put a tray below"),
    "shakes": ("is out of balance", "Slow down and check its bolts"),
    "shows error 17": ("lost its sensor", "Wipe the sensor and confirm the error"),
    "beeps": ("waits for a confirmation", "Confirm the message on the panel"),
}
QUESTIONS = (
    "Why is it that {machine} {trouble}?",
    "Hello, {machine} {trouble}. What now?",
    "{Machine} {trouble} since this morning, what should I do?",
    "Quick question: {machine} {trouble}, is that bad?",
    "My shift leader says {machine} {trouble}. Any idea?",
    "Help, {machine} {trouble} again!",
)
OPENINGS = ("Good that you ask.", "No worries.", "Thanks for telling us.", "That happens.")


def chats(seed: int = 1) -> Iterator[str]:
    """Every question about every machine and trouble once, mixed, as lines of a .jsonl file without their ends.

    The same seed gives the same lines. `metadata.case` tells which of them are about the same case.
    """
    dice = random.Random(seed)
    asked = list(product(MACHINES, TROUBLES, QUESTIONS))
    dice.shuffle(asked)
    for machine, trouble, question in asked:
        said = question.format(machine=machine, Machine=machine[0].upper() + machine[1:], trouble=trouble)
        yield _line(said, _answer(machine, trouble, dice), f"{machine} {trouble}")


def write_batches(inbox: Path, batches: int = 2, seed: int = 1) -> list[Path]:
    """Share all chats among *batches* in the folder *inbox*; returns the file of each."""
    lines, files = list(chats(seed)), []
    for number in range(batches):
        file = inbox / f"batch-{number + 1}" / "chats.jsonl"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join(lines[number::batches]) + "\n", encoding="utf-8", newline="\n")
        files.append(file)
    return files


def _answer(machine: str, trouble: str, dice: random.Random) -> str:
    cause, advice = TROUBLES[trouble]
    return f"{dice.choice(OPENINGS)} I think {MACHINES[machine]} {cause}. {advice}. {SIGN_OFF}"


def _line(question: str, answer: str, case: str) -> str:
    messages = [
        {"role": "system", "content": SYSTEM},
        {"role": "user", "content": question},
        {"role": "assistant", "content": answer},
    ]
    return json.dumps({"messages": messages, "metadata": {"case": case}}, ensure_ascii=False)


def main(arguments: list[str] | None = None) -> int:
    """Write batches of chats as the command line asks; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m examples.chat_style", description=__doc__)
    parser.add_argument("inbox", type=Path, help="where to write batch-1/chats.jsonl and so on")
    parser.add_argument("--batches", type=int, default=2, help="among how many to share the chats (default: 2)")
    options = parser.parse_args(arguments)
    if options.batches < 1:
        sys.stderr.write(f"chat_style: {options.batches} batches hold no chats; ask for one or more\n")
        return 1
    for file in write_batches(options.inbox, options.batches):
        sys.stdout.write(f"{file}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
