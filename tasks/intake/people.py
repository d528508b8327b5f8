"""A forecast of the images that Azure would skip for people or faces, by OpenCV's bundled detectors."""

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

from data_contracts.errors import WrongInput
from decisions.imaging.images import as_model_sees

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Grey = NDArray[np.uint8]

Found = Literal["face", "person"]
Finder = Callable[[bytes], Found | None]
FRONTAL, PROFILE = "haarcascade_frontalface_default.xml", "haarcascade_profileface.xml"
SMALLEST_FACE_SHARE = 0.1
"""Of the shorter side; smaller faces are not found."""
NEIGHBOURS = 10
"""Overlapping finds that make a face: at 6, one photograph of steel in 40 has one, at 10 none of 225."""
WORKING_SIDE = 640
PERSON_WINDOW = (64, 128)
PERSON_SCORE = 1.0
"""Distance from the detector's border from which a find counts."""


def people_finder() -> Finder:
    """What an image file shows of people, as far as the detectors see; None for nobody and for unreadable files.

    Raises WrongInput where OpenCV, the extra `people`, is not installed.
    """
    try:
        cv2: Any = import_module("cv2")  # its own types are wrong where it is used here
    except ImportError:
        raise WrongInput("OpenCV is not installed; install it with: pip install 'opencv-python-headless<5'") from None
    frontal, profile = (cv2.CascadeClassifier(cv2.data.haarcascades + name) for name in (FRONTAL, PROFILE))
    people = cv2.HOGDescriptor()
    people.setSVMDetector(cv2.HOGDescriptor.getDefaultPeopleDetector())

    def find(content: bytes) -> Found | None:
        grey = _grey(cv2, content)
        if grey is None:
            return None
        mirrored = grey[:, ::-1].copy()  # the profile detector knows one side of the face only
        if _has_face(frontal, grey) or _has_face(profile, grey) or _has_face(profile, mirrored):
            return "face"
        return "person" if _has_person(people, grey) else None

    return find


def _grey(cv2: Any, content: bytes) -> "Grey | None":
    """What the model sees, in grey and shrunk to a working size."""
    import numpy as np

    try:
        jpeg = as_model_sees(content)
    except ValueError:
        return None
    grey: Grey = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    shrink = WORKING_SIDE / max(grey.shape)
    if shrink >= 1:
        return grey
    width, height = (max(1, round(side * shrink)) for side in reversed(grey.shape))
    shrunk: Grey = cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA)
    return shrunk


def _has_face(cascade: Any, grey: "Grey") -> bool:
    smallest = max(24, int(SMALLEST_FACE_SHARE * min(grey.shape)))
    found = cascade.detectMultiScale(grey, scaleFactor=1.1, minNeighbors=NEIGHBOURS, minSize=(smallest, smallest))
    return len(found) > 0


def _has_person(people: Any, grey: "Grey") -> bool:
    width, height = PERSON_WINDOW
    if grey.shape[0] < height or grey.shape[1] < width:
        return False
    _, scores = people.detectMultiScale(grey, winStride=(8, 8), scale=1.05)
    return any(float(score) >= PERSON_SCORE for score in scores)
