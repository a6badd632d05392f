"""The storage module over a real S3 server: whole or absent, one of several, few requests, errors in one line."""

from __future__ import annotations

import contextlib
import http.server
import os
import threading
from pathlib import Path

import pytest

from nstcore.errors import ConfigError, InputError, OutputError
from nstcore.failures import DISTURBED, TO_MEND, nature_of
from pipeline import storage
from pipeline.sharing import leases
from pipeline.sharing.leases import LeaseLost, Taken, cell_lease, take
from pipeline.storage import object_conditions, objects
from pipeline.storage.folders import require_folder
from pipeline.storage.glance import glancing
from pipeline.storage.object_listings import listings
from pipeline.storage.places import RemotePath, place_at, require_known
from pipeline.upkeep.fetching import fetch_folder


@pytest.fixture
def one_client_each():
    """Forget the client of this process, for a test that sets its environment otherwise; and again afterwards."""

    def forget():
        objects._storage_of.cache_clear()
        object_conditions._found_writable.clear()
        listings.forget()

    yield forget
    forget()


@pytest.fixture
def folder(bucket) -> RemotePath:
    return RemotePath(f"{bucket}/a prefix/of 50%")


def test_bytes_come_back_under_odd_names(folder):
    for name in ("plain", "with space", "50%25#?&+", "ünïcode", r"caf\xe9", "a[b]*", "it's", "=x"):
        place = folder / "cells" / name / "file.txt"
        storage.write(place, name.encode())
        assert storage.read(place) == name.encode()
        assert storage.exists(str(place))
        assert storage.size(place) == len(name.encode())
    found = [each.relative_to(folder).parts[1] for each in storage.walk(folder)]
    assert sorted(found) == sorted(("plain", "with space", "50%25#?&+", "ünïcode", r"caf\xe9", "a[b]*", "it's", "=x"))
    for place in list(storage.walk(folder)):
        storage.remove(place)
        assert not storage.exists(place)
    assert list(storage.walk(folder)) == []


def test_of_many_who_create_one_succeeds_and_of_many_who_replace_too(folder):
    def race(attempt):
        won = []
        threads = [threading.Thread(target=lambda n=n: won.append(n) if attempt(n) else None) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return won

    place = folder / "lease.json"
    (first,) = race(lambda number: object_conditions.create(place, f"made by {number}".encode()))
    found = objects.read(place)
    assert found.content == f"made by {first}".encode()
    (second,) = race(lambda number: object_conditions.replace(place, f"taken by {number}".encode(), found.tag))
    assert objects.read(place).content == f"taken by {second}".encode()


def test_a_question_about_many_files_takes_few_requests(folder, monkeypatch):
    places = [folder / "cells" / f"content {n % 5}" / "style" / f"vgg-{n}" / "manifest.json" for n in range(60)]
    for place in places:
        storage.write(place, b"{}")
    asked = []
    pages = objects._pages
    monkeypatch.setattr(objects, "_pages", lambda *given, **named: asked.append(given) or pages(*given, **named))
    monkeypatch.setattr(objects, "head", lambda place: pytest.fail(f"{place} is looked at alone"))
    listings.forget()
    with glancing():
        assert all(storage.exists(place) for place in places)
        assert not any(storage.exists(place.with_name("failure.json")) for place in places)
    assert len(asked) == 1
    assert all(storage.exists(place) for place in places)  # which were listed a moment ago
    assert len(asked) == 1
    listings.forget()
    assert all(storage.exists(place) for place in places)  # one by one, until it is clear that all are meant
    assert len(asked) < 20


def test_what_another_process_writes_is_seen_at_once_outside_of_a_question(folder):
    place = folder / "cells/a/b/c-1/manifest.json"
    assert not storage.exists(place)
    with glancing():
        assert not storage.exists(place)
    objects.write(place, b"by another")  # past the listings of this process
    assert storage.exists(place)
    storage.write(place, b"anew")
    with glancing():
        assert storage.size(place) == 4
        storage.remove(place)
        assert not storage.exists(place)


def test_versions_tell_contents_apart_written_within_a_second(folder):
    place = folder / "x"
    storage.write(place, b"one")
    first, one = storage.version(place), storage.sha256(place)
    storage.write(place, b"two")
    assert storage.version(place) != first
    assert storage.sha256(place) != one


def test_large_files_links_moves_and_ends(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(objects, "_ONE_PUT", 1000)
    content = bytes(range(256)) * 50_000
    with storage.writing_into(folder / "large.npz") as file:
        file.write(content)
        assert not storage.exists(folder / "large.npz")
    storage.link(folder / "large.npz", folder / "copy.npz")
    assert storage.read(folder / "copy.npz") == content
    assert storage.ends(folder / "copy.npz", 4, 22) == (content[:4], content[-22:])
    storage.link(folder / "copy.npz", tmp_path / "here.npz")
    assert (tmp_path / "here.npz").read_bytes() == content
    storage.write(folder / "empty", b"")
    assert storage.ends(folder / "empty", 4, 22) == (b"", b"")
    storage.move(folder / "copy.npz", folder / "damaged" / "copy-1.npz")
    assert sorted(place.name for place in storage.walk(folder)) == ["copy-1.npz", "empty", "large.npz"]
    with contextlib.suppress(RuntimeError), storage.writing(folder / "never") as part:
        part.write_bytes(b"half")
        raise RuntimeError
    assert not storage.exists(folder / "never")


def test_a_lease_is_held_by_one_ages_by_the_servers_clock_and_is_taken_over_by_one(folder, monkeypatch):
    path = cell_lease(folder / "cells/a/b/c-1")
    with take(path) as held, pytest.raises(Taken):
        take(path)
    assert leases.read(path) is None

    held = take(path)
    held.beat()
    lease = leases.read(path)
    assert (lease.token, lease.beats) == (held.token, 1)
    assert -2 <= lease.silent <= 2
    assert lease.is_live()
    dead = leases.SECONDS_TO_LIVE
    monkeypatch.setattr(leases, "SECONDS_TO_LIVE", -10.0)
    other = take(path)
    monkeypatch.setattr(leases, "SECONDS_TO_LIVE", dead)
    assert leases.read(path).token == other.token
    assert not leases._replaced(lease, b"by one who read it before")
    held.beat()
    with pytest.raises(LeaseLost):
        held.tell(size=1)
    held.release()
    assert leases.read(path).token == other.token
    other.release()
    assert leases.read(path) is None


def refused_by(place, kind):
    """The line with which a place that cannot be had is refused."""
    with pytest.raises(kind) as refused:
        require_folder(place)
    assert len(str(refused.value).splitlines()) == 1
    return refused.value


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("gs://bucket/x", "gs:// is neither"),
        ("file:///tmp/x", "file:// is neither"),
        ("s3://", "names no bucket"),
        ("s3://bucket/a/../b", "write the address out"),
        ("s3://bucket/caf\udce9", "names in S3 are UTF-8"),
    ],
)
def test_an_address_that_outputs_cannot_lie_at(text, line):
    with pytest.raises(ConfigError, match=line):
        require_known(text)
    assert require_known("a/folder") is None
    assert isinstance(place_at("a/folder"), Path)


