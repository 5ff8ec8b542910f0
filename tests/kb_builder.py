"""A small valid model folder, and ways to break it one cell at a time.

Three causes and the residual one, two settings, two contexts that exclude one another in one cell, one
pathology, three findings, one test: every table of the format has a row.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from thighdx.errors import KnowledgeBaseError
from thighdx.kb.folder import read_knowledge_base
from thighdx.kb.records import KnowledgeBase

__all__ = ["MANIFEST", "TABLES", "append", "edit", "load_knowledge_base", "remove", "write_model"]

MANIFEST = """\
format: 1
name: small
version: 0.1.0
title: A small model for tests
max_causes: 2
default_setting: clinic
residual_cause: other_cause
disclaimer: Invented numbers; not a medical device.
settings:
  - {id: clinic, label: A clinic}
  - {id: hospital, label: A hospital}
experts:
  - {id: panel, role: pooled, label: The panel}
  - {id: review, role: correction, label: The review}
"""

JUDGED = "expert,q05,q50,q95,statement,date,sources,note"
# What every judgement below ends with: no statement, a date, the desk as source, no note.
DESK = ",,2026-01-31,desk,"


def _judged(columns: str, rows: str, end: str = DESK) -> str:
    """A judgement table from rows of key and quantiles."""
    lines = [f"{line.strip()}{end}" for line in rows.strip().splitlines()]
    return "\n".join([f"{columns},{JUDGED}", *lines]) + "\n"


TABLES: Mapping[str, str] = {
    "variables.csv": """\
id,layer,label,states,question,asked_if,cost,aliases,note
age_band,context,Age band,18-39|40-64|65+,How old are you?,,ask,,
pregnancy,context,Pregnancy,no|yes,Are you pregnant?,,ask,,
disc_lesion,pathology,Disc lesion,absent|present,Is there a disc lesion?,,imaging_or_invasive,,
strain,cause,Strain,absent|present,,,,,
nerve,cause,Nerve root,absent|present,,,,,
clot,cause,Clot,absent|present,,,,,
other_cause,cause,Something else,absent|present,,,,,
bruising,finding,Bruising,absent|present,Is there a bruise?,,ask,bruise;blue spot,
tingling,finding,Tingling,absent|present,Does it tingle?,,ask,,
pain,finding,Pain,none|mild|severe,How bad is it?,,ask,,
tingling_spreads,finding,Spreading tingling,absent|present,Does the tingling spread?,tingling=present,ask,,
d_dimer,test,D-dimer,negative|positive,What was the D-dimer?,,cheap_test,,
""",
    "shares.csv": _judged(
        "cause,setting",
        """\
strain,clinic,panel,0.4,0.5,0.6
strain,hospital,panel,0.2,0.3,0.4
nerve,clinic,panel,0.2,0.3,0.4
nerve,hospital,panel,0.3,0.4,0.5
clot,clinic,panel,0.01,0.02,0.04
clot,hospital,panel,0.1,0.15,0.2
other_cause,clinic,panel,0.2,0.3,0.4
other_cause,hospital,panel,0.2,0.3,0.4
""",
    ),
    "frequencies.csv": _judged(
        "variable,state,setting",
        """\
age_band,40-64,clinic,panel,0.3,0.35,0.4
age_band,40-64,hospital,panel,0.3,0.35,0.4
age_band,65+,clinic,panel,0.2,0.25,0.3
age_band,65+,hospital,panel,0.35,0.4,0.45
pregnancy,yes,clinic,panel,0.01,0.02,0.04
pregnancy,yes,hospital,panel,0.01,0.02,0.04
disc_lesion,present,clinic,panel,0.1,0.15,0.2
disc_lesion,present,hospital,panel,0.15,0.2,0.25
""",
    ),
    "effects.csv": _judged(
        "parent,parent_state,child",
        """\
age_band,40-64,clot,panel,1.2,1.5,1.9
age_band,65+,clot,panel,2,3,4.5
pregnancy,yes,clot,panel,2,4,8
disc_lesion,present,nerve,panel,5,8,13
strain,present,clot,panel,1,1.5,2.2
""",
    ),
    "links.csv": _judged(
        "cause,variable,state",
        """\
strain,bruising,present,panel,0.3,0.4,0.5
strain,tingling,present,panel,0.01,0.02,0.04
nerve,tingling,present,panel,0.6,0.7,0.8
nerve,tingling_spreads,present,panel,0.4,0.5,0.6
strain,pain,mild,panel,0.85,0.9,0.95
strain,pain,severe,panel,0.2,0.3,0.4
nerve,pain,mild,panel,0.75,0.8,0.85
nerve,pain,severe,panel,0.1,0.2,0.3
clot,d_dimer,positive,panel,0.9,0.95,0.98
other_cause,pain,mild,panel,0.5,0.6,0.7
other_cause,pain,severe,panel,0.1,0.2,0.3
""",
    ),
    "backgrounds.csv": _judged(
        "variable,state",
        """\
