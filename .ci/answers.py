"""Write everything a user can see of some cases and tables to a folder: diff -r the folders of two versions."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import warnings
from pathlib import Path

import pyarrow as pa

import thighdx

out = Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)
warnings.simplefilter("ignore")
model = thighdx.load_model()
CASES = {
    "sprint": ({"onset": "sudden", "sprint_or_overstretch": True, "bruising": True, "age": 34}, None),
    "nothing": ({}, None),
    "primary": ({"numbness": True, "age": 61, "bruising": {"present": 0.3, "absent": 0.7}}, "primary_care"),
    "flags": ({"numbness": True, "onset": "sudden"}, "emergency"),
}


def put(name: str, content: object) -> None:
    """Write one answer."""
    text = content if isinstance(content, str) else json.dumps(content, indent=1, default=str)
    (out / name).write_text(text, encoding="utf-8")


put("model.txt", repr(model))
put("model.html", model._repr_html_())
for name, (findings, setting) in CASES.items():
    try:
        result = model.diagnose(findings, setting=setting if setting in model.settings else None)
    except thighdx.ThighdxError as error:
        put(f"{name}.error", str(error))
        continue
    result = pickle.loads(pickle.dumps(result))
    put(f"{name}.json", result.to_json(indent=1))
    put(f"{name}.txt", repr(result))
    put(f"{name}.part.html", result._repr_html_())
    put(f"{name}.page.html", result.to_html(date="2026-01-02"))
    cause = str(result.posterior.index[0])
    for what, found in {
        "explain": result.explain(cause),
        "contrast": result.contrast(cause, str(result.posterior.index[1])),
        "triage": result.triage,
        "management": result.management,
        "questions": result.next_questions(3),
        "intervals": result._quick_intervals,
        "sensitivity": result.sensitivity(cause),
    }.items():
        put(f"{name}.{what}.txt", f"{found!r}\n{found!s}")
        if hasattr(found, "to_dict"):
            put(f"{name}.{what}.json", found.to_dict())
        if hasattr(found, "_repr_html_"):
            put(f"{name}.{what}.html", found._repr_html_())
patients = model.simulate(300, seed=3)
evidence = patients[[c for c in patients if not c.startswith("true_")]]
scored = model.score(evidence, interval=0.9, triage=True, groups=True)
put("scored.csv", scored.to_csv(float_format="%.17g"))
batch = pa.RecordBatch.from_pandas(evidence)
scorer = pickle.loads(pickle.dumps(thighdx.Scorer(top=2, triage=True)))
made = scorer(batch)
put("batch.txt", str(made.schema) + "\n" + made.to_pandas().to_csv(float_format="%.17g"))
put("evaluation.txt", repr(thighdx.evaluate(model, patients)))
put("evaluation.html", thighdx.evaluate(model, patients)._repr_html_())
evidence.to_csv(out / "in.csv", index=False)
evidence.to_parquet(out / "in.parquet")
report = thighdx.score_files(out / "in.csv", out / "out.csv")
put("report.html", report._repr_html_())
thighdx.score_files(out / "in.parquet", out / "out.parquet")
put("columns.csv", model.explain_columns(evidence).to_csv())
put("trace.csv", model.trace(cause).to_csv())
put("learned.txt", repr(model.learn(patients, name="three_hundred")))
for name, arguments in {
    "diagnose": ["diagnose", "onset=sudden", "bruising=yes", "--explain"],
    "diagnose_plain": ["diagnose", "onset=sudden", "bruising=yes"],
    "show": ["show"],
    "model_show": ["model", "show"],
    "model_check": ["model", "check", "models/posterior_thigh"],
    "help": ["--help"],
}.items():
    command = [sys.executable, "-c", "from thighdx.cli import main; main()", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    put(f"cli_{name}.txt", done.stdout + done.stderr)
