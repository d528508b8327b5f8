"""What looks like a secret, and what only speaks of one."""

from typing import get_args

import pytest

from data_contracts.chat_contract import SecretKind
from decisions.ingestion.secrets import PATTERNS, secret_in

TOKEN = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("-----BEGIN RSA PRIVATE " + "KEY-----\nMIIE", "private key"),
        ("-----BEGIN " + "PRIVATE KEY-----", "private key"),
        (f"DefaultEndpointsProtocol=https;AccountName=a;AccountKey={TOKEN}==;", "connection string"),
        ("Server=tcp:db,1433;Database=x;User ID=sa;Password=hunter2;", "connection string"),
        (f"https://a.blob.core.windows.net/c?sv=1&sig={TOKEN}%3D", "shared access signature"),
        ("postgres://kim:hunter2@db.local/parts", "address with a password"),
        ("AKIA" + "ABCDEFGH12345678", "cloud access key"),
        ("AIza" + TOKEN[:35], "cloud access key"),
        ("ghp_" + TOKEN, "service token"),
        ("the key is sk-" + TOKEN, "service token"),
        ("xoxb-" + TOKEN, "service token"),
        (f"Bearer eyJ{TOKEN}.eyJ{TOKEN}.{TOKEN}", "JSON web token"),
        ('"api_key": "3f9a8b7c6d5e4f30"', "key or password"),
        ("Password = Winter2026!", "key or password"),
    ],
)
def test_keys_tokens_and_passwords_are_found(text: str, kind: SecretKind) -> None:
    assert secret_in(text) == kind
    assert secret_in(f"Please use this: {text} thanks") == kind


@pytest.mark.parametrize(
    "text",
    [
        "Ask your shift leader for the password: nobody may write it down.",
        "The key is in the red box at gate 4.",
        "The token ring of line 2 was replaced in 2019.",
        "See https://example.com/manual?page=12#reset or mail desk@example.com.",
        "Part AKIA-12 has the serial number 4711-0815.",
        "sha256 0123456789abcdef0123456789abcdef",
        "",
    ],
)
def test_talk_about_secrets_is_none(text: str) -> None:
    assert secret_in(text) is None


def test_a_kind_that_the_contract_allows_is_no_secret() -> None:
    assert secret_in("ghp_" + TOKEN, allowed=["service token"]) is None


def test_every_kind_that_a_contract_can_name_has_a_pattern() -> None:
    assert PATTERNS.keys() == set(get_args(SecretKind))


@pytest.mark.parametrize("text", ["-eyJ", "Server=a;", "a://b:", "a.b+c-", "password: ", "-----BEGIN A ", "?sig=", "1"])
def test_a_long_text_made_to_be_slow_is_searched_all_the_same(text: str) -> None:
    assert secret_in(text * (1_000_000 // len(text))) is None
