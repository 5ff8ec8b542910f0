"""Models on their way to other processes, and how many a process keeps."""

from __future__ import annotations

import pickle

import thighdx
from thighdx.compiled import portable
from thighdx.compiled.portable import PortableModel, find_model


def test_the_shipped_model_goes_by_name_and_is_loaded_once(model: thighdx.Model) -> None:
    sent = PortableModel.pack(model.compiled)
    assert len(pickle.dumps(sent)) < 500
    assert sent.open() is sent.open() is find_model(None)


def test_a_model_of_ones_own_goes_whole_and_is_opened_once(small_model: thighdx.Model) -> None:
    sent = pickle.loads(pickle.dumps(PortableModel.pack(small_model.compiled)))
    assert sent.open() is sent.open()
    opened = thighdx.Model(sent.open())
    case = {"bruising": True, "age": 70}
    assert opened.diagnose(case).to_dict() == small_model.diagnose(case).to_dict()
    assert opened.trace("strain").equals(small_model.trace("strain"))


def test_a_process_keeps_the_few_models_it_used_last(small_model: thighdx.Model) -> None:
    sent = [
        PortableModel.pack(small_model.rebase({"strain": 0.5 + k / 100}, setting="clinic").compiled)
        for k in range(portable._MOST_OWN + 2)
    ]
    first = sent[0].open()
    for other in sent[1:-1]:
        other.open()
        assert sent[0].open() is first  # used in between
    sent[-1].open()
    assert len(portable._OWN) == portable._MOST_OWN
    assert sent[0].open() is first
    assert {item.rebased["clinic"]["strain"] for item in portable._OWN.values() if item.rebased} <= {
        0.5 + k / 100 for k in (0, 2, 3, 4, 5)
    }
