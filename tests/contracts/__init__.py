"""What a port promises, as cases that run on its fake in CPython and on its adapter in workerd.

A suite is a module of `async def` cases; each takes a harness, which has the port and a way to
prepare and to look behind it. Cases use distinct keys, because the bucket and the database in
workerd are not emptied between them.
"""
