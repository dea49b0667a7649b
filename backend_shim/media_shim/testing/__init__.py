"""For the tests of applications that use the shim: the Worker in memory, and files to begin with.

    with fake_worker() as worker:
        media = make_media(alice, visibility="public")
        …

What goes wrong is provoked on the worker: `failing`, `lose_row`, `lose_object` and their like.

Nothing here needs pytest. A `TestCase` inherits from `FakeWorkerMixin` and has `self.worker`; in
pytest the same is `with fake_worker() as worker: yield worker` in a fixture.
"""

from media_shim.testing.factories import make_media, make_upload
from media_shim.testing.network import FakeWorkerMixin, fake_worker
from media_shim.testing.samples import JPEG, MP4, PDF, PNG, SAMPLES
from media_shim.testing.worker import FakeWorker, refusal

__all__ = [
    "JPEG",
    "MP4",
    "PDF",
    "PNG",
    "SAMPLES",
    "FakeWorker",
    "FakeWorkerMixin",
    "fake_worker",
    "make_media",
    "make_upload",
    "refusal",
]
