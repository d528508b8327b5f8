"""What a Python process of ours needs in its environment: to find this package, and to calculate as the others do."""

import os
from pathlib import Path

# answers are the same to the last bit only with one BLAS thread; the libraries read this when they are loaded
ONE_BLAS_THREAD = {f"{library}_NUM_THREADS": "1" for library in ("OPENBLAS", "OMP", "MKL", "VECLIB_MAXIMUM")}


def python_path() -> str:
    """Return the module search path with the folder that this package was imported from in front."""
    ours = str(Path(__file__).resolve().parents[1])
    inherited = os.environ.get("PYTHONPATH")
    return os.pathsep.join([ours, inherited] if inherited else [ours])
