"""The example service of the page on applications answers over HTTP."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

import thighdx
from places import ROOT

PATIENCE = 60  # seconds until a server on a busy machine is up


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Where the service listens."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "--app-dir", str(ROOT / "docs" / "pages" / "howto")]
    server = subprocess.Popen([*command, "service_app:app", "--port", str(port), "--log-level", "warning"])
    address = f"http://127.0.0.1:{port}"
    for _ in range(PATIENCE * 10):
        try:
            urllib.request.urlopen(f"{address}/docs", timeout=1).close()
            break
        except OSError:
            assert server.poll() is None
            time.sleep(0.1)
    yield address
    server.terminate()
    server.wait(PATIENCE)


def post(address: str, path: str, content: object) -> tuple[int, Any]:
    request = urllib.request.Request(
        f"{address}/{path}", json.dumps(content).encode(), {"content-type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as reply:
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


@pytest.mark.tools
def test_a_case_over_http_has_the_answer_of_the_library(address: str, model: thighdx.Model) -> None:
    known = {"onset": "sudden", "sprint_or_overstretch": True, "age": 34}
    status, body = post(address, "diagnose?setting=sports_clinic", known)
    assert status == 200
    assert body["posterior"] == model.diagnose(known, setting="sports_clinic").to_dict()["posterior"]


@pytest.mark.tools
def test_a_mistake_over_http_is_said_to_the_sender(address: str) -> None:
    status, body = post(address, "diagnose", {"onset": "suden"})
    assert (status, body["detail"][-24:]) == (422, "; did you mean 'sudden'?")
    status, body = post(address, "diagnose", {"sex": "male", "pregnancy": "first_trimester"})
    assert (status, body["detail"].partition(":")[0]) == (422, "impossible evidence")


@pytest.mark.tools
def test_an_interview_over_http_needs_no_memory(address: str, model: thighdx.Model) -> None:
    known: dict[str, object] = {"age": 34}
    status, first = post(address, "ask", known)
    assert (status, first["words"]) == (200, "What brings you? Name all that apply.")
    interview = thighdx.Interview(model, known)
    interview.answer(["posterior_thigh_pain"])
    status, second = post(address, "ask", interview.history[-1])
    assert (status, second["words"]) == (200, interview.question.words if interview.question else "")
