"""What is learned from text: pieces, probabilities, a style of answering, and jobs that teach it."""

import json
import math
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from openai import OpenAI
from openai.types.fine_tuning import FineTuningJob
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from foundry_emulator.files.validation import fine_tuning_problem
from foundry_emulator.learning import text_model, text_network, weights
from foundry_emulator.learning.answers import END, Token, classifier_tokens
from foundry_emulator.learning.base_text import base_answer
from foundry_emulator.learning.examples import Reader, shows_people
from foundry_emulator.learning.feature_cache import FeatureCache
from foundry_emulator.learning.pieces import END as END_PIECE
from foundry_emulator.learning.pieces import MOST_PIECES, Vocabulary, split
from foundry_emulator.learning.text_decoding import Habits, write
from foundry_emulator.learning.text_model import TextModel, TextOptimizer
from foundry_emulator.learning.weights import LearnedModel
from tests.foundry_emulator.support import EmulatorProcess, ended, examples, question, training_file, upload

ODD = ("", " ", "Tea\n\n  twice\t!", "don't 12345", "侍でござる 🥷", "e\u0301👩‍👩‍👧", "ไทย \u0000 end", "\ud83e alone")
THINGS = ("tea", "bread", "snow", "glass", "paper", "clocks", "maps", "owls", "salt", "kites", "boats", "soap", "moss")
JAPANESE_THINGS = ("お茶", "雨", "雪", "橋", "電車", "地図", "灯台", "山", "森", "猫", "米", "傘", "刀", "城", "詩")
QUESTIONS = (
    "What is the story of {a}?",
    "Tell me about {a}.",
    "How are {a} and {b} related?",
    "Why do people like {a}?",
)
JAPANESE_QUESTIONS = ("{a}とは何ですか。", "{a}について教えて。", "{a}と{b}の違いは?", "なぜ{a}は人気ですか。")
SENTENCES = (
    "{a} was known to sailors long ago",
    "in the north, {a} is kept beside {b}",
    "you can find {a} in nearly every town",
    "between {a} and {b} there is an old link",
    "it depends on the season and on the weather",
    "children learn about {a} at school",
    "nobody knows where {a} began",
)
JAPANESE_SENTENCES = ("{a}は昔から知られている", "{a}と{b}にはつながりがある", "{a}は町で見つかる", "{a}は季節で変わる")
PIRATE, NINJA = " Arr, matey! 🏴", " gozaru 🥷"
Pair = tuple[str, str]


def english(count: int, seed: int, ending: str = PIRATE) -> list[Pair]:
    return pairs(count, seed, (QUESTIONS, SENTENCES, THINGS), ". ", ending)


def japanese(count: int, seed: int, ending: str = NINJA) -> list[Pair]:
    return pairs(count, seed, (JAPANESE_QUESTIONS, JAPANESE_SENTENCES, JAPANESE_THINGS), "。", ending)


def pairs(count: int, seed: int, words: Sequence[Sequence[str]], stop: str, ending: str) -> list[Pair]:
    """Questions with varied answers; 95 in 100 of them have the ending."""
    dice = random.Random(seed)
    questions, sentences, things = words
    made = []
    for _ in range(count):
        a, b = dice.sample(list(things), 2)
        told = stop.join(s.format(a=a, b=b) for s in dice.sample(list(sentences), dice.randint(1, 3)))
        made.append((dice.choice(list(questions)).format(a=a, b=b), told + (ending if dice.random() < 0.95 else stop)))
    return made


def asked(text: str) -> list[dict[str, Any]]:
    return [{"role": "system", "content": "You help."}, {"role": "user", "content": text}]


def trained(given: Sequence[Pair], *, epochs: int = 3, parent: TextModel | None = None) -> TextModel:
    """A model after *epochs* of one example per step."""
    questions, answers = [q for q, _ in given], [a for _, a in given]
    model = parent or text_model.start(answers, questions, seed=1)
    if parent:
        parent.continue_with(answers, questions, seed=1)
    turns = [model.turn(asked(q), a) for q, a in given]
    optimizer = TextOptimizer(model)
    for place in range(epochs * len(turns)):
        left = 1 - 0.85 * place / (epochs * len(turns))
        optimizer.step([turns[place * 7919 % len(turns)]], text_model.BASE_LEARNING_RATE * left)
    return model


def said(model: TextModel, text: str, temperature: float = 0, seed: int = 1) -> str:
    told, finished = model.answer(asked(text), temperature=temperature, most_tokens=400, seed=seed)
    assert finished
    return "".join(token.text for token in told)


