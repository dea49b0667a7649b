"""How gunicorn serves the demo: `gunicorn -c deploy/gunicorn.conf.py`."""

import os

wsgi_app = "demo.wsgi"
bind = f"0.0.0.0:{os.environ.get('PORT') or 8000}"

# A commit waits for the Worker, and a waiting thread costs a stack and nothing else. Processes are
# for what Python computes: one for each core is enough, because that is little.
workers = int(os.environ.get("WEB_CONCURRENCY") or os.cpu_count() or 1)
worker_class = "gthread"
threads = 16

# A request may wait for the Worker three times MEDIA_SHIM's TIMEOUT of ten seconds, and for a lock.
timeout = 60
# What a deployment interrupts may end; compose.yaml grants as much (stop_grace_period).
graceful_timeout = 30
# Longer than the proxy keeps an idle connection, so that it never sends into one that closes.
keepalive = 75

# The folder of the heartbeat must not be on a disk that can stall.
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: PTH112, S108
# Nobody commands it through a socket: a container is replaced.
control_socket_disable = True

# A memory leak in a library ends with the process, and not all processes at the same moment.
max_requests = 10_000
max_requests_jitter = 1_000

# One line a request, with its path and never its query, which may hold what nobody should read.
accesslog = "-"
access_log_format = (
    '{"time": "%(t)s", "method": "%(m)s", "path": "%(U)s", "status": %(s)s, "us": %(D)s}'
)
