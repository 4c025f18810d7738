"""Questions and the details that they take: never more than the limit, whoever dies meanwhile."""

from dataclasses import dataclass, replace
from uuid import UUID

import pytest
from forgery import GEMEENTE, NOW, UWV
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from api.clock import DAY, SECOND
from api.exchange.errors import Invalid, LimitExceeded
from api.exchange.questions import Claim, Limits, Opened, Questions, criteria
from api.store import Store
from api.store.tables import detail_claim, question
from data.question import parse_question

LIMITS = Limits(details=3, question_days=7, claim_seconds=15)


@dataclass
class Time:
    at: int = NOW

    def __call__(self) -> int:
        return self.at


@pytest.fixture
def clock() -> Time:
    return Time()


@pytest.fixture
def questions(clock: Time) -> Questions:
    return Questions(clock, LIMITS)


def asked(store: Store, questions: Questions) -> Opened:
    opened = questions.open()
    with store.write() as connection:
        questions.begin(connection, opened, GEMEENTE, "werkzoekende", "vraag", {"postcode": "1234"})
    return opened


def claim(store: Store, questions: Questions, question_id: str, record: str) -> Claim:
    with store.write() as connection:
        return questions.claim(connection, question_id, "bron", record)


def deliver(store: Store, questions: Questions, claimed: Claim) -> None:
    with store.write() as connection:
        questions.deliver(connection, claimed)


def give_back(store: Store, questions: Questions, claimed: Claim) -> None:
    with store.write() as connection:
        questions.give_back(connection, claimed)


def delivered(store: Store) -> int:
    with store.read() as connection:
        held = select(func.count()).where(detail_claim.c.state == "delivered")
        return connection.execute(held).scalar_one()


def test_a_question_has_a_random_id_and_expires_after_the_agreed_days(questions: Questions) -> None:
    first, second = questions.open(), questions.open()
    assert UUID(first.id).version == UUID(second.id).version == 4
    assert first.id != second.id
    assert first.expires_at - first.asked_at == 7 * DAY


def test_as_many_records_as_allowed_are_delivered_and_the_next_is_refused(
    store: Store, questions: Questions
) -> None:
    opened = asked(store, questions)
    for record in "abc":
        deliver(store, questions, claim(store, questions, opened.id, record))
    with pytest.raises(LimitExceeded):
        claim(store, questions, opened.id, "d")
    assert delivered(store) == 3


def test_reading_a_record_again_takes_nothing(store: Store, questions: Questions) -> None:
    opened = asked(store, questions)
    for record in "abcabcabc":
        deliver(store, questions, claim(store, questions, opened.id, record))
    assert delivered(store) == 3
    assert claim(store, questions, opened.id, "b").delivered


def test_records_of_the_same_id_from_two_sources_are_two(store: Store, questions: Questions) -> None:
    opened = asked(store, questions)
    with store.write() as connection:
        claims = [questions.claim(connection, opened.id, source, "a") for source in ("x", "y")]
    assert [each.slot for each in claims] == [0, 1]


def test_a_failed_detail_is_given_back_but_not_one_that_was_delivered(
    store: Store, questions: Questions
) -> None:
    opened = asked(store, questions)
    for _ in range(5):
        give_back(store, questions, claim(store, questions, opened.id, "a"))
    for record in "abc":
        deliver(store, questions, claim(store, questions, opened.id, record))
    give_back(store, questions, claim(store, questions, opened.id, "a"))
    assert delivered(store) == 3
    with pytest.raises(LimitExceeded):
        claim(store, questions, opened.id, "d")


def test_of_two_calls_for_one_record_that_fails_first_doesnt_take_the_slot_of_the_other(
    store: Store, questions: Questions
) -> None:
    opened = asked(store, questions)
    first, second = (claim(store, questions, opened.id, "a") for _ in range(2))
    give_back(store, questions, first)
    for record in "bc":
        deliver(store, questions, claim(store, questions, opened.id, record))
    with pytest.raises(LimitExceeded):
        claim(store, questions, opened.id, "d")
    deliver(store, questions, second)
    assert delivered(store) == 3


def test_the_claim_of_a_worker_that_died_is_free_after_the_deadline_and_not_before(
    store: Store, questions: Questions, clock: Time
) -> None:
    opened = asked(store, questions)
    for record in "abc":
        claim(store, questions, opened.id, record)
    clock.at += 15 * SECOND - 1
    with pytest.raises(LimitExceeded):
        claim(store, questions, opened.id, "d")
    clock.at += 1
    for record in "def":
        claim(store, questions, opened.id, record)


def test_a_worker_that_was_given_up_too_early_delivers_nothing_where_others_took_all_slots(
    store: Store, questions: Questions, clock: Time
) -> None:
    opened = asked(store, questions)
    late = claim(store, questions, opened.id, "late")
    clock.at += 15 * SECOND
    for record in "ab":
        deliver(store, questions, claim(store, questions, opened.id, record))
    deliver(store, questions, late)
    assert delivered(store) == 3
    late = replace(late, reference="later still")
    with pytest.raises(LimitExceeded):
        deliver(store, questions, late)
    assert delivered(store) == 3


