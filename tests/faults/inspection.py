"""What must be true when all is over: asked from outside, and looked up in the three stores."""

import time
from base64 import urlsafe_b64decode
from typing import Any, Final

import httpx

from tests.faults.house import House
from tests.faults.ledger import ABSENT, PRIVATE, PUBLIC, Avatar, File, Ledger, Post, User
from tests.worker.state import account, counting, kept, put_together
from tests.worker.state import rows as rows_of
from tests.worker.tokens import mint

GONE: Final = (404, 410)

BELIEVED: Final = 35
"""In seconds: so long may a Worker believe that a file is public that it was told is not."""

POST: Final = "app.post:"
PROFILE: Final = "app.profile:"


class Inspection:
    """Compares what is with what was acknowledged; what differs is written into the ledger.

    Args:
        house: where to look.
        ledger: what was acknowledged.
        users: whose things are looked at.
    """

    def __init__(self, house: House, ledger: Ledger, users: list[User]) -> None:
        self._house = house
        self._ledger = ledger
        self._users = {user.id: user for user in users}
        self._http = httpx.Client(timeout=30, headers={"accept-encoding": "identity"})

    def close(self) -> None:
        self._http.close()

    def look_at_what_was_removed(self) -> None:
        """The outbox is empty: what was removed, replaced or hidden is nobody's any more."""
        for file in self._ledger.files.values():
            if file.is_removed or file.owner.is_closed:
                self._expect_gone(file)
        for post in self._ledger.posts.values():
            for file in post.files:
                if post.may_be == {ABSENT} and self._is_only_in(file, post):
                    self._expect_gone(file)
                if post.may_be == {PRIVATE}:
                    self._expect_hidden(file)
        for avatar in self._ledger.avatars:
            if avatar.ended is not None and self._is_replaced(avatar):
                self._expect_gone(avatar.file)

    def look_at_everything(self) -> None:
        """Days have gone by: every store has what the others have, and nothing else."""
        rows = self._house.caretaker.ask("rows", users=list(self._users))
        media = {row["key"]: row for row in rows["media"]}
        posts = {row["id"]: row for row in rows["posts"]}
        self._look_at_the_application(media, posts)
        self._look_at_avatars(media)
        self._look_at_the_stores(media)
        for file in self._ledger.files.values():
            row = media.get(file.key)
            if row is not None and row["status"] == "committed":
                self._expect_served(file, row["visibility"])
            else:
                self._expect_gone(file)
        prefixes = [user.scope.replace(":", "/") for user in self._users.values()]
        for drift in self._house.caretaker.ask("reconcile", prefixes=prefixes):
            self._ledger.violate(what=f"media_reconcile finds: {drift}")
        for leak in self._house.leaked():
            self._ledger.violate(what=f"a log has a secret: {leak}")

    # The application's own

    def _look_at_the_application(
        self, media: dict[str, dict[str, Any]], posts: dict[str, dict[str, Any]]
    ) -> None:
        attached: dict[str, set[str]] = {}
        for key, row in media.items():
            if row["status"] not in ("committed", "removed"):
                self._violate(key, f"is {row['status']} for ever")
            if row["status"] == "committed":
                if row["attached_to"] is None:
                    self._violate(key, "is committed and unattached for ever")
                attached.setdefault(str(row["attached_to"]), set()).add(key)
        for name, post in self._ledger.posts.items():
            made = posts.get(name)
            state = ABSENT if made is None else made["visibility"]
            if state not in post.may_be:
                self._violate_post(post, f"is {state}, and may be {sorted(post.may_be)}")
            wanted = set() if made is None else {file.key for file in post.files}
            if attached.pop(POST + name, set()) != wanted:
                self._violate_post(post, f"is {state} and has not all of its files, or others")
        for name in attached:
            if not name.startswith(PROFILE):
                self._ledger.violate(what=f"files are attached to {name}, which nobody made")

    def _look_at_avatars(self, media: dict[str, dict[str, Any]]) -> None:
        for user in self._users.values():
            slot = f"{PROFILE}{user.id}#avatar"
            shown = {
                key
                for key, row in media.items()
                if row["attached_to"] == slot and row["status"] == "committed"
            }
            if user.may_be_closed and not shown:
                continue
            tried = [avatar for avatar in self._ledger.avatars if avatar.file.owner is user]
            possible = {avatar.file.key for avatar in tried if not self._is_replaced(avatar)}
            if len(shown) > 1 or not shown <= possible:
                self._violate_avatar(tried, f"{user.name} has the avatars {sorted(shown)}")
            if user.is_closed:
                self._violate_avatar(tried, f"{user.name} is no more, and has an avatar")
            if not shown and any(avatar.ended is not None for avatar in tried):
                self._violate_avatar(tried, f"{user.name} has no avatar, and had one")

    def _is_replaced(self, avatar: Avatar) -> bool:
        """Tell whether another took its place for certain: one that began after this was there."""
        return avatar.ended is not None and any(
            other.ended is not None and other.began > avatar.ended
            for other in self._ledger.avatars
            if other.file.owner is avatar.file.owner
        )

    # The stores

    def _look_at_the_stores(self, media: dict[str, dict[str, Any]]) -> None:
        here = kept(self._house.state)
        scopes = {user.scope for user in self._users.values()}
        rows = {key: row for key, row in here.rows.items() if row["scope"] in scopes}
        prefixes = tuple(f"{scope.replace(':', '/')}/" for scope in scopes)
        objects = {key for key in here.objects if key.startswith(prefixes)}
        for key, row in rows.items():
            if row["status"] not in ("uploaded", "gone"):
                self._violate(key, f"is {row['status']} in D1 for ever")
            if row["purge_due_at"] is not None:
                self._violate(key, "owes a purge for ever")
            if row["status"] == "uploaded" and key not in objects:
                self._violate(key, "is uploaded and has no bytes")
        uploaded = {key for key, row in rows.items() if row["status"] == "uploaded"}
        committed = {key for key, row in media.items() if row["status"] == "committed"}
        for key in objects - uploaded:
            self._violate(key, "has bytes that no row knows")
        for key in uploaded ^ committed:
            self._violate(key, "is in D1 and not in the application, or the other way round")
        for key in uploaded & committed:
            seen = {media[key]["visibility"], media[key]["delivered_visibility"]}
            if seen != {rows[key]["visibility"]}:
                self._violate(key, f"is {rows[key]['visibility']} in D1, and elsewhere {seen}")
        for key in put_together(self._house.state):
            if key.startswith(prefixes):
                self._violate(key, "is being put together for ever")
        for transfer in rows_of(self._house.state, "transfers"):
            if transfer["scope"] in scopes:
                self._violate(transfer["key"], "is being transferred for ever")
        for scope in scopes:
            has = account(self._house.state, scope)
            if (has.get("used_bytes", 0), has.get("used_files", 0)) != counting(
                self._house.state, scope
            ):
                self._ledger.violate(what=f"the account of {scope} is not the sum of its files")

    # Over HTTP, past every link

    def _expect_served(self, file: File, visibility: str) -> None:
        answer = self._load(file, token=True)
        if answer.status_code != 200 or answer.content != file.content:
            self._violate(file.key, f"is not served: {_brief(answer)}")
        if visibility == PUBLIC:
            bare = self._load(file, token=False)
            if bare.status_code != 200 or bare.content != file.content:
                self._violate(file.key, f"is public and not served: {_brief(bare)}")
        else:
            self._expect_hidden(file)

    def _expect_hidden(self, file: File) -> None:
        deadline = time.monotonic() + BELIEVED
        while (answer := self._load(file, token=False)).status_code == 200:
            if time.monotonic() > deadline:
                self._violate(file.key, "is private and served without a token")
                return
            time.sleep(0.2)
        if answer.status_code not in (401, *GONE):
            self._violate(file.key, f"is private: {_brief(answer)}")

    def _expect_gone(self, file: File) -> None:
        for token in (True, False):
            answer = self._load(file, token=token)
            if answer.status_code not in (GONE if token else (401, *GONE)):
                self._violate(file.key, f"is gone, and answered: {_brief(answer)}")

    def _load(self, file: File, *, token: bool) -> httpx.Response:
        kid, secret = self._house.token_keys()
        url = f"{self._house.worker_url}/m/{file.key}"
        if token:
            url += f"?t={mint(urlsafe_b64decode(secret + '='), kid, key=file.key)}"
        return self._http.get(url)

    # What differs

    def _is_only_in(self, file: File, post: Post) -> bool:
        return not any(
            file in other.files for other in self._ledger.posts.values() if other is not post
        )

    def _violate(self, key: str, what: str) -> None:
        file = self._ledger.files.get(key)
        name = key if file is None else file.name
        posts = [post.name for post in self._ledger.posts.values() if file in post.files]
        self._ledger.violate(name, *posts, what=f"{name} {what}")

    def _violate_post(self, post: Post, what: str) -> None:
        names = [file.name for file in post.files]
        self._ledger.violate(post.name, *names, what=f"{post.name} {what}")

    def _violate_avatar(self, tried: list[Avatar], what: str) -> None:
        self._ledger.violate(*(avatar.file.name for avatar in tried), what=what)


def _brief(answer: httpx.Response) -> str:
    return f"{answer.status_code} {answer.text[:80] if answer.status_code >= 400 else ''}"
