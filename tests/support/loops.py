"""A loop's folder for a test: images, contract, settings, and what flows make of them."""

import io
import os
import shutil
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from cloud.store import INBOX
from tasks.loop import Loop, connect

CONTRACT = Path(__file__).resolve().parents[2] / "data_contracts" / "steel_surface.odcs.yaml"
PER_CLASS = 40

SETTINGS = """\
loop = "{loop}"

[foundry]
subscription = "any"
resource_group = "any"
account = "local"
capacity = 5000

[training]
settling_minutes = 0.02
smallest_addition = {smallest_addition}
restart_share = 10 # second iterations continue, however few images the first one had

[promotion]
when_inconclusive = "ask"
"""


def images_to_learn_from(folder: Path, per_class: int = PER_CLASS) -> Path:
    """A folder of class folders: photographs from KAIZEN_TEST_IMAGES, else drawn ones."""
    photographs = os.environ.get("KAIZEN_TEST_IMAGES")
    if photographs:
        return _some(Path(photographs), folder, per_class)
    from examples.steel_surface import draw_folder

    draw_folder(folder, per_class)
    return folder


def _some(source: Path, folder: Path, per_class: int) -> Path:
    for kind in sorted(each for each in source.iterdir() if each.is_dir()):
        target = folder / kind.name
        target.mkdir(parents=True, exist_ok=True)
        for file in sorted(kind.iterdir())[:per_class]:
            shutil.copy(file, target / file.name)
    return folder


@dataclass(frozen=True)
class LoopFolder:
    """A loop's folder, to deliver images to and to look into."""

    path: Path

    @classmethod
    def make(cls, path: Path, *, smallest_addition: int = 20) -> "LoopFolder":
        """A new loop in *path* with the steel contract and a name of its own."""
        path.mkdir(parents=True, exist_ok=True)
        shutil.copy(CONTRACT, path / "contract.odcs.yaml")
        settings = SETTINGS.format(loop=f"steel-{uuid.uuid4().hex[:6]}", smallest_addition=smallest_addition)
        (path / "kaizen.toml").write_text(settings)
        return cls(path)

    @property
    def name(self) -> str:
        """The folder as flows and tasks take it."""
        return str(self.path)

    def loop(self) -> Loop:
        """The loop as it stands now."""
        return connect(self.name)

    def deliver(self, batch: str, files: Iterable[Path]) -> None:
        """Put *files*, each in its class folder, into the inbox."""
        for file in files:
            self.put(f"{batch}/{file.parent.name}/{file.name}", file.read_bytes())

    def put(self, file: str, content: bytes) -> None:
        """Put one *file*, as BATCH/CLASS/NAME, into the inbox."""
        loop = self.loop()
        loop.store.put(f"{INBOX}/{loop.name}/{file}", content)


def nearly_the_same(file: Path) -> bytes:
    """The picture with one bit of one pixel changed, without loss."""
    picture = Image.open(file).convert("RGB")
    red, green, blue = picture.getpixel((0, 0))  # type: ignore[misc]
    picture.putpixel((0, 0), (red, green, blue ^ 1))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()
