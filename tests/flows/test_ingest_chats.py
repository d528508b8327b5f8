"""`ingest_images` in a loop of chats: hostile files are refused line by line, the rest is accepted with its split."""

import codecs
from pathlib import Path

import pytest

from data_contracts.images import Split
from data_contracts.ledger import ImagesAccepted
from deployments.forget import forget_images
from flows.ingest_images import ingest_images
from tasks.intake.contract_history import ContractNeedsVersion
from tasks.intake.inbox import inbox_path, late_files
from tasks.intake.quarantine import quarantine_path, refusals
from tasks.labels import dataset_of, image_path, label_history
from tests.foundry_emulator.support import EmulatorProcess
from tests.support.artifacts import artifacts_of
from tests.support.chats import ChatLoop, line, said

pytestmark = pytest.mark.usefixtures("prefect_server")

SIGNED = "Turn it off. Stay safe! Your line desk"
SECRET = "ghp_" + "a1B2c3D4e5" * 4


def example(question: str, answer: str = SIGNED, case: str = "belts") -> bytes:
    return line(said(question, answer), metadata={"case": case})


@pytest.fixture
def desk(tmp_path: Path, foundry: EmulatorProcess) -> ChatLoop:
    """A new loop of chats."""
    assert foundry
    return ChatLoop.make(tmp_path / "desk")


def taken(desk: ChatLoop, batch: str, **files: bytes) -> ImagesAccepted:
    for name, content in files.items():
        desk.put(f"{batch}/{name}.jsonl", content)
    (accepted,) = ingest_images(desk.name)
    return accepted


def test_hostile_lines_go_to_quarantine_with_their_place_and_the_rest_gets_in(desk: ChatLoop) -> None:
    rows = [
        example("Why does it squeak?"),
        b"",
        b"not JSON",
        example("Long?", "x" * 10_000_000),
        example("Which token?", f"{SECRET}. {SIGNED}"),
        example("Caf\u00e9?").replace("\u00e9".encode(), b"\xe9"),
        example("Where is the oil?").replace(b"user", b"robot"),
        example("And the grease?") + b"\r",
    ]
    accepted = taken(desk, "monday", a=b"\n".join(rows), b=codecs.BOM_UTF8 + rows[0])
    refused = {each.file: each.code for each in refusals(desk.loop(), accepted)}

    assert (accepted.accepted, accepted.examples) == (2, "chats")
    assert refused == {
        "a.jsonl:3": "not_a_chat",
        "a.jsonl:4": "too_long",
        "a.jsonl:5": "secret",
        "a.jsonl:6": "not_text",
        "a.jsonl:7": "wrong_roles",
        "b.jsonl": "byte_order_mark",
    }


def test_quarantine_keeps_refused_lines_as_they_came_but_makes_no_copy_of_a_secret(desk: ChatLoop) -> None:
    rows = [b"not JSON\r", example("Which token?", f"{SECRET}. {SIGNED}"), example("Fine?")]
    taken(desk, "monday", a=b"\n".join(rows))
    loop = desk.loop()
    shown = {each.key: str(each.data) for each in artifacts_of(loop.name)}

    assert "a.jsonl:2" in shown[f"{loop.name}-quarantined"]
    assert not [key for key, data in shown.items() if SECRET in data]
    assert not [path for path in loop.store.list("data/") if SECRET.encode() in loop.store.get(path).content]
    assert loop.store.get(quarantine_path(loop, "monday", "a.jsonl")).content == b"not JSON\r\n"


def test_an_accepted_chat_is_kept_by_digest_and_its_group_keeps_its_split(desk: ChatLoop) -> None:
    taken(desk, "monday", a=b"\n".join(example(f"{n}?", case=f"case {n % 5}") for n in range(40)))
    taken(desk, "tuesday", a=b"\n".join(example(f"{n}?", case=f"case {n % 5}") for n in range(30, 80)))
    loop = desk.loop()
    chats = list(label_history(loop.store, loop.state()))

    assert len({each.digest for each in chats}) == len(chats) == 80
    assert len({(each.group, each.split) for each in chats}) == 5
    assert loop.store.get(image_path(chats[0].digest, "chat")).content.startswith(b'{"messages":[{"role":"user"')


