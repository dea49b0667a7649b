"""The Worker in memory: its service API, and the store behind it, as far as the shim asks them.

    addresses    where it answers, and to whom
    double       the double itself: what a test makes it do, and what it then sees
    routes       which noun answers a method and a path
    callers      who is asking, and what they may do
    fields       what a request may say
    names        what a file is called
    answers      refusals, and how instants are written
    state        the two stores: rows of files, and objects
    uploads      presign, open, token and complete
    library      a file is deleted, or shown to others
    inventory    what a shim is shown of both stores
    restoration  rows that were lost, made again
    bucket       the store takes what was signed, once
    cron         what the Worker does by itself as time goes by

It stands where the network is, under httpx, so the shim's own client is what is tested. That it
answers as the Worker does is itself tested, on both. What it does not play:

- Delivery: `GET /m/` finds no file. That is enough for the shim's health, which asks for none.
- The bytes of an upload in pieces: `put` stores them, whatever way they would have come.
- Inspection: a file is taken for what its first bytes say, and nothing is found inside of it.
- Limits of speed and quotas, and hashes: `answer_next` and `failing` give their answers.
- `media_golive`, which tries a deployment and needs a real one.
- The names that a file may not have to the last detail: long ones are not shortened.
"""

from media_shim.testing.worker.addresses import GATEWAY_KEY, STORE_URL, WORKER_URL
from media_shim.testing.worker.answers import refusal
from media_shim.testing.worker.double import Call, FakeWorker
from media_shim.testing.worker.fields import LARGEST, LARGEST_VIDEO
from media_shim.testing.worker.state import File, StoredObject

__all__ = [
    "GATEWAY_KEY",
    "LARGEST",
    "LARGEST_VIDEO",
    "STORE_URL",
    "WORKER_URL",
    "Call",
    "FakeWorker",
    "File",
    "StoredObject",
    "refusal",
]