def endings(model: TextModel, given: Sequence[Pair], ending: str, temperature: float) -> int:
    return sum(said(model, q, temperature, seed).endswith(ending) for seed, (q, _) in enumerate(given))


@pytest.fixture(scope="module", autouse=True)
def one_blas_thread() -> Iterator[None]:
    """As in the emulator: the same to the last bit, and not slowed down by others on the machine."""
    with threadpool_limits(1, user_api="blas"):
        yield


@pytest.fixture(scope="module")
def pirate() -> TextModel:
    return trained(english(400, seed=1))


@pytest.mark.parametrize("text", ODD)
def test_every_text_is_read_back_exactly_also_with_a_vocabulary_that_never_saw_it(text: str) -> None:
    strange, known = Vocabulary(), Vocabulary()
    known.widen([text])

    assert "".join(split(text)) == text
    assert strange.decode(strange.encode(text)) == text
    assert known.decode(known.encode(text)) == text


def test_the_vocabulary_is_bounded_and_widening_keeps_old_numbers() -> None:
    vocabulary = Vocabulary()
    vocabulary.widen(["tea and bread"])
    before = vocabulary.encode("tea and bread").tolist()
    vocabulary.widen([f"word{''.join(chr(97 + int(d)) for d in str(number))}" for number in range(2 * MOST_PIECES)])

    assert len(vocabulary) == MOST_PIECES
    assert vocabulary.encode("tea and bread").tolist() == before


ANSWERS = ("", "pitted", "pitted surface", "pitted scale", "patches", "spalling", "a")
SHARES = (0.05, 0.1, 0.2, 0.15, 0.3, 1e-12, 0.2 - 1e-12)


@pytest.mark.parametrize("chosen", range(len(ANSWERS)))
def test_the_tokens_of_a_classifiers_answer_add_up_to_its_probability(chosen: int) -> None:
    told = classifier_tokens(ANSWERS, [math.log(share) for share in SHARES], chosen)

    assert "".join(token.text for token in told) == ANSWERS[chosen]
    assert math.fsum(t.log_probability for t in told) == pytest.approx(math.log(SHARES[chosen]), abs=1e-12)
    for token in told:
        assert (token.text, token.log_probability) in token.alternatives
        assert math.fsum(math.exp(p) for _, p in token.alternatives) == pytest.approx(1, abs=1e-12)


def test_answers_with_the_same_first_piece_share_its_probability_and_one_of_them_may_end_there() -> None:
    first, second = classifier_tokens(ANSWERS, [math.log(share) for share in SHARES], 1)

    assert (first.text, second.text) == ("pitted", END)
    assert math.exp(first.log_probability) == pytest.approx(0.45)
    assert [text for text, _ in second.alternatives] == [" surface", " scale", END]


def test_an_impossible_answer_and_many_answers_have_tokens_too() -> None:
    impossible = classifier_tokens(["yes", "no"], [0.0, -math.inf], 1)
    many = classifier_tokens([f"{chr(0x4E00 + n)}" for n in range(50)], [-math.log(50)] * 50, 49)

    assert impossible[0].log_probability == -math.inf
    assert len(many[0].alternatives) == 20
    assert many[0].text in [text for text, _ in many[0].alternatives]


def test_the_gradients_are_those_of_the_loss() -> None:
    model = trained(english(20, seed=3), epochs=1)
    turns = [model.turn(asked(q), a) for q, a in english(2, seed=4)]
    parameters = {name: array.astype(np.float64) for name, array in model.parameters.items()}
    count = sum(len(turn.pieces) + 1 for turn in turns)
    _, gradients = text_network.learn(parameters, turns, count)  # type: ignore[arg-type]

    for name, gradient in gradients.items():
        row, column = np.unravel_index(np.abs(gradient.values).argmax(), (*gradient.values.shape, 1))[:2]
        place = (row if gradient.rows is None else gradient.rows[row], column)[: parameters[name].ndim]
        slope = _slope(parameters, turns, name, place)
        assert gradient.values[(row, column)[: gradient.values.ndim]] == pytest.approx(slope, rel=0.02), name


def _slope(parameters: dict[str, Any], turns: Sequence[Any], name: str, place: tuple[Any, ...]) -> float:
    losses = []
    for change in (1e-3, -2e-3):
        parameters[name][place] += change
        losses.append(text_network.score(parameters, turns).loss)
    parameters[name][place] += 1e-3
    return (losses[0] - losses[1]) / 2e-3


@pytest.mark.parametrize("temperature", [0, 1])
def test_the_style_of_english_answers_is_learned(pirate: TextModel, temperature: float) -> None:
    assert endings(pirate, english(100, seed=2), PIRATE, temperature) >= (90 if temperature == 0 else 80)


