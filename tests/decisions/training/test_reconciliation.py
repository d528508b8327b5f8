"""What a job's bill, steps and messages tell of examples that the service left out."""

from random import Random

import pytest

from data_contracts.training import SentExamples
from decisions.training.preflight import Sent
from decisions.training.reconciliation import Reconciliation, Trained, reconcile, sent_examples

SENT = (
    SentExamples(label="crazing", text_tokens=60, image_tokens=85, examples=60),
    SentExamples(label="patches", text_tokens=61, image_tokens=85, examples=50),
    SentExamples(label="scratches", text_tokens=62, image_tokens=85, examples=10),
)


def bill(crazing: int, patches: int, scratches: int, epochs: int = 3) -> Trained:
    return Trained(tokens=epochs * (145 * crazing + 146 * patches + 147 * scratches), epochs=epochs)


def judged(trained: Trained, *, exact: bool = True, allowed: float = 0.05) -> Reconciliation:
    return reconcile(SENT, exact=exact, trained=trained, largest_loss_share=allowed)


def test_a_job_billed_for_all_that_was_sent_lost_nothing() -> None:
    found = judged(bill(60, 50, 10))

    assert (found.at_least, found.at_most, found.loss_share, found.stops) == (120, 120, 0.0, False)
    assert found.reason == "Azure trained on 120 of 120 examples (52,410 billed tokens in 3 epochs)"


def test_a_small_loss_within_the_policy_goes_on_and_is_told() -> None:
    found = judged(bill(58, 48, 10))

    assert (found.at_least, found.at_most, found.stops) == (116, 116, False)
    assert "3.3% were lost; 5.0% may be" in found.reason


def test_a_loss_beyond_the_policy_stops_and_says_what_to_do() -> None:
    found = judged(bill(55, 46, 10))

    assert found.stops
    assert found.loss_share == pytest.approx(9 / 120)
    assert "replace images that show people, faces or captchas" in found.reason


def test_a_class_that_may_be_gone_as_a_whole_stops_whatever_the_share() -> None:
    found = judged(bill(60, 50, 0), allowed=0.5)

    assert (found.classes_at_risk, found.stops) == (("scratches",), True)
    assert "all 10 examples of scratches may be among the lost" in found.reason


def test_a_class_larger_than_the_loss_cannot_be_gone() -> None:
    assert judged(bill(52, 50, 10), allowed=0.5).classes_at_risk == ()


def test_the_bill_itself_can_show_that_a_class_was_trained_on() -> None:
    heavy = (*SENT[:2], SentExamples(label="scratches", text_tokens=62, image_tokens=765, examples=10))
    lost_ten_small = Trained(tokens=145 * 50 + 146 * 50 + 827 * 10, epochs=1)

    found = reconcile(heavy, exact=True, trained=lost_ten_small, largest_loss_share=0.5)

    assert found.classes_at_risk == ()


def test_the_epochs_that_the_job_reports_count_not_those_asked_for() -> None:
    assert judged(bill(60, 50, 10, epochs=2)).loss_share == 0


def test_estimated_texts_alone_prove_no_loss() -> None:
    found = judged(bill(54, 45, 9), exact=False)

    assert (found.at_most, found.loss_share, found.stops) == (120, 0.0, False)


def test_the_steps_of_an_epoch_prove_a_loss_where_texts_are_only_estimated() -> None:
    steps = Trained(tokens=3 * 145 * 108, epochs=3, batch_size=1, last_step=324)

    found = judged(steps, exact=False)

    assert (found.at_least, found.at_most, found.stops) == (108, 108, True)


def test_where_bill_and_steps_disagree_the_bill_counts() -> None:
    steps = bill(60, 50, 10).model_copy(update={"batch_size": 1, "last_step": 30})

    assert judged(steps).at_least == 120


def test_what_the_job_says_of_images_left_out_counts_and_is_quoted() -> None:
    said = Trained(messages=("Job started.", "12 images were excluded from your dataset."))

    found = judged(said)

    assert (found.at_most, found.stops) == (108, True)
    assert 'Azure said "12 images were excluded from your dataset."' in found.reason