def test_another_answer_to_a_known_question_puts_both_in_doubt(desk: ChatLoop) -> None:
    taken(desk, "monday", a=example("Why does it squeak?"))
    second = taken(desk, "tuesday", a=example("Why does it squeak?", "Who knows. Stay safe! Your line desk"))

    assert (second.accepted, second.broken_rules) == (0, {"answer_conflict": 1})
    assert len(desk.loop().state().disputed) == 1


def test_other_files_are_refused_and_late_ones_are_told(desk: ChatLoop) -> None:
    desk.put("monday/readme.txt", b"hello")
    first = taken(desk, "monday", a=example("Why does it squeak?"))
    desk.put("monday/b.jsonl", example("And now?"))

    assert first.broken_rules == {"not_a_chat": 1}
    assert late_files(desk.loop()) == {"monday": 1}
    assert set(first.splits) <= set(map(str, Split))


def test_an_erased_chat_is_blanked_in_delivered_files_and_comes_back_in_no_batch(desk: ChatLoop) -> None:
    rows = [example(f"{n}?", case=f"case {n}") for n in range(3)]
    taken(desk, "monday", a=b"\r\n".join(rows))
    loop = desk.loop()
    wanted, *others = label_history(loop.store, loop.state())
    forget_images(desk.path, [wanted.digest], None, "a name was in it", erase_bytes=True)
    again = taken(desk, "tuesday", a=b"\n".join(rows))
    left = loop.store.get(inbox_path(loop, "monday", "a.jsonl")).content

    assert wanted.source == "monday/a.jsonl:1"
    assert left == b"\n" + rows[1] + b"\r\n" + rows[2]
    assert image_path(wanted.digest, "chat") not in list(loop.store.list("data/images/"))
    assert (again.broken_rules, again.duplicates) == ({"forgotten": 1}, len(others))


def test_chats_are_forgotten_by_the_file_or_batch_that_they_came_from(desk: ChatLoop) -> None:
    taken(desk, "monday", a=example("Why?"), ab=example("When?"))
    forget_images(desk.path, [], "monday/a.jsonl", "wrong", erase_bytes=False)
    loop = desk.loop()

    assert [
        each.source for each in label_history(loop.store, loop.state()) if each.digest in loop.state().forgotten
    ] == ["monday/a.jsonl:1"]


def test_chats_in_a_style_that_is_no_longer_wanted_are_in_no_new_dataset(desk: ChatLoop) -> None:
    old, new = "Stay safe! Your line desk", "Yours, the desk"
    taken(desk, "monday", a=b"\n".join(example(f"{n}?", f"So. {old}") for n in range(5)))
    contract = desk.path / "contract.odcs.yaml"
    contract.write_text(contract.read_text("utf-8").replace(old, new).replace('"1.0.0"', '"2.0.0"'), "utf-8")
    taken(desk, "tuesday", a=b"\n".join(example(f"New {n}?", f"So. {new}") for n in range(3)))
    loop = desk.loop()

    assert [each.source[:7] for each in dataset_of(loop, loop.state()).images] == ["tuesday"] * 3


def test_another_grader_without_a_new_version_takes_no_batch(desk: ChatLoop) -> None:
    taken(desk, "monday", a=example("Why?"))
    contract = desk.path / "contract.odcs.yaml"
    contract.write_text(contract.read_text("utf-8").replace("Stay safe!", "Bye!"), "utf-8")
    desk.put("tuesday/a.jsonl", example("When?"))

    with pytest.raises(ContractNeedsVersion, match="grader changed"):
        ingest_images(desk.name)
