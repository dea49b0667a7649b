"""A tab of a browser, in which somebody does one thing after another."""

import threading
from collections.abc import Callable
from functools import partial
from random import Random
from typing import Final

import httpx

from tests.faults.browser import Browser
from tests.faults.house import House
from tests.faults.ledger import ABSENT, PRIVATE, PUBLIC, Avatar, File, Ledger, Post, User
from tests.media import photo_holding

ERRANDS: Final = {
    "post": 7,
    "delete": 3,
    "show": 5,
    "avatar": 3,
    "read": 4,
    "unattached": 2,
    "abandon": 2,
    "one key, two posts": 1,
    "attach or delete": 1,
    "two avatars": 1,
}
"""What is done, and how often beside the others."""

GONE: Final = (404, 410)


class Tab:
    """One tab. What it made it changes alone, but for the avatar, which all tabs of a user replace.

    Args:
        name: its own.
        house: what it talks to.
        user: whose it is.
        other: somebody who may see none of this.
        ledger: where it writes down what it sees.
        seed: what its errands are drawn from.
    """

    def __init__(
        self, name: str, house: House, user: User, other: User, ledger: Ledger, seed: int
    ) -> None:
        self._name = name
        self._chance = Random(f"{seed} {name}")
        self._browser = Browser(house, user, ledger, self._chance)
        self._other = Browser(house, other, ledger, self._chance)
        self._ledger = ledger
        self._mine: list[Post] = []
        self._doubts: list[Callable[[], object]] = []
        self._number = 0

    def close(self) -> None:
        self._browser.close()
        self._other.close()

    def live(self, errands: int, seconds: float) -> None:
        """Run so many errands, or fewer where they take longer than so many seconds."""
        self._post()
        for _ in range(errands):
            if self._ledger.now() > seconds:
                return
            (errand,) = self._chance.choices(list(ERRANDS), list(ERRANDS.values()))
            {
                "post": self._post,
                "delete": self._delete,
                "show": self._show,
                "avatar": self._avatar,
                "read": self._read,
                "unattached": self._unattached,
                "abandon": self._abandon,
                "one key, two posts": self._two_posts,
                "attach or delete": self._attach_or_delete,
                "two avatars": self._two_avatars,
            }[errand]()

    def close_account(self) -> None:
        """Have everything of this user's forgotten. No other tab of theirs may be open."""
        user = self._browser.user
        user.may_be_closed = True
        posts = [post for post in self._ledger.posts.values() if post.author is user]
        for post in posts:
            post.may_be.add(ABSENT)
        answer = self._browser.ask("POST", "/account/close", user.name)
        if answer is None:
            self._doubts.append(self.close_account)
        elif answer.status_code in (204, 401):
            # 401 is for somebody who is nobody any more: an answer before was lost.
            user.is_closed = True
            for post in posts:
                post.may_be = {ABSENT}
            self._ledger.acknowledge("close account", user.name)

    def return_(self) -> None:
        """Come back when the storm is over, and do some of what remained in doubt once more."""
        doubts, self._doubts = self._doubts, []
        for doubt in doubts:
            if self._chance.random() < 0.5:
                doubt()

    # Errands

    def _post(self) -> None:
        files = self._uploads(self._chance.choice((1, 1, 2, 3)))
        if files:
            post = self._new_post(files)
            self._create(post, self._chance.choice((PRIVATE, PRIVATE, PUBLIC)))

    def _delete(self) -> None:
        post = self._settled()
        if post is not None:
            self._mine.remove(post)
            self._delete_post(post)

    def _show(self) -> None:
        post = self._settled()
        if post is None:
            return
        # There and back is what an old message must not undo.
        (now,) = post.may_be
        there, back = (PUBLIC, PRIVATE) if now == PRIVATE else (PRIVATE, PUBLIC)
        self._show_post(post, there)
        if self._chance.random() < 0.6:
            self._show_post(post, back)

    def _avatar(self) -> None:
        for file in self._uploads(1):
            avatar = Avatar(file, self._ledger.now())
            self._ledger.avatars.append(avatar)
            self._replace(avatar)

    def _read(self) -> None:
        post = self._settled()
        if post is None:
            return
        for file in post.files:
            self._expect_served(file, post.name)
            others = self._other.url(file, file.name)
            if others is not None and others.status_code not in (401, 404):
                self._ledger.violate(file.name, what=f"{file.name} has a URL for somebody else")
            if not file.was_public:
                self._expect_hidden(file)

    def _unattached(self) -> None:
        for file in self._uploads(1):
            if self._committed(file):
                self._remove(file)

    def _abandon(self) -> None:
        """Begin, and go away: before the bytes are sent, before the commit, or after it."""
        file = self._signed()
        if file is not None and self._chance.random() < 0.7:
            self._browser.put(file)
            if self._chance.random() < 0.5:
                self._committed(file)

    def _two_posts(self) -> None:
        """Have two posts made of one file, at once: one of them may win."""
        for file in self._uploads(1):
            posts = [self._new_post([file]) for _ in range(2)]
            made = _at_once(*(partial(self._create, post, PRIVATE) for post in posts))
            if all(made):
                names = [post.name for post in posts]
                self._ledger.violate(file.name, *names, what=f"{file.name} is in two posts")

    def _attach_or_delete(self) -> None:
        """Have a file attached and removed, at once: one of the two may win."""
        for file in self._uploads(1):
            if not self._committed(file):
                continue
            post = self._new_post([file])
            made = _at_once(partial(self._create, post, PRIVATE), partial(self._remove, file))
            if all(made):
                self._ledger.violate(
                    file.name, post.name, what=f"{file.name} was attached and removed"
                )

    def _two_avatars(self) -> None:
        """Replace the avatar twice, at once: one of the two is left."""
        avatars = [Avatar(file, self._ledger.now()) for file in self._uploads(2)]
        self._ledger.avatars += avatars
        _at_once(*(partial(self._replace, avatar) for avatar in avatars))

    # Steps

    def _settled(self) -> Post | None:
        """Choose a post of which there is no doubt."""
        known = [post for post in self._mine if len(post.may_be) == 1 and ABSENT not in post.may_be]
        return self._chance.choice(known) if known else None

    def _signed(self) -> File | None:
        self._number += 1
        name = f"{self._name}-{self._number}"
        size = self._chance.choice((0, 700, 9_000, 40_000))
        content = photo_holding(name.encode() + b" " + self._chance.randbytes(size))
        wanted = {
            "kind": "image",
            "contentType": "image/jpeg",
            "bytes": len(content),
            "fileName": f"{name}.jpg",
            "method": self._chance.choice(("put", "put", "put", "chunked")),
        }
        answer = self._browser.ask("POST", "/api/media/sign-upload", name, wanted, key=name)
        if answer is None or answer.status_code != 201:
            return None
        said = answer.json()
        file = File(name, self._browser.user, said["key"], said["mediaId"], content, said["upload"])
        self._ledger.files[file.key] = file
        self._ledger.acknowledge("sign-upload", name)
        return file

    def _uploads(self, number: int) -> list[File]:
        """Sign and send files: all of them, or none."""
        files = [file for file in (self._signed() for _ in range(number)) if file is not None]
        for file in files:
            self._browser.put(file)
        return files if len(files) == number else []

    def _committed(self, file: File) -> bool:
        body = {"key": file.key}
        answer = self._browser.commit("/api/media/commit", body, [file], file.name)
        if answer is None or answer.status_code != 200:
            return False
        self._ledger.acknowledge("commit", file.name)
        self._expect_served(file, file.name)
        return True

    def _new_post(self, files: list[File]) -> Post:
        self._number += 1
        post = Post(f"{self._name}-post{self._number}", self._browser.user, files)
        self._ledger.posts[post.name] = post
        return post

    def _create(self, post: Post, visibility: str) -> bool:
        post.may_be.add(visibility)
        for file in post.files:
            file.was_public |= visibility == PUBLIC
        body = {
            "id": post.name,
            "keys": [file.key for file in post.files],
            "visibility": visibility,
        }
        answer = self._browser.commit("/posts", body, post.files, post.name)
        if answer is None:
            self._doubts.append(partial(self._create, post, visibility))
        if answer is None or answer.status_code != 200:
            return False
        post.may_be = {visibility}
        self._ledger.acknowledge("post", post.name)
        self._mine.append(post)
        self._expect_served(self._chance.choice(post.files), post.name)
        return True

    def _delete_post(self, post: Post) -> None:
        post.may_be.add(ABSENT)
        answer = self._browser.ask("POST", f"/posts/{post.name}/delete", post.name)
        if answer is None:
            self._doubts.append(partial(self._delete_post, post))
        elif answer.status_code == 204:
            post.may_be = {ABSENT}
            self._ledger.acknowledge("delete", post.name)
            self._expect_gone(self._chance.choice(post.files), post.name)

    def _show_post(self, post: Post, visibility: str) -> None:
        if post.may_be == {ABSENT}:
            # What is in doubt of it was overtaken: it was shown again since, and deleted.
            return
        post.version += 1
        post.may_be.add(visibility)
        for file in post.files:
            file.was_public |= visibility == PUBLIC
        body = {"visibility": visibility, "version": post.version}
        answer = self._browser.ask("POST", f"/posts/{post.name}/visibility", post.name, body)
        if answer is None:
            self._doubts.append(partial(self._show_post, post, visibility))
        elif answer.status_code == 204:
            post.may_be = {visibility}
            self._ledger.acknowledge(f"make {visibility}", post.name)
        elif ABSENT not in post.may_be and not self._browser.user.may_be_closed:
            self._ledger.violate(post.name, what=f"{post.name}, acknowledged, cannot be changed")

    def _replace(self, avatar: Avatar) -> bool:
        file = avatar.file
        answer = self._browser.commit("/avatar", {"key": file.key}, [file], file.name)
        if answer is None:
            self._doubts.append(partial(self._replace, avatar))
        if answer is None or answer.status_code != 204:
            return False
        avatar.ended = self._ledger.now()
        self._ledger.acknowledge("avatar", file.name)
        return True

    def _remove(self, file: File) -> bool:
        answer = self._browser.ask("DELETE", f"/api/media/files/{file.media_id}", file.name)
        if answer is None or answer.status_code != 204:
            return False
        file.is_removed = True
        self._ledger.acknowledge("remove", file.name)
        self._expect_gone(file, file.name)
        return True

    # What must be true at once

    def _expect_served(self, file: File, subject: str) -> None:
        """Expect a file to be there whose commit was acknowledged, if anything answers."""
        answer = self._browser.url(file, file.name)
        if answer is None:
            return
        if answer.status_code != 200:
            self._violate(file, subject, answer, "has no URL")
            return
        loaded = self._browser.load(answer.json()["url"], file)
        if loaded is not None and loaded.status_code in GONE:
            self._violate(file, subject, loaded, "is not served")

    def _expect_gone(self, file: File, subject: str) -> None:
        """Expect the application to know that a file is gone, whatever the Worker knows yet."""
        answer = self._browser.url(file, file.name)
        if answer is not None and answer.status_code not in GONE:
            self._violate(file, subject, answer, "was removed and has a URL")

    def _expect_hidden(self, file: File) -> None:
        """Expect a file that never was public to be nobody's without a token."""
        loaded = self._browser.load(self._browser.bare(file), file)
        if loaded is not None and loaded.status_code == 200:
            self._violate(file, file.name, loaded, "is private and was served without a token")

    def _violate(self, file: File, subject: str, answer: httpx.Response, what: str) -> None:
        self._ledger.violate(
            file.name, subject, what=f"{file.name} {what}: {answer.status_code} {answer.text[:80]}"
        )


def _at_once(*steps: Callable[[], bool]) -> list[bool]:
    """Take steps at the same time; return what each came to."""
    came_to = [False] * len(steps)

    def take(number: int) -> None:
        came_to[number] = steps[number]()

    threads = [threading.Thread(target=take, args=(number,)) for number in range(len(steps))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return came_to
