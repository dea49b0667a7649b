"""Another way into the bucket: URLs that botocore signs with the development credentials."""

from typing import Any

import botocore.session
import httpx
from botocore.config import Config


def store(worker_url: str, key: str, content: bytes, **described: str) -> None:
    """Store an object that no upload URL of the Worker would store.

    Args:
        worker_url: where the Worker listens.
        key: the object's key.
        content: its bytes.
        described: what S3 calls `ContentType` and `ContentDisposition`.
    """
    names = {"ContentType": "content-type", "ContentDisposition": "content-disposition"}
    url = _client(worker_url).generate_presigned_url(
        "put_object", Params={"Bucket": "media", "Key": key, **described}, ExpiresIn=60
    )
    headers = {names[name]: value for name, value in described.items()}
    httpx.put(url, headers=headers, content=content).raise_for_status()


def remove(worker_url: str, *keys: str) -> None:
    """Take objects away behind the Worker's back, so that only a cache can still have them."""
    client = _client(worker_url)
    for key in keys:
        url = client.generate_presigned_url(
            "delete_object", Params={"Bucket": "media", "Key": key}, ExpiresIn=60
        )
        httpx.delete(url).raise_for_status()


def _client(worker_url: str) -> Any:
    return botocore.session.get_session().create_client(
        "s3",
        region_name="auto",
        endpoint_url=f"{worker_url}/cdn-cgi/local/r2/s3",
        aws_access_key_id="development-only",
        aws_secret_access_key="development-only-secret",
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
    )
