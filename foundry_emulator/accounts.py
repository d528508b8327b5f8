"""The accounts (Azure calls them resources) that one emulator serves side by side."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Account:
    """One account: its name, the key that opens its data plane, and the region it says it is in."""

    name: str
    api_key: str
    region: str


class Accounts:
    """All accounts; the first one answers where an address names none."""

    def __init__(self, accounts: Sequence[Account]) -> None:
        """Keep *accounts*; ValueError if there is none or two share a name."""
        self._by_name = {account.name: account for account in accounts}
        if not accounts or len(self._by_name) < len(accounts):
            raise ValueError("an emulator needs accounts, each with a name of its own")
        self.default = accounts[0]

    def __iter__(self) -> Iterator[Account]:
        return iter(self._by_name.values())

    def find(self, name: str) -> Account | None:
        """Return the account of this name, None if there is none."""
        return self._by_name.get(name)

    def find_in_any_case(self, name: str) -> Account | None:
        """Return the account of this name, written in any case as in resource ids; None if there is none."""
        lower = name.lower()
        return self.find(name) or next((each for each in self if each.name.lower() == lower), None)