def test_without_bill_steps_and_messages_nothing_is_known_and_nothing_stops() -> None:
    found = judged(Trained())

    assert (found.loss_share, found.stops) == (None, False)
    assert found.reason == "Azure did not say on how many of the 120 examples it trained"


def test_a_bill_for_more_than_was_sent_is_no_loss() -> None:
    assert judged(Trained(tokens=10**6, epochs=1)).loss_share == 0


def test_a_file_is_summed_up_by_label_and_tokens() -> None:
    measured = [Sent(900, 500, 64, 64, 60, "a"), Sent(900, 500, 64, 64, 60, "a"), Sent(90, 0, 0, 0, 7, "b")]

    assert sent_examples(measured, "low") == (
        SentExamples(label="a", text_tokens=60, image_tokens=85, examples=2),
        SentExamples(label="b", text_tokens=7, image_tokens=0, examples=1),
    )


def drawn(random: Random) -> list[SentExamples]:
    """Some training file."""
    return [
        SentExamples(
            label=random.choice("abc"),
            text_tokens=random.randint(1, 200),
            image_tokens=random.choice([0, 85, 255, 765]),
            examples=random.randint(1, 40),
        )
        for _ in range(random.randint(1, 6))
    ]


@pytest.mark.parametrize("seed", range(50))
def test_the_true_number_is_always_within_the_bounds(seed: int) -> None:
    random = Random(seed)
    sent, epochs = drawn(random), random.randint(1, 5)
    used = [random.randint(0, each.examples) for each in sent]
    tokens = sum(n * (each.text_tokens + each.image_tokens) for n, each in zip(used, sent, strict=True))

    found = reconcile(sent, exact=True, trained=Trained(tokens=tokens * epochs, epochs=epochs), largest_loss_share=0.05)

    assert found.at_least <= sum(used) <= found.at_most


@pytest.mark.parametrize("seed", range(50))
def test_a_class_that_was_lost_is_always_named(seed: int) -> None:
    random = Random(seed)
    sent = drawn(random)
    lost = random.choice([each.label for each in sent])
    tokens = sum(each.examples * (each.text_tokens + each.image_tokens) for each in sent if each.label != lost)

    found = reconcile(sent, exact=True, trained=Trained(tokens=tokens, epochs=1), largest_loss_share=1)

    assert lost in found.classes_at_risk
    assert found.stops


def test_a_bill_without_the_form_of_the_chats_is_no_loss() -> None:
    sent = drawn(Random(1))
    examples = sum(each.examples for each in sent)
    tokens = sum(each.examples * (each.text_tokens + each.image_tokens) for each in sent)

    trained = Trained(tokens=3 * (tokens - 12 * examples), epochs=3)
    found = reconcile(sent, exact=True, trained=trained, largest_loss_share=0)

    assert (found.at_least, found.stops) == (examples, False)


@pytest.mark.parametrize(
    ("message", "left"),
    [
        ("Skipped 1,200 examples", 800),
        ("1,200 of 2,000 images were excluded from your dataset.", 800),
        ("0 of 2,000 examples were skipped", 2000),
        ("2,000 examples validated, none removed", 2000),
        ("Trained on 1,995 examples; 5 were filtered", 1995),
        ("9,999 images were dropped", 0),
    ],
)
def test_a_number_counts_only_beside_what_was_done(message: str, left: int) -> None:
    sent = [SentExamples(label="a", text_tokens=65, image_tokens=85, examples=2000)]

    found = reconcile(sent, exact=True, trained=Trained(messages=(message,)), largest_loss_share=0.05)

    assert found.at_most == left


def test_a_message_that_the_bill_contradicts_stops_nothing() -> None:
    sent = [SentExamples(label="a", text_tokens=65, image_tokens=85, examples=100)]
    trained = Trained(tokens=45_000, epochs=3, messages=("40 rows were removed",))

    found = reconcile(sent, exact=True, trained=trained, largest_loss_share=0.05)

    assert (found.at_least, found.stops) == (100, False)
