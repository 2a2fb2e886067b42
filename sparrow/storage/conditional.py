"""A name that is taken once: in a folder by a link, in S3 by a conditional request of ``boto3``."""

from __future__ import annotations

from pathlib import Path

from sparrow.portable import hard_link
from sparrow.shipped import install_command

TAKEN = {"PreconditionFailed", "412"}


def link_anew(complete: Path, path: Path) -> bool:
    """Give a written file its name, and not the one that it was written under.

    Returns:
        False where the name is taken.
    """
    try:
        hard_link(complete, path)
    except FileExistsError:
        return False
    finally:
        complete.unlink(missing_ok=True)
    return True


def create_in_s3(bucket: str, path: str, content: bytes) -> bool:
    """Put an object where there is none of its name; False where there is one.

    Raises:
        OSError: the server refuses or cannot be reached, or ``boto3`` is not installed.
    """
    try:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError as error:
        raise OSError(f"{error}; {install_command('cluster')} brings it") from error
    # As ``pyarrow.fs`` asks: folders of the address, and what is put is not summed up in a trailer.
    config = Config(
        s3={"addressing_style": "path"}, retries={"mode": "standard", "total_max_attempts": 5}
    )
    try:
        client = boto3.client("s3", config=config)
        client.put_object(Bucket=bucket, Key=path, Body=content, IfNoneMatch="*")
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in TAKEN:
            return False
        raise OSError(str(error)) from error
    except BotoCoreError as error:
        raise OSError(str(error)) from error
    return True
