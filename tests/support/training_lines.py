"""The picture in a training line, read from the line itself."""

import base64
import json
import tempfile
from pathlib import Path

from data_contracts.policies import TrainingPolicy
from decisions.training.class_balance import Appearance
from tasks.loop import Loop
from tasks.training.training_lines import write_jsonl


def picture_in_line(loop: Loop, appearance: Appearance, policy: TrainingPolicy) -> bytes:
    """The JPEG that a training file has for the *appearance*: the image as sent, or its copy."""
    with tempfile.TemporaryDirectory() as folder:
        write_jsonl(loop, [appearance], policy, Path(folder) / "one.jsonl")
        line = json.loads((Path(folder) / "one.jsonl").read_bytes())
    url = line["messages"][1]["content"][0]["image_url"]["url"]
    return base64.b64decode(url.partition("base64,")[2], validate=True)
