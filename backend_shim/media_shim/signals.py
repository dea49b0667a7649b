"""What an application can listen to. Each is sent with `media`, the row.

The first three are sent in the transaction that makes them true: a receiver that raises undoes it.
`media_removed` comes when the Worker has answered, in a transaction of the outbox's.
"""

from django.dispatch import Signal

media_committed = Signal()
media_attached = Signal()
media_removing = Signal()
media_removed = Signal()
