"""`kaizen init`: a new loop's folder, with settings and a data contract that a person can read and edit."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from pydantic import BaseModel

from cloud.errors import SettingsUnreadable
from cloud.settings import FILE, load_settings
from cloud.store import INBOX
from data_contracts.class_answers import answers_for
from data_contracts.contract_file import read_contract
from data_contracts.errors import WrongInput
from data_contracts.policies import DeletionPolicy, PromotionPolicy, TrainingPolicy
from decisions.held_out import budget_in_words
from deployments.chat_draft import ChatDraft, draft_for_chats
from deployments.contract_draft import contract_draft
from deployments.contract_template import shipped_yaml
from deployments.init_images import look_into
from deployments.notebook_env import NotebookEnv, read_env

CONTRACT = "contract.odcs.yaml"
LOCAL = {"subscription": "local", "resource_group": "local", "account": "local"}
LONGEST_NAME = 41

SETTINGS = """\
# Addresses and policies of the loop. KAIZEN_* variables overrule them, as KAIZEN_FOUNDRY__ENDPOINT does.
# Keys are never in here: set KAIZEN_API_KEY, or sign in with Entra ID.
loop = {loop} # names the loop's folders in the store; it never changes
contract = "{contract}"

# [store] # a folder beside this file without it
# account_url = "https://NAME.blob.core.windows.net"

[foundry] # where the loop trains and answers{without_endpoint}
{foundry}

# What is commented out below is in force as it stands.
[training]
{training}

[promotion]
{promotion}

[deletion]
{deletion}
"""
WITHOUT_ENDPOINT = """
# Without an endpoint `kaizen up` starts the emulator. For Azure, fill in:
# endpoint = "https://NAME.openai.azure.com/openai/v1/\""""


def init_loop(folder: Path, images: Path | None, env: Path | None, chats: Path | None = None) -> list[str]:
    """Write kaizen.toml and a data contract into *folder*; returns what to tell.

    Classes and rules come from the class folders in *images*, a contract of chats from the .jsonl file *chats*, else
    the shipped contract is copied; addresses come from the notebook's file *env*, else they are the emulator's.
    WrongInput, and nothing written, when a file is there already, or what is named cannot be used.
    """
    if images and chats:
        raise WrongInput("Name --images or --chats; a loop learns from one kind of examples")
    if folder.exists() and not folder.is_dir():
        raise WrongInput(f"{folder} is no folder; name one for the loop")
    for file in (folder / FILE, folder / CONTRACT):
        if file.exists():
            raise WrongInput(f"{file} is there already and stays as it is; name another folder")
    notebook = read_env(env) if env else None
    loop = _loop_name(folder)
    if chats:
        draft = draft_for_chats(loop, chats)
        _write(folder, _settings(loop, notebook), draft.content)
        return [*_made_for_chats(folder, draft), *_key(notebook, env), _next_for_chats(folder, loop, notebook)]
    drafted = _contract(loop, images)
    _write(folder, _settings(loop, notebook), drafted.content)
    made = _made(folder, drafted.answers, images)
    return [*made, *drafted.provable, *_key(notebook, env), _next(folder, loop, images, notebook)]


def _loop_name(folder: Path) -> str:
    name = re.sub(r"[^a-z0-9]+", "-", folder.resolve().name.casefold()).strip("-")
    return name[:LONGEST_NAME] or "loop"


class _Draft(NamedTuple):
    """A contract's YAML, the answers for its classes, and what the held-out images there are will be able to prove."""

    content: bytes
    answers: Mapping[str, str]
    provable: tuple[str, ...]


def _contract(loop: str, images: Path | None) -> _Draft:
    if images is None:
        content = shipped_yaml()
        return _Draft(content, read_contract(content, name=CONTRACT).answers(), ())
    found = look_into(images)
    answers = answers_for(found.classes)
    content = contract_draft(loop, answers, found.limits, examined=found.examined, unreadable=found.unreadable)
    contract = read_contract(content, name=CONTRACT)
    share = contract.split.held_out
    provable = budget_in_words(round(share * found.files), PromotionPolicy())
    return _Draft(content, contract.answers(), (f"{share:.0%} of {found.files:,} images are held out: {provable}",))