bruising,present,panel,0.01,0.03,0.06
tingling,present,panel,0.02,0.05,0.09
tingling_spreads,present,panel,0.01,0.02,0.04
pain,mild,panel,0.2,0.3,0.4
pain,severe,panel,0.02,0.05,0.09
d_dimer,positive,panel,0.05,0.1,0.16
""",
    ),
    "dependencies.csv": (
        f"variable_a,state_a,variable_b,state_b,{JUDGED}\n"
        "age_band,65+,pregnancy,yes,panel,,,,never,2026-01-31,desk,no pregnancy at 65\n"
    ),
    "codes.csv": "cause,system,code,title,note\nstrain,ICD-10,S76.3,Strain of a muscle,\n",
    "groups.csv": "group,label,cause,note\nserious,Serious,clot,\nserious,Serious,nerve,\n",
    "red_flags.csv": (
        "rule_id,when,level,suspect,reason,words,sources\n"
        "R1,d_dimer=positive and tingling=absent,urgent,clot,a clot is likely,It may be a clot.,desk\n"
    ),
    "harms.csv": (
        "cause,harm_of_missing,level_if_likely,threshold_emergency,threshold_urgent,threshold_soon,reason,words,sources\n"
        "clot,80,urgent,0.5,0.1,0.02,it can travel,A clot can travel.,desk\n"
    ),
    "question_lists.csv": (
        "list,title,variable,words,alarm_for\n"
        "seen,What is to be seen?,bruising,a bruise,strain\n"
        "seen,What is to be seen?,tingling,tingling,\n"
    ),
    "words.csv": "key,words\nstate.mild,mild\n",
    "notices.csv": "id,kind,when,words\nN1,contradiction,pain=none and bruising=present,It does not fit.\n",
    "actions.csv": "id,label,words,lowest_level,highest_level\nrubbing,Rubbing,rub;massage,,soon\n",
    "management.csv": (
        "id,cause,kind,advice,when,caution,priority,advises,forbids,lowest_level,highest_level,sources\n"
        "M1,strain,self_care,Rest it.,bruising=present,,1,,,,,desk;S1\n"
        "M9,clot,treatment,Call for help.,,,1,,,,,desk\n"
    ),
    "sources.csv": "id,kind,citation,year,locator,verified,note\ndesk,elicitation,Judged at a desk,,,no,\n",
    "evidence.csv": (
        "evidence_id,cause,finding,metric,value,low,high,population,source,year,verified,url_or_locator,"
        "confidence,note\n"
        "K1,clot,d_dimer,sensitivity,0.95,0.93,0.97,adults,A Journal,2001,yes,none,high,\n"
    ),
    "seeds.csv": (
        "id,seed,kind,subject,object,strength,quantity,statement\n"
        "S1,S,sign,strain,bruising,often,,A strain often leaves a bruise.\n"
    ),
    "seed_coverage.csv": "seed,used_in,target,reason\nS1,links,strain|bruising|present,\n",
    "conflicts.csv": "topic,seeds,side_taken,reason,sources\nice,S1,Cold first.,Bleeding.,desk\n",
    "evidence_agreement.csv": (
        "evidence_id,table,key,verdict,reason\nK1,links,clot|d_dimer|positive,agrees,same figure\n"
    ),
}


def write_model(folder: Path, **changes: str | None) -> Path:
    """Write the small model; `changes` replaces a file (``links_csv=...``) or leaves it out (None)."""
    folder.mkdir(parents=True, exist_ok=True)
    files: dict[str, str | None] = {"model.yaml": MANIFEST, **TABLES}
    for name, text in changes.items():
        file = f"{name[: name.rindex('_')]}.{name[name.rindex('_') + 1 :]}"
        if file not in files:
            raise ValueError(f"{file}: no such file in the small model")
        files[file] = text
    for file, text in files.items():
        if text is not None:
            (folder / file).write_text(text, encoding="utf-8", newline="")
    return folder


def edit(folder: Path, file: str, old: str, new: str) -> int:
    """Replace the one place where `old` stands in a file; return its row."""
    text = (folder / file).read_text(encoding="utf-8")
    if text.count(old) != 1:
        raise ValueError(f"{file}: {old!r} found {text.count(old)} times, expected once")
    (folder / file).write_text(text.replace(old, new), encoding="utf-8", newline="")
    return text[: text.index(old)].count("\n") + 1


def append(folder: Path, file: str, line: str) -> int:
    """Add a line to a file; return its row."""
    text = (folder / file).read_text(encoding="utf-8") + line + "\n"
    (folder / file).write_text(text, encoding="utf-8", newline="")
    return text.count("\n")


def remove(folder: Path, file: str, start: str) -> None:
    """Delete every line of a file that starts with `start`."""
    lines = (folder / file).read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith(start)]
    if kept == lines:
        raise ValueError(f"{file}: no line starts with {start!r}")
    (folder / file).write_text("".join(kept), encoding="utf-8", newline="")


def load_knowledge_base(path: str | Path) -> KnowledgeBase:
    """The records of a folder; an error with everything that cannot be read."""
    kb, problems = read_knowledge_base(path)
    if kb is None or problems:
        raise KnowledgeBaseError(
            str(path), sorted(problems, key=lambda p: (p.file, p.row or 0, p.column or ""))
        )
    return kb
