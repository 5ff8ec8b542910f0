"""What a first answer needs, and that it is made once: times are measured in `benchmarks`, reasons for them here."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import thighdx
from thighdx import once
from thighdx.errors import EvidenceError
from thighdx.network import tables

CASE = {"onset": "sudden", "bruising": True, "numbness": False, "age": 34}
HANDED_OVER = {"manifest", "digest", "files", "lock"}


def tables_read(model: thighdx.Model) -> set[str]:
    """Which parts of the knowledge base were read from its tables."""
    return set(vars(model.compiled.kb)) - HANDED_OVER


def is_made(value: once.Once[object]) -> bool:
    return value._value is not once._NOTHING


def test_a_diagnosis_reads_variables_and_no_other_table() -> None:
    model = thighdx.load_model()
    assert tables_read(model) == {"variables"}
    assert model.diagnose(CASE).posterior.iloc[0] > 0.3
    assert tables_read(model) == {"variables"}
    assert not is_made(model.compiled.judged)


def test_a_whole_result_with_its_urgency_and_questions_reads_no_judgement() -> None:
    model = thighdx.load_model()
    result = model.diagnose(CASE)
    assert result.to_dict()["triage"]["level"]
    assert len(result.next_questions(3)) == 3
    assert not {"judgements", "sources", "seed_rows", "evidence_rows"} & tables_read(model)
    assert not is_made(model.compiled.judged)


def test_scoring_a_table_reads_no_more() -> None:
    model = thighdx.load_model()
    model.score(model.simulate(5, seed=1), groups=True)
    assert tables_read(model) == {"variables", "groups"}
    assert not is_made(model.compiled.judged)


def test_provenance_is_there_for_whoever_asks() -> None:
    model = thighdx.load_model()
    assert len(model.trace("stroke")) > 50
    assert {"judgements", "sources"} <= tables_read(model)
    assert is_made(model.compiled.judged)
    assert model.compiled.pooled is model.compiled.pooled


def test_a_model_that_only_diagnosed_travels_without_what_it_did_not_need() -> None:
    model = thighdx.load_model()
    model.diagnose(CASE)
    sent = pickle.dumps(model)
    again = pickle.loads(sent)
    assert len(sent) < 3_000_000  # variables, shares and rows of 49 causes
    assert tables_read(again) == {"variables"}
    assert again.diagnose(CASE).to_dict() == model.diagnose(CASE).to_dict()


def test_eight_first_requests_make_their_tables_once(monkeypatch: pytest.MonkeyPatch) -> None:
    model = thighdx.load_model()
    made: list[int] = []
    original = tables._make
    monkeypatch.setattr(
        tables, "_make", lambda network, setting: made.append(setting) or original(network, setting)
    )
    start = threading.Barrier(8)

    def ask(_: int) -> str:
        start.wait()
        return json.dumps(model.diagnose(CASE, setting="primary_care").posterior.to_dict())

    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(ask, range(8)))
    assert made == [model.settings.index("primary_care")]
    assert len(answers) == 1


def test_a_warm_model_makes_nothing_for_a_first_request() -> None:
    model = thighdx.load_model()
    model.warm()
    kept = set(model.network.cache)
    assert {("tables", setting_idx) for setting_idx in range(len(model.settings))} <= kept
    for setting in model.settings:
        model.diagnose(CASE, setting=setting).to_dict()
    assert {
        key for key in set(model.network.cache) - kept if isinstance(model.network.cache[key], once.Once)
    } == set()


def test_only_the_settings_that_are_asked_for_are_warmed() -> None:
    model = thighdx.load_model()
    model.warm("self_report")
    model.warm(settings=["sports_clinic"])
    warmed = {key[1] for key in model.network.cache if isinstance(key, tuple) and key[0] == "tables"}
    assert warmed == {model.settings.index(name) for name in ("self_report", "sports_clinic")}
    with pytest.raises(EvidenceError, match="did you mean 'sports_clinic'"):
        model.warm(["sport_clinic"])


BITS = """
import json, sys
import thighdx
model = thighdx.load_model()
cases = ({}, json.loads(sys.argv[1]), {"onset": {"gradual": 0.1, "subacute": 0.2, "sudden": 0.7}, "age": 71})
for case in cases:
    result = model.diagnose(case)
    states = {name: result.probabilities(name).tolist() for name in model.variables}
    print(json.dumps([result.posterior.to_dict(), result.groups.to_dict(), result.log_evidence, states]))
    print(json.dumps(result.fit.to_dict()), json.dumps(result.explain(result.posterior.index[0]).to_dict()))
"""


def test_the_bits_of_a_single_case_do_not_depend_on_threads_of_linear_algebra() -> None:
    answers = set()
    for n_threads in ("1", "4"):
        run = subprocess.run(
            [sys.executable, "-c", BITS, json.dumps(CASE)],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            env={**os.environ, "OPENBLAS_NUM_THREADS": n_threads, "OMP_NUM_THREADS": n_threads},
        )
        assert run.returncode == 0, run.stderr
        answers.add(run.stdout)
    assert len(answers) == 1
