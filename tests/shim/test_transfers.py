"""Uploads in pieces, repeated requests, and files that their user takes back, over REST."""

import pytest
from django.contrib.auth.models import User

from media_shim import attachments, services
from media_shim.errors import MediaCommitFailed
from media_shim.models import MediaObject, Status
from media_shim.testing.worker import FakeWorker
from tests.shim.conftest import PICTURE, Browser, Upload

SIGN = "/api/media/sign-upload"
RENEW = "/api/media/upload-token"


@pytest.mark.parametrize("method", ["multipart", "tus", "chunked"])
def test_an_upload_in_pieces_is_answered_with_a_token(
    as_alice: Browser, double: FakeWorker, method: str
) -> None:
    response = as_alice.send(SIGN, PICTURE | {"method": method})

    assert response.status_code == 201
    answer = response.json()
    upload = answer["upload"]
    assert double.called == ["POST /upload/open"]
    assert MediaObject.objects.get().key == answer["key"]
    assert upload["url"] == "https://media.test"
    assert upload["headers"]["authorization"].startswith("Bearer ")
    assert upload["tokenUrl"].startswith("https://")
    assert upload["tokenExpiresAt"] < upload["expiresAt"]


def test_it_is_committed_as_any_other(as_alice: Browser, double: FakeWorker) -> None:
    key = as_alice.send(SIGN, PICTURE | {"method": "tus"}).json()["key"]
    double.put(key)

    assert as_alice.send("/api/media/commit", {"key": key}).status_code == 200


def test_a_method_that_is_none_is_named(as_alice: Browser, double: FakeWorker) -> None:
    error = as_alice.send(SIGN, PICTURE | {"method": "post"}).json()

    assert (error["code"], error["field"]) == ("INVALID_FIELD", "method")
    assert not double.calls


class TestToken:
    def test_its_user_gets_a_new_one(self, as_alice: Browser) -> None:
        first = as_alice.send(SIGN, PICTURE | {"method": "tus"}).json()

        second = as_alice.send(RENEW, {"key": first["key"]})

        assert second.status_code == 200
        assert second.json()["mediaId"] == first["mediaId"]
        assert second.json()["upload"].keys() == first["upload"].keys()

    def test_nobody_else_does(self, as_alice: Browser, as_bob: Browser, nobody: Browser) -> None:
        body = {"key": as_alice.send(SIGN, PICTURE | {"method": "tus"}).json()["key"]}

        assert as_bob.send(RENEW, body).status_code == 404
        assert nobody.send(RENEW, body).status_code == 401

    def test_what_is_a_file_needs_none(
        self, as_alice: Browser, alice: User, committed: Upload
    ) -> None:
        media = committed(alice)

        first = as_alice.send(RENEW, {"key": media.key})
        attachments.remove(alice, media.pk)
        second = as_alice.send(RENEW, {"key": media.key})

        assert (first.status_code, first.json()["code"]) == (409, "ALREADY_COMMITTED")
        assert (second.status_code, second.json()["code"]) == (410, "MEDIA_GONE")

    def test_what_comes_in_one_put_has_none(self, as_alice: Browser) -> None:
        key = as_alice.send(SIGN, PICTURE).json()["key"]

        assert as_alice.send(RENEW, {"key": key}).json()["code"] == "MEDIA_NOT_FOUND"