def test_errors_of_the_server_name_the_place_and_what_to_do(bucket, monkeypatch, one_client_each):
    error = refused_by(RemotePath("s3://no-such-bucket-here/x"), OutputError)
    assert "there is no bucket no-such-bucket-here" in str(error)
    assert nature_of(error) is TO_MEND
    with pytest.raises(InputError, match=r"missing: cannot be read \(No such file"):
        storage.read(f"{bucket}/missing")

    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    one_client_each()
    error = refused_by(RemotePath(f"{bucket}/no credentials"), OutputError)
    assert "no credentials); set AWS_ACCESS_KEY_ID" in str(error)
    assert nature_of(error) is TO_MEND


def test_a_server_that_does_not_answer_is_tried_again(bucket, monkeypatch, one_client_each):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    one_client_each()
    with pytest.raises(InputError, match="AWS_ENDPOINT_URL says which one") as refused:
        storage.exists(f"{bucket}/x")
    assert nature_of(refused.value) is DISTURBED


@pytest.mark.parametrize(("status", "code", "nature"), [(403, "AccessDenied", TO_MEND), (503, "SlowDown", DISTURBED)])
def test_what_a_server_answers(bucket, monkeypatch, one_client_each, status, code, nature):
    class Refusing(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as server:
        threading.Thread(target=server.serve_forever).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
        one_client_each()
        with pytest.raises(InputError, match=code) as refused:
            storage.read(f"{bucket}/x")
        assert nature_of(refused.value) is nature
        server.shutdown()


def test_a_server_that_keeps_no_conditions_is_refused(bucket, monkeypatch, one_client_each):
    one_client_each()
    written_if = object_conditions._written_if
    monkeypatch.setattr(object_conditions, "_written_if", lambda place, content, **_: written_if(place, content))
    error = refused_by(RemotePath(bucket) / "x", OutputError)
    assert "If-None-Match" in str(error)
    assert list(storage.walk(bucket)) == []


def test_a_key_that_leads_out_of_the_folder_is_not_fetched(bucket, tmp_path):
    objects.write(RemotePath(bucket) / "reports" / "x" / "index.html", b"page")
    objects.write(RemotePath(bucket) / "reports" / "x" / ".." / "escaped", b"x")
    with pytest.raises(InputError, match="leads out of its folder"):
        fetch_folder(RemotePath(bucket) / "reports" / "x", tmp_path / "in" / "side")
    assert not list(tmp_path.rglob("escaped"))
    with pytest.raises(InputError, match="there is nothing"):
        fetch_folder(RemotePath(bucket) / "reports" / "none", tmp_path)


def test_a_forked_process_has_a_connection_of_its_own(folder):
    storage.write(folder / "x", b"parent")
    child = os.fork()
    if not child:
        os._exit(0 if storage.read(folder / "x") == b"parent" else 1)
    assert os.waitpid(child, 0)[1] == 0