def _settings(loop: str, notebook: NotebookEnv | None) -> str:
    foundry = notebook.foundry if notebook else LOCAL
    return SETTINGS.format(
        loop=_toml(loop),
        contract=CONTRACT,
        without_endpoint="" if notebook else WITHOUT_ENDPOINT,
        foundry="\n".join(f"{name} = {_toml(value)}" for name, value in foundry.items()),
        training=_policy(TrainingPolicy(), "training"),
        promotion=_policy(PromotionPolicy(), "promotion"),
        deletion=_policy(DeletionPolicy(), "deletion"),
    )


def _policy(policy: BaseModel, section: str) -> str:
    """Each setting with its default, commented out, and what it means; a policy in a policy is a section of its own."""
    lines: list[str] = []
    inner: list[str] = []
    for name, field in type(policy).model_fields.items():
        value = getattr(policy, name)
        if isinstance(value, BaseModel):
            inner += ["", f"# [{section}.{name}] # {field.description}", _policy(value, f"{section}.{name}")]
            continue
        lines.append(f"# {name} = {'' if value is None else json.dumps(value)} # {field.description}")
    return "\n".join([*lines, *inner])


def _write(folder: Path, settings: str, contract: bytes) -> None:
    with TemporaryDirectory() as trial:
        (Path(trial) / FILE).write_text(settings, "utf-8")
        _check(Path(trial), folder)
    folder.mkdir(parents=True, exist_ok=True)
    for file, content in ((folder / CONTRACT, contract), (folder / FILE, settings.encode())):
        with file.open("xb") as out:
            out.write(content)


def _check(trial: Path, folder: Path) -> None:
    """Read the settings once before they are written; what is wrong by now comes from KAIZEN_* variables."""
    try:
        load_settings(trial)
    except SettingsUnreadable as error:
        raise SettingsUnreadable(str(error).replace(str(trial), str(folder))) from error


def _made(folder: Path, classes: Mapping[str, str], images: Path | None) -> list[str]:
    if images is None:
        about = "the shipped example about steel surfaces; put your classes and rules in"
    else:
        told = (name if name == answer else f"{answer} for {name}" for name, answer in classes.items())
        about = f"{len(classes)} classes, which the model answers as {', '.join(told)}; describe them there"
    return [f"Wrote {folder / FILE}", f"Wrote {folder / CONTRACT}: {about}"]


def _made_for_chats(folder: Path, draft: ChatDraft) -> list[str]:
    refused = f"; {len(draft.refused)} lines are none, such as {draft.refused[0].file}" if draft.refused else ""
    why = f": {draft.refused[0].reason}" if draft.refused else ""
    about = f"drafted from {draft.accepted} chats{refused}{why}; say there when an answer is right"
    return [f"Wrote {folder / FILE}", f"Wrote {folder / CONTRACT}: {about}"]


def _next_for_chats(folder: Path, loop: str, notebook: NotebookEnv | None) -> str:
    start = f"kaizen ingest --loop {folder}" if notebook else f"kaizen up --loop {folder}"
    return f"Next: put the file into {folder / 'store' / INBOX / loop}/BATCH/, then {start}"


def _key(notebook: NotebookEnv | None, env: Path | None) -> list[str]:
    if notebook is None or not notebook.has_key:
        return []
    return [f"The api_key in {env} was not copied; set it for the shell: export KAIZEN_API_KEY=..."]


def _next(folder: Path, loop: str, images: Path | None, notebook: NotebookEnv | None) -> str:
    if images is not None:
        deliver = f"then put them into {folder / 'store' / INBOX / loop}/BATCH/CLASS/ and run kaizen ingest"
        return f"Next: kaizen check-images {images} --contract {folder / CONTRACT}, {deliver}"
    start = f"kaizen ingest --loop {folder}" if notebook else f"kaizen up --loop {folder}"
    return f"Next: put images into {folder / 'store' / INBOX / loop}/BATCH/CLASS/, then {start}"


def _toml(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)
