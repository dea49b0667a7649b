"""Which states agree: for each of the application's, the Worker's rows down and the store across.

`·` is agreement, or something that ends by itself: the Worker's cron gives up what is pending for a
day and clears away what is rejected, expired or deleting; the shim's own cleanup removes what was
never committed. An object without any row that the application does not know is drift only where
its key is ours, which `judge` knows.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

from media_shim.reconcile.drift import Drift
from media_shim.reconcile.states import App, Row, Stored

States: TypeAlias = tuple[App, Row, Stored]

_TABLE: Final = """
none              none               bytes              tombstone
  none            ·                  stray_object       ·
  pending_upload  ·                  ·                  ·
  uploaded        stray_row          stray_row          stray_row
  rejected        ·                  ·                  ·
  expired         ·                  ·                  ·
  deleting        ·                  ·                  ·
  gone            ·                  bytes_left         ·

quarantined       none               bytes              tombstone
  none            empty_quarantine   stray_object       empty_quarantine
  pending_upload  ·                  ·                  ·
  uploaded        bytes_lost         ·                  bytes_lost
  rejected        empty_quarantine   empty_quarantine   empty_quarantine
  expired         empty_quarantine   empty_quarantine   empty_quarantine
  deleting        empty_quarantine   empty_quarantine   empty_quarantine
  gone            empty_quarantine   bytes_left         empty_quarantine

pending           none               bytes              tombstone
  none            upload_lost        upload_lost        upload_lost
  pending_upload  ·                  ·                  ·
  uploaded        commit_missing     commit_missing     commit_missing
  rejected        ·                  ·                  ·
  expired         ·                  ·                  ·
  deleting        ·                  ·                  ·
  gone            ·                  bytes_left         ·

committed         none               bytes              tombstone
  none            missing            row_lost           missing
  pending_upload  bytes_lost         unfinished         bytes_lost
  uploaded        bytes_lost         ·                  bytes_lost
  rejected        lost_in_worker     lost_in_worker     lost_in_worker
  expired         lost_in_worker     lost_in_worker     lost_in_worker
  deleting        lost_in_worker     lost_in_worker     lost_in_worker
  gone            lost_in_worker     lost_in_worker     lost_in_worker

telling           none               bytes              tombstone
  none            ·                  bytes_kept         ·
  pending_upload  ·                  ·                  ·
  uploaded        ·                  ·                  ·
  rejected        ·                  ·                  ·
  expired         ·                  ·                  ·
  deleting        ·                  ·                  ·
  gone            ·                  bytes_left         ·

leaving           none               bytes              tombstone
  none            not_told           bytes_kept         not_told
  pending_upload  not_told           not_told           not_told
  uploaded        not_told           not_told           not_told
  rejected        not_told           not_told           not_told
  expired         not_told           not_told           not_told
  deleting        not_told           not_told           not_told
  gone            not_told           not_told           not_told

removed           none               bytes              tombstone
  none            ·                  bytes_kept         ·
  pending_upload  not_deleted        not_deleted        not_deleted
  uploaded        not_deleted        not_deleted        not_deleted
  rejected        ·                  ·                  ·
  expired         ·                  ·                  ·
  deleting        ·                  ·                  ·
  gone            ·                  bytes_left         ·
"""


def _read(text: str) -> Mapping[States, Drift | None]:
    verdicts: dict[States, Drift | None] = {}
    for grid in text.strip().split("\n\n"):
        (app, *stored), *lines = (line.split() for line in grid.splitlines())
        for row, *cells in lines:
            for where, cell in zip(stored, cells, strict=True):
                states = App(app), Row(row), Stored(where)
                if states in verdicts:
                    raise ValueError(f"{states} is there twice")
                verdicts[states] = None if cell == "·" else Drift(cell)
    return MappingProxyType(verdicts)


TABLE: Final = _read(_TABLE)
"""The drift of each combination of states; None for none."""
