"""Tasks that two processes want at once: one makes it, the other does something else meanwhile."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import luigi
import pytest

from nstcore import StyleTransferError
from pipeline.sharing.heart import heart
from pipeline.sharing.leases import LeaseLost, read, take
from pipeline.sharing.shared_run import run_of
from tasks.sharing import Elsewhere, alone, made_alone


class Made(luigi.Task):
    """A file that is made under a lease."""

    folder: str = luigi.Parameter()
    name: str = luigi.Parameter()

    leases = ()

    @property
    def output_dir(self) -> str:
        return self.folder

    def output(self) -> luigi.LocalTarget:
        return luigi.LocalTarget(f"{self.folder}/{self.name}")

    def lease_file(self) -> Path:
        return Path(self.folder) / f"{self.name}.lease.json"

    @alone
    def run(self) -> None:
        note(self.folder, self.name)
        self.output().makedirs()
        Path(self.output().path).touch()


class All(luigi.WrapperTask):
    folder: str = luigi.Parameter()

    def requires(self) -> list[Made]:
        return [Made(folder=self.folder, name=name) for name in "abc"]


def note(folder: str, name: str) -> None:
    with open(f"{folder}/order", "a", encoding="utf-8") as file:
        file.write(name)


def order(folder: Path) -> str:
    return (folder / "order").read_text() if (folder / "order").exists() else ""


def theirs(path: Path) -> None:
    """Make a lease that is held here one of another machine's that is alive."""
    path.write_text(json.dumps({**json.loads(path.read_text()), "machine": "another boot", "host": "there"}))


def test_what_another_makes_is_left_for_later(tmp_path, caplog):
    """The first of three is another's: the others come first, then it is waited for, and it is not made again."""
    held = take(tmp_path / "a.lease.json")
    theirs(held.path)

    def make_it() -> None:
        while sorted(order(tmp_path)) != ["b", "c"]:
            time.sleep(0.01)
        (tmp_path / "a").touch()
        held.release()

    other = threading.Thread(target=make_it)
    other.start()
    result = luigi.build([All(folder=str(tmp_path))], local_scheduler=True, detailed_summary=True, log_level="INFO")
    other.join()
    assert result.status == luigi.LuigiStatusCode.SUCCESS
    assert sorted(order(tmp_path)) == ["b", "c"]  # Luigi takes them in any order
    assert sum("is made by process" in line for line in caplog.messages) <= 1  # Luigi's own set-up may take the log
    assert not (tmp_path / "a.lease.json").exists()


def test_what_a_dead_process_has_left_is_made_at_once(tmp_path):
    held = take(tmp_path / "a.lease.json")
    held.path.write_text(json.dumps({**json.loads(held.path.read_text()), "process_started": 1, "token": "dead"}))
    assert luigi.build([All(folder=str(tmp_path))], local_scheduler=True, log_level="WARNING")
    assert sorted(order(tmp_path)) == ["a", "b", "c"]  # Luigi takes them in any order
    assert list(tmp_path.glob("*lease*")) == []
    held.release()


def test_one_run_by_hand_makes_it_without_more_ado(tmp_path):
    assert Made(folder=str(tmp_path), name="a").run() is None
    assert (tmp_path / "a").exists()
    assert Made(folder=str(tmp_path), name="a").run() is None
    assert order(tmp_path) == "a"


def test_of_a_batch_the_others_are_made_first_and_the_rest_is_waited_for(tmp_path):
    held = take(tmp_path / "a.lease.json")
    parts = All(folder=str(tmp_path)).requires()
    batch = parts[0]
    batch.set_status_message = lambda message: note(str(tmp_path), "-")
    made = []

    def make(mine: list[Made]) -> None:
        made.append([part.name for part in mine])
        for part in mine:
            Path(part.output().path).touch()
        if made == [["b", "c"]]:
            held.release()  # the other process gave up: it is made here

    assert made_alone(batch, parts, make) is None
    assert made == [["b", "c"], ["a"]]


def test_who_has_lost_the_lease_stops_and_waits_for_the_one_who_took_it(tmp_path):
    task = Made(folder=str(tmp_path), name="a")

    def make(_: list[Made]) -> None:
        task.leases[0].lost = True
        theirs(task.lease_file())
        task.lease_file().write_text(json.dumps({**json.loads(task.lease_file().read_text()), "token": "theirs"}))
        task.leases[0].tell(iteration=1)

    rest = made_alone(task, [task], make)
    assert rest is not None
    waits_for = next(rest)
    assert isinstance(waits_for, Elsewhere)
    assert not waits_for.complete()
    task.output().makedirs()
    Path(task.output().path).touch()
    task.lease_file().unlink()
    assert waits_for.complete()
    assert list(rest) == []
    assert task.leases == ()
    with pytest.raises(LeaseLost):
        raise LeaseLost("not an error a person can mend: it may not become a failed cell")


def test_a_place_that_takes_no_lease_is_told_by_the_work(tmp_path):
    (tmp_path / "file").write_text("no folder")
    task = Made(folder=str(tmp_path / "file"), name="a")
    with pytest.raises(NotADirectoryError):
        task.run()
    assert read(task.lease_file()) is None


def left_by_the_dead(path: Path, **deaths: object) -> None:
    """Leave a lease behind as a process does that was killed."""
    held = take(path)
    heart.remove(held)
    left = {**json.loads(path.read_text()), "process_started": 1, "deaths": deaths}
    path.write_text(json.dumps(left))


def test_of_several_that_memory_did_not_suffice_for_each_is_made_alone(tmp_path):
    """While one is made the leases of the others say that they wait, so that they are not what kills."""
    parts = [Made(folder=str(tmp_path), name=name) for name in "abc"]
    run = run_of(str(tmp_path))
    left_by_the_dead(parts[1].lease_file(), run=run, count=1, of_memory=1, furthest=0.0)
    seen = []

    def make(some: list[Made]) -> None:
        at_work = [json.loads(part.lease_file().read_text()).get("at_work") for part in parts]
        seen.append(("".join(part.name for part in some), at_work))

    assert made_alone(parts[0], parts, make) is None
    assert seen == [("a", [True, False, False]), ("b", [True, True, False]), ("c", [True, True, True])]
    assert not [path for part in parts if (path := part.lease_file()).exists()]


def test_what_has_no_other_way_to_fail_raises_when_it_is_given_up(tmp_path):
    part = Made(folder=str(tmp_path), name="a")
    left_by_the_dead(part.lease_file(), run=run_of(str(tmp_path)), count=99, of_memory=0, furthest=0.0)
    with pytest.raises(StyleTransferError, match="100 processes that made it were killed"):
        part.run()
    assert order(tmp_path) == ""
    assert not part.lease_file().exists()
