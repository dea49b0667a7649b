"""One URL tells where the database is; a wrong one is refused without being shown."""

import pytest

from demo import database


def test_every_part_of_the_url_arrives() -> None:
    told = database.postgres(
        "postgresql://me%40acme:p%2Fw%25@db.example.com:6432/me%2Ddia?sslmode=verify-full"
    )

    assert told["ENGINE"] == "django.db.backends.postgresql"
    assert (told["USER"], told["PASSWORD"]) == ("me@acme", "p/w%")
    assert (told["HOST"], told["PORT"], told["NAME"]) == ("db.example.com", "6432", "me-dia")
    assert told["OPTIONS"] == {"connect_timeout": 5, "sslmode": "verify-full"}


def test_what_is_not_said_is_left_to_the_driver() -> None:
    told = database.postgres("postgres://localhost/media")

    assert (told["USER"], told["PASSWORD"], told["PORT"]) == ("", "", "")


@pytest.mark.parametrize(
    "url",
    [
        "mysql://me:hunter2@db/media",
        "postgresql://me:hunter2@db:port/media",
        "postgresql://me:hunter2@db:99999/media",
        "postgresql://me:hunter2@[::1/media",
        "postgresql://me:hunter2@db",
        "postgresql://me:hunter2@db/",
        "postgresql://me:hunter2@db/media/more",
        "postgresql:///media",
        "hunter2",
    ],
)
def test_a_url_that_is_none_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(ValueError, match="DATABASE_URL must be") as refused:
        database.postgres(url)

    assert "hunter2" not in str(refused.value)
