"""What a queue promises.

A message has the name of its case in it, and what its consumer is to do: how often it has it
delivered again, in how many seconds. The consumer writes down what it was given.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from media_engine.ports import Delivery, Queue


class Seen(NamedTuple):
    """What the consumer was given.

    Attributes:
        name: what the queue calls the message.
        body: the message.
        attempts: how often it was delivered.
        at: when, in milliseconds.
    """

    name: str
    body: object
    attempts: int
    at: int


class QueueHarness(Protocol):
    """A queue whose consumer is `consume`."""

    queue: Queue

    async def seen(self, case: str, count: int) -> Sequence[Seen]:
        """Wait until the consumer was given so many messages of a case, and return all."""
        ...

    def now(self) -> int:
        """Return the time in milliseconds since 1970."""
        ...


def consume(batch: Sequence[Delivery], seen: list[Seen], now: int) -> None:
    """Do with the messages what they say, and write them down."""
    for delivery in batch:
        body = delivery.body
        assert isinstance(body, Mapping)
        seen.append(Seen(delivery.id, body, delivery.attempts, now))
        if delivery.attempts <= int(body.get("again", 0)):
            delivery.retry(int(body.get("in", 0)))
            delivery.ack()  # Too late: the first word counts.
        else:
            delivery.ack()


def of(case: str, seen: Sequence[Seen]) -> Sequence[Seen]:
    """Return what was written down of a case."""
    return [one for one in seen if isinstance(one.body, Mapping) and one.body["case"] == case]


async def a_message_arrives_as_it_was_sent(harness: QueueHarness) -> None:
    message = {
        "case": "arrives",
        "text": 'Grüße 🏔 "x"\n',
        "number": 7,
        "large": 1_795_000_000_123,
        "nothing": None,
        "yes": True,
        "list": ["a", {"b": [1, None]}],
    }
    await harness.queue.send(message)
    [one] = await harness.seen("arrives", 1)
    assert one.body == message
    assert isinstance(message["number"], int)
    assert one.attempts == 1
    assert one.name


async def each_message_has_a_name_of_its_own(harness: QueueHarness) -> None:
    for number in range(5):
        await harness.queue.send({"case": "names", "number": number})
    seen = await harness.seen("names", 5)
    assert len({one.name for one in seen}) == 5
    assert {dict(one.body)["number"] for one in seen if isinstance(one.body, Mapping)} == set(
        range(5)
    )


async def a_message_that_is_retried_comes_again(harness: QueueHarness) -> None:
    await harness.queue.send({"case": "again", "again": 2})
    seen = await harness.seen("again", 3)
    assert [one.attempts for one in seen] == [1, 2, 3]
    assert len({one.name for one in seen}) == 1
    assert len({str(one.body) for one in seen}) == 1


async def a_message_that_is_retried_can_wait(harness: QueueHarness) -> None:
    await harness.queue.send({"case": "wait", "again": 1, "in": 1})
    first, second = await harness.seen("wait", 2)
    assert second.at - first.at >= 1_000


async def a_message_can_be_kept_back(harness: QueueHarness) -> None:
    before = harness.now()
    await harness.queue.send({"case": "late", "number": 1}, delay=2)
    await harness.queue.send({"case": "late", "number": 2})
    early, late = await harness.seen("late", 2)
    assert isinstance(early.body, Mapping)
    assert early.body["number"] == 2
    assert late.at - before >= 2_000


async def a_message_that_is_acknowledged_does_not_come_again(harness: QueueHarness) -> None:
    await harness.queue.send({"case": "once"})
    await harness.queue.send({"case": "after"}, delay=1)
    await harness.seen("after", 1)
    assert len(await harness.seen("once", 1)) == 1


CASES = (
    a_message_arrives_as_it_was_sent,
    each_message_has_a_name_of_its_own,
    a_message_that_is_retried_comes_again,
    a_message_that_is_retried_can_wait,
    a_message_can_be_kept_back,
    a_message_that_is_acknowledged_does_not_come_again,
)
