"""Presigns, one after the other from each connection."""

import json
from collections.abc import Mapping

import httpx

from bench.contestant import ENV_FILE, Running
from bench.load import LoadError
from bench.workload import Workload
from runtime.dev import read_variables

CONTENT = b"\xff\xd8\xff" + bytes(10_000)
PHOTO = {
    "fileName": "photo.jpg",
    "contentType": "image/jpeg",
    "fileSize": len(CONTENT),
    "service": "bench",
}


def identity() -> Mapping[str, str]:
    """Return what the gateway says of one user, who may write."""
    return {
        "x-gateway-key": read_variables(ENV_FILE)["GATEWAY_KEYS"],
        "x-user-id": "bench",
        "x-tenant-id": "acme",
        "x-user-permissions": "media:files.write",
    }


def presigns() -> Workload:
    """Return what is measured."""
    return Workload(
        "presign",
        "POST /upload/presign of a picture",
        ["upload/presign"],
        201,
        b"",
        {**identity(), "content-type": "application/json"},
        sent=json.dumps(PHOTO),
    )


def verify_presigns(ours: Running, task: Workload) -> None:
    """Presign twice, and store by each answer.

    Raises:
        LoadError: an answer is none to upload by, or both are for one file.
    """
    files = set()
    with httpx.Client(trust_env=False) as client:
        for _ in range(2):
            answer = client.post(
                ours.url + task.targets[0], headers=dict(task.headers), content=task.sent
            )
            if answer.status_code != task.status:
                raise LoadError(f"presign answers {answer.status_code}: {answer.text}")
            signed = answer.json()
            files.add(signed["mediaId"])
            stored = client.put(signed["uploadUrl"], headers=signed["headers"], content=CONTENT)
            if stored.status_code != 200:
                raise LoadError(f"a presigned URL answers {stored.status_code}: {stored.text}")
    if len(files) != 2:
        raise LoadError("two presigns are for one file")
