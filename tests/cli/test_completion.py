"""Bash itself asks for what could come next; the other shells get the same words uncut."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from places import SMALL


def offered(shell: str, line: str, **more: str) -> list[str]:
    """What the command offers in a shell at the end of a line; `line` as the shell cuts it."""
    code = "from thighdx.cli import main; main()"
    environment = os.environ | {"_THIGHDX_COMPLETE": f"complete_{shell}"} | more
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stderr == "", line
    return [word.partition("\t")[0] for word in done.stdout.split("\n") if word]


def in_bash(*words: str) -> list[str]:
    """What bash has at Tab, through the script that the command prints for it."""
    run = "\n".join(
        [sys.executable, "-c", "import sys; sys.argv[0] = 'thighdx'; from thighdx.cli import main; main()"]
    )
    at_tab = """eval "$(IFS=$'\\n'; _THIGHDX_COMPLETE=source_bash $1)"
        COMP_WORDS=("${@:2}"); COMP_CWORD=$(($# - 2))
        _thighdx_completion "$1"
        printf '%s\\n' "${COMPREPLY[@]}" """
    command = ["bash", "--norc", "-c", at_tab, "bash", run, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == "", words
    return [word for word in done.stdout.split("\n") if word]


def in_fish(line: str) -> list[str]:
    return offered("fish", line, _TYPER_COMPLETE_ARGS=line, _TYPER_COMPLETE_FISH_ACTION="get-args")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("thighdx diag", ["diagnose"]),
        ("thighdx diagnose bru", ["bruising="]),
        ("thighdx diagnose bruising=pre", ["bruising=present"]),
        ("thighdx diagnose --setting sports", ["sports_clinic"]),
        ("thighdx diagnose --explain hamstring_st", ["hamstring_strain"]),
        ("thighdx model show hamstring_st", ["hamstring_strain"]),
        ("thighdx model trace hamstring_st", ["hamstring_strain"]),
        ("thighdx ask bru", ["bruising="]),
        ("thighdx diagnose --model nowhere bru", []),
        (f"thighdx diagnose --model {SMALL} pai", ["pain="]),
        (f"thighdx diagnose --model {SMALL} --explain ner", ["nerve"]),
    ],
)
def test_a_shell_offers_commands_findings_states_causes_and_settings(line: str, expected: list[str]) -> None:
    assert in_fish(line) == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("thighdx", "diagnose", "bru"), ["bruising="]),
        (("thighdx", "diagnose", "bruising", "="), ["absent", "present"]),
        (("thighdx", "diagnose", "bruising", "=", "pre"), ["present"]),
        (("thighdx", "diagnose", "bruising", "=", "present", "onset", "=", "sud"), ["sudden"]),
        (("thighdx", "diagnose", "bruising", "=", "present", "swelling_l"), ["swelling_local="]),
    ],
)
def test_bash_cuts_words_at_the_sign_and_gets_the_state_alone(
    words: tuple[str, ...], expected: list[str]
) -> None:
    assert in_bash(*words) == expected
