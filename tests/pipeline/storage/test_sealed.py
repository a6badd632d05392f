"""Sealed JSON: whatever happens to it is noticed, and the seal is one that people can check for themselves."""

from __future__ import annotations

import json
import os
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.storage import version
from pipeline.storage.sealed import (
    DamagedError,
    damage,
    identity_of,
    json_text,
    read_sealed,
    record_of,
    records_of,
    sealed,
    unsealed,
    with_seal,
)

DATA = {"name": "Großmutter", "numbers": [1.5, 2e-9], "nested": {"seal": "0" * 64, "deep": {}}, "path": "\udc80"}

values = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3))


@given(st.dictionaries(st.text(), values, max_size=5))
def test_any_dictionary_comes_back(data):
    written = sealed(data)
    read = unsealed(written, "file")
    seal = read.pop("seal")
    read |= {"seal": data["seal"]} if "seal" in data else {}
    assert json_text(read) == json_text(data)
    assert sealed(unsealed(written, "file")) == written  # which the seal is no part of
    assert len(seal) == 64


@pytest.mark.parametrize("data", [DATA, {}, {"one": 1}])
def test_every_flipped_bit_and_every_cut_is_noticed(data):
    content = sealed(data)
    for place in range(8 * len(content)):
        flipped = bytearray(content)
        flipped[place // 8] ^= 1 << place % 8
        with pytest.raises(DamagedError, match=r"^file: "):
            unsealed(bytes(flipped), "file")
    for length in range(len(content) - 1):
        with pytest.raises(DamagedError):
            unsealed(content[:length], "file")


def test_the_seal_can_be_checked_from_a_shell(tmp_path):
    (tmp_path / "manifest.json").write_bytes(sealed(DATA))
    command = "grep -v '^  \"seal\": ' manifest.json | sha256sum"
    printed = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert printed.split()[0] == json.loads((tmp_path / "manifest.json").read_bytes())["seal"]


def test_what_was_written_before_there_were_seals_is_read(tmp_path):
    (tmp_path / "old.json").write_text(json_text(DATA))
    assert read_sealed(tmp_path / "old.json") == DATA
    first = identity_of(tmp_path / "old.json")
    (tmp_path / "old.json").write_text(json_text({**DATA, "name": "Oma"}))
    assert identity_of(tmp_path / "old.json") != first


def test_json_of_any_layout_with_a_line_for_each_entry_is_sealed():
    text = b'{\n "cells": [{"a": 1},\n  {"a": 2}],\n "title": "two"\n}\n'
    assert unsealed(with_seal(text), "plan") == {**json.loads(text), "seal": unsealed(with_seal(text), "")["seal"]}


@pytest.mark.parametrize("text", ["", "[1]", "null", "{", "\0" * 20, "[" * 100_000])
def test_what_is_no_record_is_damaged(text):
    with pytest.raises(DamagedError, match=r"^file: is (empty|no JSON|not what was written)"):
        unsealed(text.encode(), "file")


def test_a_glance_sees_sizes_and_reads_what_was_touched_later(tmp_path):
    file, note = tmp_path / "file", tmp_path / "note"
    file.write_bytes(b"content")
    record = record_of(b"content")
    note.write_bytes(b"written last")
    assert records_of(tmp_path, ["file"]) == {"file": record}
    assert damage(file, record, version(note)) == ""
    file.write_bytes(b"CONTENT")
    assert damage(file, record, version(note)) == "was changed since it was written"
    os.utime(file, (1, 1))  # as bits do that flip on the disk
    assert damage(file, record, version(note)) == ""
    assert damage(file, record) == "was changed since it was written"
    file.write_bytes(b"cont")
    assert damage(file, record, version(note)) == "has 4 of 7 bytes"
    file.write_bytes(b"")
    assert damage(file, record, version(note)) == "is empty"
    file.unlink()
    assert damage(file, record, version(note)) == "is missing"
