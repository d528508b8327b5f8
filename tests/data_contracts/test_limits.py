"""The dated limits of the provider that ship with this version."""

from datetime import date

import pytest

from data_contracts.limits import Limit, ProviderLimits, current_limits


@pytest.mark.parametrize("name", ProviderLimits.model_fields)
def test_every_limit_says_of_when_and_from_where_it_is(name: str) -> None:
    limit = getattr(current_limits(), name)

    assert "https://" in limit.source
    assert date(2026, 1, 1) <= limit.as_of


def test_a_limit_without_a_source_is_refused() -> None:
    with pytest.raises(ValueError, match="source"):
        Limit.model_validate({"value": 1, "unit": "files", "as_of": "2026-01-01"})
