"""Two iterations side by side, as `kaizen compare` shows them."""

from pydantic import Field

from data_contracts.iteration_report import Comparison, IterationReport
from data_contracts.record import Record


class Difference(Record):
    """Something in which two iterations differ, in words."""

    what: str
    first: str
    second: str


class ReportsCompared(Record):
    """Two iterations' challengers; paired only where a gate paired them."""

    loop: str
    first: IterationReport
    second: IterationReport
    paired: Comparison | None = Field(description="The gate's own table; None where no gate compared the two.")
    why: str = Field(description="What the paired table says, or why there is none.")
    differences: tuple[Difference, ...]