def test_a_question_that_is_unknown_or_has_expired_gives_no_detail(
    store: Store, questions: Questions, clock: Time
) -> None:
    opened = asked(store, questions)
    refusals = []
    with pytest.raises(Invalid) as refused:
        claim(store, questions, str(UUID(int=0)), "a")
    refusals.append(str(refused.value))
    clock.at = opened.expires_at
    with pytest.raises(Invalid) as refused:
        claim(store, questions, opened.id, "a")
    refusals.append(str(refused.value))
    assert len(set(refusals)) == 1


STEPS = st.lists(
    st.tuples(st.sampled_from(["claim", "deliver", "give back", "wait"]), st.integers(0, 5)), max_size=40
)


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_whatever_happens_in_whatever_order_the_limit_holds_and_nothing_delivered_is_lost(
    store: Store, clock: Time, steps: list[tuple[str, int]]
) -> None:
    questions = Questions(clock, LIMITS)
    opened, held, seen = asked(store, questions), [], set()
    for step, number in steps:
        if step == "wait":
            clock.at += 6 * SECOND
        elif step == "claim":
            try:
                held.append(claim(store, questions, opened.id, f"{number}"))
            except LimitExceeded:
                assert f"{number}" not in seen
        elif held:
            each = held.pop(number % len(held))
            if step == "give back":
                give_back(store, questions, each)
                continue
            try:
                deliver(store, questions, each)
                seen.add(each.reference)
            except LimitExceeded:
                assert each.reference not in seen
        assert len(seen) <= 3
        with store.read() as connection:
            kept = connection.execute(
                select(detail_claim.c.record_ref).where(
                    detail_claim.c.question_id == opened.id, detail_claim.c.state == "delivered"
                )
            ).scalars()
            assert set(kept) == seen


def test_a_partys_history_tells_of_its_own_questions_and_what_is_left_of_them(
    store: Store, questions: Questions, clock: Time
) -> None:
    first = asked(store, questions)
    clock.at += 1
    second = asked(store, questions)
    with store.write() as connection:
        questions.begin(connection, questions.open(), UWV, "vacature", "rangorde", {}, {"answered": 1})
        questions.complete(connection, first.id, {"answered": 2})
    deliver(store, questions, claim(store, questions, first.id, "a"))
    claim(store, questions, first.id, "b")
    with store.read() as connection:
        history = questions.history(connection, GEMEENTE)
        (foreign,) = questions.history(connection, UWV)
        earlier = questions.history(connection, GEMEENTE, before=second.asked_at)
        (latest,) = questions.history(connection, GEMEENTE, limit=1)
    assert [(each.id, each.details_left, each.completeness) for each in history] == [
        (second.id, 3, None),
        (first.id, 2, {"answered": 2}),
    ]
    assert [each.id for each in earlier] == [first.id]
    assert latest.id == second.id
    assert (foreign.kind, foreign.side, foreign.completeness) == ("rangorde", "vacature", {"answered": 1})
    clock.at = first.expires_at
    with store.read() as connection:
        assert questions.history(connection, GEMEENTE)[1].details_left == 0


def test_deleting_a_question_deletes_its_claims(store: Store, questions: Questions) -> None:
    opened = asked(store, questions)
    deliver(store, questions, claim(store, questions, opened.id, "a"))
    with store.write() as connection:
        connection.execute(question.delete())
    assert delivered(store) == 0


def test_what_is_kept_of_a_question_holds_no_full_postcode_and_no_words_of_the_party() -> None:
    asked = parse_question(
        {
            "vraagObject": {
                "selectiegebied": {"postcode": "1234AB", "afstand": 10},
                "arbeidsmarktkwalificatie.rijbewijs": {
                    "$all": [{"$elemMatch": {"codeSoortRijbewijs": {"$eq": code}}} for code in "CB"]
                },
                "bemiddelingsberoep": {
                    "$elemMatch": {
                        "$or": [
                            {"codeBeroepsnaam": {"$eq": code}}
                            for code in ("http://data.europa.eu/esco/occupation/1-a", "anna@example.nl", "\0")
                        ]
                    }
                },
                "datumAanvangBeschikbaarVoorWerk": {"$lte": "2026-09-01"},
                "Jan Jansen, 06-12345678": {"$eq": "Jan Jansen"},
            }
        },
        "werkzoekende",
    )
    assert criteria(asked) == {
        "pc4": "1234",
        "afstand": 10,
        "occupations": ["http://data.europa.eu/esco/occupation/1-a"],
        "other_occupations": 2,
        "licences": ["B", "C"],
        "languages": (),
        "start": "2026-09-01",
        "ignored": 1,
    }
