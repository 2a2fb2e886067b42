"""What systems lack is answered plainly, and what this one has is used."""

from __future__ import annotations

import errno
import os
import pwd
import resource

import pytest
from filelock import lock_descriptor

from sparrow import portable


def test_cores_are_those_that_this_process_may_use(monkeypatch):
    assert portable.usable_cores() == len(os.sched_getaffinity(0))
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {1, 5, 7})
    assert portable.usable_cores() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 12)
    assert portable.usable_cores() == 12
    monkeypatch.setattr(os, "cpu_count", lambda: None)  # as Python says where it cannot tell
    assert portable.usable_cores() == 1


def test_a_lock_that_is_shared_keeps_out_who_wants_it_alone(tmp_path):
    with (tmp_path / "x.lock").open("wb") as a, (tmp_path / "x.lock").open("rb") as b:
        portable.hold_together(a.fileno())
        portable.hold_together(b.fileno())
        with (tmp_path / "x.lock").open("rb") as c:
            assert not lock_descriptor(c.fileno(), blocking=False)
            a.close()
            assert not lock_descriptor(c.fileno(), blocking=False)
            b.close()
            assert lock_descriptor(c.fileno(), blocking=False)


def test_a_system_without_shared_locks_says_what_needs_them(tmp_path, monkeypatch):
    monkeypatch.setattr(portable, "fcntl", None)
    with (
        (tmp_path / "x.lock").open("wb") as file,
        pytest.raises(OSError, match="Linux or macOS") as e,
    ):
        portable.hold_together(file.fileno())
    assert e.value.errno == errno.ENOTSUP


@pytest.mark.parametrize("opens_folders", [True, False])
def test_flushing_leaves_everything_as_it_is(tmp_path, monkeypatch, opens_folders):
    if not opens_folders:
        monkeypatch.delattr(os, "O_DIRECTORY")
    (tmp_path / "a").write_bytes(b"12")
    portable.flush_to_disk(tmp_path / "a")
    portable.flush_to_disk(tmp_path)
    assert (tmp_path / "a").read_bytes() == b"12"
    with pytest.raises(FileNotFoundError):
        portable.flush_to_disk(tmp_path / "none")


def test_a_hard_link_is_one_more_name(tmp_path, monkeypatch):
    (tmp_path / "a").write_bytes(b"12")
    portable.hard_link(tmp_path / "a", tmp_path / "b")
    monkeypatch.setattr(os, "supports_follow_symlinks", set())
    portable.hard_link(tmp_path / "a", tmp_path / "c")
    assert (tmp_path / "a").stat().st_nlink == 3
    with pytest.raises(FileExistsError):
        portable.hard_link(tmp_path / "a", tmp_path / "c")


def test_a_link_changes_from_one_folder_to_another(tmp_path):
    link, partial = tmp_path / "link", tmp_path / "partial"
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        portable.replace_link(link, tmp_path / name, partial)
        assert link.resolve() == tmp_path / name
        partial.symlink_to("left by a kill")
    (tmp_path / "file").mkdir()
    with pytest.raises(OSError, match="file"):  # a folder is not replaced
        portable.replace_link(tmp_path / "file", tmp_path / "first", partial)


def test_folders_are_exchanged_where_the_system_can(tmp_path, monkeypatch):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    swapped = portable.exchange(tmp_path / "a", tmp_path / "b")
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b" if swapped else "a"]
    assert not portable.exchange(tmp_path / "a", tmp_path / "none")
    for system in ("darwin", "win32"):
        monkeypatch.setattr(portable.sys, "platform", system)
        assert not portable.exchange(tmp_path / "a", tmp_path / "b")
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b" if swapped else "a"]


def test_the_account_is_named_where_it_has_a_name(monkeypatch):
    assert portable.account_name() == pwd.getpwuid(os.getuid()).pw_name
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 54321)  # no entry in the password file
    assert portable.account_name() is None
    assert portable.user_name() == "user 54321"
    monkeypatch.setattr(portable, "pwd", None)
    assert portable.account_name() is None
    monkeypatch.setenv("USERNAME", "ada")
    assert portable.account_name() == portable.user_name() == "ada"


def test_the_limit_of_open_files_is_raised_as_far_as_it_may_be(monkeypatch):
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (200, limits[1]))
        assert portable.raise_descriptor_limit(100) == 200  # never lowered
        assert portable.raise_descriptor_limit(250) == 250
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (250, limits[1])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    monkeypatch.setattr(portable, "resource", None)
    assert portable.raise_descriptor_limit(712) == 712


def test_open_descriptors_are_listed(tmp_path, monkeypatch):
    with (tmp_path / "a").open("wb") as file:
        assert file.fileno() in portable.open_descriptors()
        monkeypatch.setattr(portable, "_DESCRIPTOR_FOLDERS", ("/none", "/dev/fd"))
        assert file.fileno() in portable.open_descriptors()  # as on macOS
        monkeypatch.setattr(portable, "_DESCRIPTOR_FOLDERS", ("/none",))
        assert portable.open_descriptors() == []


def test_freed_memory_is_kept_unless_the_environment_says_how(monkeypatch):
    for name in [name for name in os.environ if name.startswith("MALLOC_")]:
        monkeypatch.delenv(name)
    assert portable.keep_freed_memory() == bool(os.confstr("CS_GNU_LIBC_VERSION"))
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "1000000")
    assert not portable.keep_freed_memory()