class TestIdempotencyKey:
    def test_what_was_removed_meanwhile_is_not_signed_again(
        self, as_alice: Browser, alice: User
    ) -> None:
        """The Worker may not have heard of it yet; bytes that came would be thrown away."""
        as_alice.send(SIGN, PICTURE, headers={"idempotency-key": "k-1"})
        attachments.remove(alice, MediaObject.objects.get().pk)

        again = as_alice.send(SIGN, PICTURE, headers={"idempotency-key": "k-1"})

        assert (again.status_code, again.json()["code"]) == (410, "MEDIA_GONE")

    def test_a_repeated_request_is_answered_with_the_same_upload(self, as_alice: Browser) -> None:
        first, second = (
            as_alice.send(SIGN, PICTURE, headers={"idempotency-key": "k-1"}) for _ in range(2)
        )

        assert (first.status_code, second.status_code) == (201, 201)
        assert second.json()["mediaId"] == first.json()["mediaId"]
        assert MediaObject.objects.count() == 1

    def test_another_request_under_the_same_key_is_refused(self, as_alice: Browser) -> None:
        as_alice.send(SIGN, PICTURE, headers={"idempotency-key": "k-1"})

        error = as_alice.send(SIGN, PICTURE | {"bytes": 9}, headers={"idempotency-key": "k-1"})

        assert (error.status_code, error.json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")

    @pytest.mark.parametrize("key", ["", "a b", "x" * 256, "é"])
    def test_a_key_that_is_none_is_named(
        self, as_alice: Browser, double: FakeWorker, key: str
    ) -> None:
        error = as_alice.send(SIGN, PICTURE, headers={"idempotency-key": key}).json()

        assert (error["code"], error["field"]) == ("INVALID_FIELD", "Idempotency-Key")
        assert not double.calls


class TestDelete:
    def test_its_user_takes_a_file_back(
        self, as_alice: Browser, alice: User, committed: Upload
    ) -> None:
        media = committed(alice)

        first = as_alice.delete(f"/api/media/files/{media.pk}")
        second = as_alice.delete(f"/api/media/files/{media.pk}")
        shown = as_alice.get("/api/media/url", {"key": media.key})

        assert (first.status_code, first.content, second.status_code) == (204, b"", 204)
        assert (shown.status_code, shown.json()["code"]) == (410, "MEDIA_GONE")
        media.refresh_from_db()
        assert media.status == Status.REMOVING

    def test_what_is_used_stays(self, as_alice: Browser, alice: User, committed: Upload) -> None:
        media = committed(alice)
        attachments.attach(alice.profile, [media.key], by=alice)

        response = as_alice.delete(f"/api/media/files/{media.pk}")

        assert (response.status_code, response.json()["code"]) == (409, "MEDIA_IN_USE")

    def test_what_is_anothers_is_not_there(
        self, as_bob: Browser, nobody: Browser, alice: User, committed: Upload
    ) -> None:
        path = f"/api/media/files/{committed(alice).pk}"

        assert as_bob.delete(path).json()["code"] == "MEDIA_NOT_FOUND"
        assert as_bob.delete("/api/media/files/media_x").json()["code"] == "MEDIA_NOT_FOUND"
        assert nobody.delete(path).status_code == 401

    @pytest.mark.parametrize("media_id", ["%00", "media_x%00", "%ED%B3%BF", "é", "x" * 65])
    def test_an_id_that_is_none_is_not_there(self, as_alice: Browser, media_id: str) -> None:
        response = as_alice.delete(f"/api/media/files/{media_id}")

        assert (response.status_code, response.json()["code"]) == (404, "MEDIA_NOT_FOUND")


class TestCommitAll:
    def test_files_come_back_in_the_order_of_their_keys(self, alice: User, upload: Upload) -> None:
        media = [upload(alice) for _ in range(3)]

        committed = services.commit_all(alice, [each.key for each in (*media[::-1], media[0])])

        assert committed == media[::-1]

    def test_one_that_fails_is_named_and_the_others_are_committed(
        self, alice: User, bob: User, upload: Upload, double: FakeWorker
    ) -> None:
        good, missing, theirs = upload(alice), upload(alice), upload(bob)
        double.lose_object(missing.key)

        with pytest.raises(MediaCommitFailed) as failed:
            services.commit_all(alice, [good.key, missing.key, theirs.key])

        assert failed.value.details == {
            "failed": [
                {
                    "key": missing.key,
                    "code": "UPLOAD_INCOMPLETE",
                    "error": "Nothing was uploaded yet.",
                },
                {"key": theirs.key, "code": "MEDIA_NOT_FOUND", "error": "There is no such file."},
            ]
        }
        good.refresh_from_db()
        assert good.status == Status.COMMITTED