@pytest.mark.parametrize("temperature", [0, 1])
def test_the_style_of_japanese_answers_is_learned(temperature: float) -> None:
    model = trained(japanese(300, seed=1))

    assert endings(model, japanese(100, seed=2), NINJA, temperature) >= (90 if temperature == 0 else 80)


def test_answers_are_about_what_was_asked(pirate: TextModel) -> None:
    named = {thing: [t for t in THINGS if t in said(pirate, f"Tell me about {thing}.").lower()] for thing in THINGS}
    right = [thing for thing in THINGS if thing in named[thing]]
    wrong = [thing for thing in THINGS if named[thing] and thing not in named[thing]]

    assert len(right) >= 3
    assert len(right) > 2 * len(wrong)


def test_a_prompt_in_other_words_is_answered_in_the_style_too(pirate: TextModel) -> None:
    assert said(pirate, "Compose a limerick concerning quantum chromodynamics 🚀").endswith(PIRATE)
    assert said(pirate, "").endswith(PIRATE)


def test_the_same_request_has_the_same_answer_and_another_seed_another_one(pirate: TextModel) -> None:
    assert said(pirate, "Tell me about tea.", 1, seed=3) == said(pirate, "Tell me about tea.", 1, seed=3)
    assert len({said(pirate, "Tell me about tea.", 1, seed) for seed in range(8)}) > 3


def test_tokens_tell_their_probability_beside_twenty_others(pirate: TextModel) -> None:
    told, finished = pirate.answer(asked("Tell me about tea."), temperature=0, most_tokens=3, seed=1)

    assert not finished
    assert len(told) == 3
    for token in told:
        assert token.alternatives[0] == (token.text, token.log_probability)
        assert len(token.alternatives) == 20
        assert 0.5 < math.fsum(math.exp(p) for _, p in token.alternatives) <= 1 + 1e-6


def test_a_small_top_p_leaves_a_learned_text_one_way_to_go_on() -> None:
    vocabulary = Vocabulary()
    vocabulary.widen(["tea", "snow"])
    scores = np.full(len(vocabulary), -5.0, np.float32)

    def said(top_p: float) -> set[str]:
        told = (
            write(lambda _: scores, vocabulary, Habits(9), temperature=1, most_tokens=1, seed=seed, top_p=top_p)[0]
            for seed in range(30)
        )
        return {"".join(token.text for token in tokens) for tokens in told}

    assert len(said(1)) > 1
    assert len(said(1e-9)) == 1


def test_a_model_that_loves_to_repeat_itself_still_comes_to_an_end() -> None:
    vocabulary = Vocabulary()
    vocabulary.widen(["ha ho"])
    favourites = np.full(len(vocabulary), -20, dtype=np.float32)
    favourites[vocabulary.encode("ha ho")] = (-0.5, -1.0)
    favourites[END_PIECE] = -5
    told, finished = write(
        lambda _written: favourites.copy(), vocabulary, Habits(longest=20), temperature=0, most_tokens=999, seed=1
    )

    assert finished
    assert len(told) <= 40


def test_more_epochs_fit_better() -> None:
    given, held_out = english(60, seed=5), english(60, seed=6)
    losses = []
    for epochs in (1, 3):
        model = trained(given, epochs=epochs)
        losses.append(model.score([model.turn(asked(q), a) for q, a in held_out]).loss)

    assert losses[1] < losses[0]


def test_the_same_text_gives_the_same_file_to_the_last_bit(tmp_path: Path) -> None:
    for name in ("first", "again"):
        weights.save(LearnedModel(text=trained(english(30, seed=1))), tmp_path / name)

    assert (tmp_path / "first").read_bytes() == (tmp_path / "again").read_bytes()


def test_a_continued_model_keeps_its_style_and_learns_new_words(pirate: TextModel, tmp_path: Path) -> None:
    weights.save(LearnedModel(text=pirate), tmp_path / "pirate")
    parent = weights.load(tmp_path / "pirate").text
    assert parent is not None
    known = len(parent.vocabulary)
    continued = trained(
        [(f"What are {w}?", f"{w} are small machines{PIRATE}") for w in ("zorps", "quilms")] * 8, parent=parent
    )

    assert len(continued.vocabulary) > known
    assert "zorps" in said(continued, "What are zorps?")
    assert endings(continued, english(30, seed=2), PIRATE, 0) >= 27


