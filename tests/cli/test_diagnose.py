"""`thighdx diagnose`: what it prints about one case, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from typer.testing import Result

import thighdx
from cli.terminal import refused, same_as_golden
from places import SMALL


class TestDiagnose:
    def ask(self, run: Callable[..., Result], *words: str) -> Result:
        return run("diagnose", *words, "--model", str(SMALL))

    def test_it_prints_causes_explanations_groups_and_the_disclaimer(
        self, run: Callable[..., Result]
    ) -> None:
        result = self.ask(run, "bruising=present", "onset:gradual=0.2", "onset:sudden=0.7", "age=12")
        assert result.exit_code == 0
        assert result.stderr == ""
        same_as_golden(result.stdout, "diagnose")

    def test_it_fits_any_width(self, run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
        for width in (40, 60, 80, 120):
            monkeypatch.setenv("COLUMNS", str(width))
            result = self.ask(run, "bruising=present", "--all", "--interval", "0.8")
            assert max(map(len, result.stdout.splitlines())) <= width

    def test_names_break_at_words_in_a_narrow_window(
        self, run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, model: thighdx.Model
    ) -> None:
        monkeypatch.setenv("COLUMNS", "40")
        lines = run("diagnose", "onset=sudden", "--top", "20").stdout.splitlines()
        known = set(" ".join(variable.label for variable in model.causes.values()).split())
        after = lines[lines.index(next(line for line in lines if line.endswith("probability"))) + 1 :]
        names = [line[:28].split() for line in after[: after.index("")]]
        assert len(names) > 20
        assert {word for name in names for word in name} - known <= {
            "◆",
            "!",
            "(A",
            "list;",
            "never",
            "ranked)",
        }

    @pytest.mark.parametrize(
        "words",
        [
            ["onset=sudden", "sprint_or_overstretch=yes", "bruising=yes", "age=34"],
            ["bladder_dysfunction=yes", "saddle_anesthesia=yes", "age=50"],
            ["low_back_pain=yes", "saddle_anesthesia=no", "age=47"],
        ],
    )
    def test_an_answer_fits_a_terminal_of_24_lines(
        self, run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, words: list[str]
    ) -> None:
        monkeypatch.setenv("COLUMNS", "80")
        short = run("diagnose", *words).stdout
        assert short.count("\n") < 24
        assert run("diagnose", "--all", *words).stdout.count("\n") > 30

    def test_causes_that_must_not_be_missed_are_marked(self, run: Callable[..., Result]) -> None:
        result = run("diagnose", "bladder_dysfunction=yes", "saddle_anesthesia=yes")
        lines = result.stdout.splitlines()
        assert any(line.startswith(("◆ Cauda", "! Cauda")) for line in lines)
        assert any("must not be missed" in line for line in lines)
        assert any(line.startswith("Lumbar or sacral radiculopathy ") for line in lines)

    def test_parts_of_the_json_alone(self, run: Callable[..., Result]) -> None:
        found = json.loads(
            self.ask(run, "bruising=present", "--json", "--include", "posterior,triage").stdout
        )
        assert {"posterior", "triage"} <= set(found)
        assert "management" not in found

    def test_names_the_model_does_not_know_can_be_left_out(self, run: Callable[..., Result]) -> None:
        result = self.ask(run, "bruising=present", "haircut=short", "--ignore-unknown")
        assert result.exit_code == 0
        assert "Note: unknown finding 'haircut'" in result.stdout
        assert "Known: bruising=present" in result.stdout

    def test_the_residual_cause_is_never_ranked(self, run: Callable[..., Result]) -> None:
        lines = self.ask(run, "bruising=no", "--top", "3").stdout.splitlines()
        assert any(line.startswith("(Something else; never ranked)") for line in lines)
        assert not any(line.startswith("Something else  ") for line in lines)

    def test_json_is_the_result_and_nothing_else(self, run: Callable[..., Result]) -> None:
        result = self.ask(run, "bruising=present", "age=30", "--json")
        found = json.loads(result.stdout)
        model = thighdx.read_model(SMALL)
        assert found == model.diagnose({"bruising": "present", "age": 30}).to_dict()
        assert result.stderr == ""

    def test_nothing_known_gives_the_shares(self, run: Callable[..., Result]) -> None:
        found = json.loads(self.ask(run, "--json").stdout)
        assert found["posterior"] == pytest.approx(found["prior"])

    @pytest.mark.parametrize(
        ("words", "parts"),
        [
            (["brusing=yes"], ["unknown finding 'brusing'", "did you mean 'bruising'?"]),
            (["bruising=blue"], ["bruising: got 'blue'", "absent, present"]),
            (["age=-3"], ["age: got -3", "0 to 120 years"]),
            (["age=old"], ["age: got 'old'"]),
            (["bruising"], ["'bruising': expected NAME=VALUE"]),
            (["=yes"], ["expected NAME=VALUE"]),
            (["bruising=yes", "bruising=no"], ["'bruising=no': bruising is given twice"]),
            (["onset=sudden", "onset:sudden=1"], ["onset is given twice"]),
            (["onset:sudden=1", "onset=sudden"], ["onset is given twice"]),
            (["onset:sudden=a"], ["got 'a', expected a likelihood"]),
            (["onset:sudden=1"], ["onset: likelihood of 'gradual'"]),
            (["onset:suden=1"], ["got the state 'suden'", "did you mean 'sudden'?"]),
            (["onset:gradual=0", "onset:sudden=0"], ["not all 0"]),
            (["setting=clinic"], ["write --setting clinic"]),
            (["--setting", "clinik"], ["setting: got 'clinik'", "did you mean 'clinic'?"]),
            (
                ["clot=present", "strain=no", "nerve=no", "other_cause=no", "onset=sudden"],
                ["impossible evidence"],
            ),
        ],
    )
    def test_bad_input_is_refused(
        self, run: Callable[..., Result], words: list[str], parts: list[str]
    ) -> None:
        refused(self.ask(run, *words), "thighdx: error: ", *parts)

    def test_a_model_that_does_not_exist_is_refused(self, run: Callable[..., Result]) -> None:
        refused(run("diagnose", "--model", "nowhere"), "nowhere", "no such folder")
