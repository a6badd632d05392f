"""The settings that the example for watching shows: Luigi knows them, a mail arrives, and lines of JSON are written."""

from __future__ import annotations

import configparser
import gc
import json
import os
import socketserver
import subprocess
import sys
import threading
from email import message_from_bytes, policy
from pathlib import Path

import luigi
import pytest
from luigi import notifications, scheduler
from luigi.batch_notifier import batch_email
from luigi.configuration import get_config

from tasks import FailedCell

EXAMPLE = Path(__file__).parents[2] / "examples" / "watching"


def test_luigi_knows_every_setting():
    config = configparser.ConfigParser()
    config.read(EXAMPLE / "luigi.cfg")
    known = {
        "core": luigi.interface.core,
        "email": notifications.email,
        "smtp": notifications.smtp,
        "scheduler": scheduler.scheduler,
        "batch_notifier": batch_email,
    }
    for section, kind in known.items():
        assert set(config[section]) <= {name for name, _ in kind.get_params()}, section
    assert set(config.sections()) - known.keys() == {"prometheus"}  # of a module that needs a package of its own
    source = Path(luigi.__file__).parent / "contrib" / "prometheus_metric.py"
    assert all(f"    {name} = parameter." in source.read_text() for name in config["prometheus"])
    collector = scheduler.scheduler.metrics_collector.parse(config["scheduler"]["metrics_collector"])
    assert collector is luigi.metrics.MetricsCollectors.prometheus


class Sink(socketserver.StreamRequestHandler):
    """As much of a mail server as takes a mail."""

    def handle(self):
        self.wfile.write(b"220 here\r\n")
        while line := self.rfile.readline():
            word = line[:4].upper()
            if word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                mail = b""
                while (line := self.rfile.readline()) != b".\r\n":
                    mail += line
                self.server.mails.append(mail)
            self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 well\r\n")
            if word == b"QUIT":
                return


@pytest.fixture
def mails(monkeypatch):
    """Mails that were sent with the example's settings, to a server of our own."""
    with socketserver.TCPServer(("127.0.0.1", 0), Sink) as server:
        server.mails = []
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        example = configparser.ConfigParser()
        example.read(EXAMPLE / "luigi.cfg")
        settings = {**{("email", key): value for key, value in example["email"].items()}}
        settings |= {("smtp", key): value for key, value in example["smtp"].items()}
        settings |= {("smtp", "host"): "127.0.0.1", ("smtp", "port"): str(server.server_address[1])}
        config = get_config()
        before = {key: config.get(*key, None) for key in settings}
        for (section, name), value in settings.items():
            config.set(section, name, value)
        yield server.mails
        for (section, name), value in before.items():
            if value is None:
                config.remove_option(section, name)
            else:
                config.set(section, name, value)
        server.shutdown()
        thread.join()
        gc.collect()  # Luigi leaves its connection to the mail server open


@pytest.mark.filterwarnings("ignore:Parameter :UserWarning", "ignore:unclosed:ResourceWarning")  # of Luigi itself
def test_a_failed_cell_is_a_mail_of_one_reason_without_a_traceback(mails):
    cell = FailedCell("bridge", "ink", "VGG16", "no room there; make some")
    assert not luigi.build(
        [cell], local_scheduler=True, log_level="CRITICAL", detailed_summary=True
    ).scheduling_succeeded
    (mail,) = [message_from_bytes(each, policy=policy.default) for each in mails]
    assert (mail["To"], mail["From"]) == ("you@example.org", "grid@example.org")
    text = "".join(part.get_content() for part in mail.walk() if part.get_content_maintype() == "text")
    assert "bridge × ink, VGG16: no room there; make some" in text
    assert "Traceback" not in text


PROGRAM = """
import logging, logging.config, sys
from tasks import logs
logging.config.fileConfig(sys.argv[1], disable_existing_loggers=False)
logs.about("bridge × ink, VGG16")
logging.getLogger("luigi-interface").info("begun")
"""


def test_the_log_is_as_the_example_says():
    """In a process of its own: to configure logging closes what tests listen with."""
    environment = {**os.environ, "PYTHONPATH": str(EXAMPLE.parents[1])}
    command = [sys.executable, "-c", PROGRAM, str(EXAMPLE / "logging.cfg")]
    told = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stderr
    line = json.loads(told)
    assert (line["logger"], line["level"], line["message"]) == ("luigi-interface", "INFO", "begun")
    assert line["cell"] == "bridge × ink, VGG16"
