"""Whatever is asked for under `/m/` and `/view/`, the engine in memory answers as it must."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.answer import Answer, judge
from tests.fuzz.attack import Attack, attacks
from tests.fuzz.engine import BURIED, GONE, Cost, Target
from tests.fuzz.file import File
from tests.fuzz.profile import profile, tried
from tests.unit.delivery.test_delivery import CONTENT, KEY

TARGET = Target()
ABSENT = [File(key, b"") for key in (GONE, BURIED)]

stored_types = st.one_of(
    st.sampled_from([
        "image/jpeg", "IMAGE/PNG", "image/svg+xml", "image/jpeg; charset=utf-8", "video/mp4;",
        "text/html", "image/jpeg, text/html", "image/svg+xml;a=b", "application/xhtml+xml", "",
        "text/html;image/jpeg", " image/webp ", "image/jpeg\r\nSet-Cookie: a=b", "image/jpeg\x00",
        "multipart/byteranges; boundary=x", "\u212apeg", "application/pdf\u2028", "\u0131mage/gif",
    ]),
    st.text(max_size=20),
)  # fmt: skip
stored_dispositions = st.one_of(
    st.sampled_from(["", "inline", "attachment", 'inline; filename="a.jpg"', ";", "inline;;", "x"]),
    st.text(max_size=30),
)


def suffer(attack: Attack) -> Answer:
    """Send an attack, and hold what comes back to what is true of every answer."""
    answer, cost = TARGET.suffer(attack)
    tried.setdefault("the engine", Counter())[answer.status] += 1
    judge(answer, attack, TARGET.files, TARGET.signer, [TARGET.now])
    most = highest_cost(answer)
    assert cost.operations <= most.operations
    assert cost.statements <= most.statements
    told = TARGET.told()
    assert "media.crashed" not in told
    assert not [secret for secret in attack.secrets if secret in told]
    return answer


def highest_cost(answer: Answer) -> Cost:
    """Return what an answer may cost: an operation for each part, and one to learn the size.

    A statement says whether a token was revoked, and another one whether there ever was a file.
    """
    if answer.status == 206:
        return Cost(1 + max(answer.content.count(b"Content-Range:"), 1), 1)
    return Cost(2, 2 if answer.status in (404, 410) else 1)


@profile("FUZZ_EXAMPLES", 300)
@given(attacks((*TARGET.files, *ABSENT), TARGET.signer), stored_types, stored_dispositions)
def test_nothing_that_is_sent_makes_the_engine_do_what_it_must_not(
    attack: Attack, content_type: str, disposition: str
) -> None:
    TARGET.store.put(KEY, CONTENT, content_type, disposition)
    suffer(attack)
    get, head = suffer(attack.for_the_whole("GET")), suffer(attack.for_the_whole("HEAD"))
    assert head.status == get.status
    length = {"content-length": str(len(get.content))} if get.status == 200 else {}
    assert head.headers == {**get.headers, **length}
    suffer(attack.without_token())
