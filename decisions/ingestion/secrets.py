"""Secrets in texts, by patterns of what keys, tokens and passwords look like; what they are is never repeated."""

import re
from collections.abc import Collection, Mapping

from data_contracts.chat_contract import SecretKind

VALUE = r"""(?=[^\s"']{0,80}\d)(?=[^\s"']{0,80}[A-Za-z])[^\s"',;]{8,}"""
"""Eight characters or more with a digit and a letter: no word that merely follows `password:`."""
PATTERNS: Mapping[SecretKind, re.Pattern[str]] = {
    "private key": re.compile(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----"),
    "connection string": re.compile(
        r"(?:AccountKey|SharedAccessKey)\s?=\s?[A-Za-z0-9+/]{20,}|Server=[^;]{1,200};.{0,300}?(?:Password|Pwd)=[^;\s]{3,}",
        re.IGNORECASE | re.DOTALL,
    ),
    "shared access signature": re.compile(r"[?&]sig=[A-Za-z0-9%+/]{20,}"),
    "address with a password": re.compile(r"\b[a-z][a-z0-9+.-]{1,20}://[^\s:/@]{1,100}:[^\s/@]{3,100}@", re.IGNORECASE),
    "cloud access key": re.compile(
        r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bAIza[0-9A-Za-z_-]{35}|\b[A-Za-z0-9]{52}JQQJ99[A-Za-z0-9]{20,}"
    ),
    "service token": re.compile(
        r"\bgh[pousr]_[A-Za-z0-9]{30,}|\bgithub_pat_[A-Za-z0-9_]{30,}|\bglpat-[\w-]{20,}|\bxox[abeprs]-[\w-]{10,}"
        r"|\bsk-[\w-]{20,}|\bhf_[A-Za-z0-9]{30,}"
    ),
    "JSON web token": re.compile(r"(?<![\w-])eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}"),
    "key or password": re.compile(
        r"""\b(?:api[_ -]?key|access[_ -]?key|client[_ -]?secret|secret|password|passwd|pwd|token)\b["']?"""
        r"""\s{0,3}[:=]\s{0,3}["']?""" + VALUE,
        re.IGNORECASE,
    ),
}


def secret_in(text: str, allowed: Collection[SecretKind] = ()) -> SecretKind | None:
    """The kind of the first secret that *text* seems to hold, of those that are not *allowed*; None without one."""
    return next((kind for kind, pattern in PATTERNS.items() if kind not in allowed and pattern.search(text)), None)
