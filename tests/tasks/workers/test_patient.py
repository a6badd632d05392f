"""A scheduler that is away for a while is waited for; what is only said is left unsaid meanwhile."""

from __future__ import annotations

import json
import logging
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from luigi import rpc

from nstcore import ConfigError
from tasks.workers import patient
from tasks.workers.factory import Factory
from tasks.workers.patient import PatientScheduler


class Answers(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        body = json.dumps({"response": {"asked": self.path}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


def serve(port: int = 0) -> HTTPServer:
    HTTPServer.allow_reuse_address = True
    server = HTTPServer(("127.0.0.1", port), Answers)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    return server


@pytest.fixture
def scheduler(monkeypatch):
    monkeypatch.setattr(patient, "_SECONDS_BETWEEN", 0.05)
    server = serve()
    port = server.server_port
    scheduler = PatientScheduler(f"http://127.0.0.1:{port}/")
    assert scheduler.answers()
    server.shutdown()
    server.server_close()
    scheduler.close()  # the connection that was kept
    yield scheduler, port
    scheduler.close()


def test_it_asks_until_the_scheduler_is_back_and_says_so_once(scheduler, caplog):
    asked, port = scheduler
    caplog.set_level(logging.INFO, logger="luigi-interface")
    found = []
    asking = threading.Thread(target=lambda: found.append(asked.count_pending(worker="w")))
    asking.start()
    time.sleep(0.3)
    assert not found
    server = serve(port)
    asking.join(timeout=20)
    server.shutdown()
    server.server_close()
    assert found == [{"asked": "/api/count_pending"}]
    told = [record for record in caplog.records if record.name == "luigi-interface"]
    assert [record.levelname for record in told] == ["WARNING", "INFO"]
    assert not any(record.exc_info for record in told)


def test_a_status_is_left_unsaid(scheduler):
    asked, _ = scheduler
    began = time.monotonic()
    assert asked.set_task_status_message("t", "half way") is None
    assert asked.ping(worker="w") is None
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("host", ["x" * 70, "a..b", "[::1"])
def test_what_cannot_be_an_address_is_told_and_not_asked(host):
    with pytest.raises(ConfigError, match="scheduler must be the address of one") as told:
        Factory().create_remote_scheduler(f"http://{host}:8082/")
    assert "\n" not in str(told.value)


def test_it_does_not_ask_for_ever(scheduler, monkeypatch):
    monkeypatch.setattr(patient, "_SECONDS_AWAY", 0.2)
    with pytest.raises(rpc.RPCError, match="did not come back"):
        scheduler[0].count_pending(worker="w")
    assert not scheduler[0].answers(0.0)