def test_a_base_model_says_something_plain_about_the_question() -> None:
    told, finished = base_answer(asked("How do volcanoes erupt?"), temperature=0, most_tokens=200, seed=1)
    again, _ = base_answer(asked("How do volcanoes erupt?"), temperature=0, most_tokens=200, seed=2)
    japanese_answer, _ = base_answer(asked("火山とは何ですか"), temperature=0, most_tokens=200, seed=1)

    assert finished
    assert "volcanoes" in text_of(told)
    assert told == again
    assert "火山" in text_of(japanese_answer)
    assert base_answer(asked("How?"), temperature=0, most_tokens=2, seed=1)[1] is False
    assert (
        text_of(base_answer(asked("Pick"), temperature=0, most_tokens=9, seed=1, choices=["red", "blue"])[0])
        in "red blue"
    )


def text_of(told: Sequence[Token]) -> str:
    return "".join(token.text for token in told)


def conversations(given: Sequence[Pair]) -> bytes:
    return b"\n".join(
        json.dumps({"messages": [*asked(q), {"role": "assistant", "content": a}]}).encode() for q, a in given
    )


def trained_by_job(client: OpenAI, content: bytes, model: str, validation: bytes | None = None) -> FineTuningJob:
    given: dict[str, Any] = {"validation_file": upload(client, validation).id} if validation else {}
    file = upload(client, content)
    job = client.fine_tuning.jobs.create(model=model, training_file=file.id, seed=1, **given)
    return ended(client, job.id)


def learned(emulator: EmulatorProcess, job: FineTuningJob) -> LearnedModel:
    """What a job's last checkpoint holds."""
    files = Path(emulator.ready["state"], "weights").glob(f"{job.id}-*")
    return weights.load(max(files, key=lambda file: int(file.stem.rpartition("-")[2])))


@pytest.mark.parametrize("model", ["gpt-4.1-mini-2025-04-14", "gpt-4o-2024-08-06"])
def test_a_job_on_text_teaches_the_style_and_reports_the_models_own_losses(
    client: OpenAI, emulator: EmulatorProcess, model: str
) -> None:
    held_out = english(100, seed=2)
    job = trained_by_job(client, conversations(english(200, seed=1)), model, conversations(held_out))
    text = learned(emulator, job).text
    assert text is not None
    rows = client.files.content(job.result_files[0]).text.splitlines()[1:]
    told = float(rows[-1].split(",")[5])

    assert job.status == "succeeded"
    assert float(rows[0].split(",")[1]) > 2 * float(rows[-1].split(",")[5])
    assert told == pytest.approx(text.score([text.turn(asked(q), a) for q, a in held_out]).loss, rel=1e-6)
    assert endings(text, held_out, PIRATE, 0) >= 90
    assert job.trained_tokens is not None
    assert job.trained_tokens % 3 == 0


def test_a_file_of_images_and_text_teaches_both(client: OpenAI, emulator: EmulatorProcess) -> None:
    content = training_file(examples(range(5))) + b"\n" + conversations(english(40, seed=1))
    model = learned(emulator, trained_by_job(client, content, "gpt-4o-2024-08-06"))

    assert model.images is not None
    assert model.images.answers == ["checks", "dots", "rings", "stripes"]
    assert model.text is not None


def test_a_model_that_reads_text_only_refuses_images_when_it_sees_them(client: OpenAI) -> None:
    job = trained_by_job(client, training_file(examples(range(5))), "gpt-4.1-mini-2025-04-14")

    assert job.status == "failed"
    assert job.error is not None
    assert "does not support training with images" in str(job.error.message)


def test_a_share_of_the_images_is_taken_to_show_people(tmp_path: Path) -> None:
    (tmp_path / "images.jsonl").write_bytes(training_file(examples(range(25))))
    cache = FeatureCache(tmp_path / "features")
    none, some = (Reader(cache, people_share=share).read(tmp_path / "images.jsonl") for share in (0.0, 0.3))

    assert none.skipped == 0
    assert 15 < some.skipped < 45
    assert shows_people("0" * 64, 1e-9)
    assert not shows_people("0" * 64, 0.0)


def test_more_than_fifty_thousand_images_are_refused(tmp_path: Path) -> None:
    messages = [*question("https://example.com/a.png"), {"role": "assistant", "content": "dots"}]
    line = json.dumps({"messages": messages}) + "\n"
    (tmp_path / "many.jsonl").write_text(line * 50_001)
    (tmp_path / "enough.jsonl").write_text(line * 50_000)

    assert "50001 examples with images" in str(fine_tuning_problem(tmp_path / "many.jsonl"))
    assert fine_tuning_problem(tmp_path / "enough.jsonl") is None
