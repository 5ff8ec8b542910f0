"""What things are called for people, in the terminal, on pages and in pictures: numbers, causes, findings, levels.

Causes and findings have labels (id to name) where the caller knows them; where not, their ids are put in words.
"""

from __future__ import annotations

import os
import re
import sys
from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from thighdx.words import Labels, say

__all__ = [
    "MINUS",
    "NO_BREAK",
    "Labels",
    "advice_of_level",
    "answer_name",
    "begun",
    "condition_name",
    "cost_name",
    "counted",
    "exact_percent",
    "finding_name",
    "fine_percent",
    "graded_name",
    "in_labels",
    "in_words",
    "inside",
    "label_of",
    "level_name",
    "number",
    "of_hundred",
    "percent",
    "printable",
    "sentence",
    "set_name",
    "short_labels",
    "signed",
    "span",
    "state_name",
    "value_name",
]

NO_BREAK = "\N{NO-BREAK SPACE}"
_CONDITION = re.compile(r"\b(and|or)\b|([^\s()=]+)\s*=\s*([^\s()=]+)")  # as `thighdx.kb.expressions` reads it
MINUS = "\N{MINUS SIGN}"  # as wide as a plus


def counted(n: int, word: str) -> str:
    """Write a number of things.

    Examples
    --------
    >>> counted(1, "piece"), counted(1200, "piece")
    ('1 piece', '1,200 pieces')
    """
    return f"{n:,} {word}" if n == 1 else f"{n:,} {word}s"


def number(value: float) -> str:
    """Write a ratio with two significant digits and no exponent.

    Examples
    --------
    >>> number(55.1), number(3.0), number(0.1669), number(0.00412), number(1234.5), number(float("inf"))
    ('55', '3.0', '0.17', '0.0041', '1234', 'inf')
    """
    if value == float("inf") or value >= 9.95:
        return f"{value:.0f}"
    if value >= 0.995:
        return f"{value:.1f}"
    if value >= 0.0995:
        return f"{value:.2f}"
    return f"{value:.3f}" if value >= 0.00995 or value == 0 else f"{value:.2g}"


def percent(value: float, digits: int = 1) -> str:
    """Write a probability for reading, or the sum of several: never 0 % or 100 % for what is neither.

    Examples
    --------
    >>> percent(0.123), percent(0.0), percent(1e-9), percent(0.99999), percent(0.996, 0), percent(1.15)
    ('12.3%', '0%', '<0.1%', '>99.9%', '>99%', '115.0%')
    """
    if value in (0.0, 1.0):
        return f"{value:.0%}"
    step = 10.0 ** -(digits + 2)
    if value < step:
        return f"<{step:.{digits}%}"
    if 1.0 - step < value < 1.0 + step:
        return f">{1.0 - step:.{digits}%}"
    return f"{value:.{digits}%}"


def exact_percent(value: float) -> str:
    """Write a share that somebody chose, such as a threshold or a level, as briefly as it can be exact.

    Examples
    --------
    >>> exact_percent(0.15), exact_percent(0.125), exact_percent(0.9), exact_percent(0.0005)
    ('15%', '12.5%', '90%', '0.05%')
    """
    return f"{100 * value:.10g}%"


def fine_percent(value: float) -> str:
    """Write a judged probability with two digits that count, however small.

    Examples
    --------
    >>> fine_percent(0.123), fine_percent(0.00123), fine_percent(0.000012), fine_percent(1.0), fine_percent(0.0)
    ('12.3%', '0.12%', '0.0012%', '100%', '0%')
    """
    return f"{number(100 * value)}%" if 0.0 < value < 0.01 else percent(value)


def of_hundred(probability: float) -> str:
    """Write a probability as so many patients of 100, the number alone.

    Examples
    --------
    >>> of_hundred(0.3), of_hundred(0.00123)
    ('30', '0.123')
    """
    return f"{100 * probability:.3g}"


def span(low: float, high: float, labels: Labels | None = None) -> str:
    """Write an interval of probabilities.

    Examples
    --------
    >>> span(0.0, 0.123)
    '0% to 12.3%'
    """
    return say("number.span", labels, low=percent(low), high=percent(high))


def signed(value: float, digits: int = 1, *, minus: str = "-") -> str:
    """Write decibans or bits with their sign; `minus` is a typographic one where every sign can be shown.

    Examples
    --------
    >>> signed(1.25), signed(-3.0, 0), signed(-0.001)
    ('+1.2', '-3', '0.0')
    """
    text = f"{value:+.{digits}f}"
    return text[1:] if float(text) == 0 else text.replace("-", minus)


def in_words(name: str) -> str:
    """Turn an id into words, for want of a label.

    Examples
    --------
    >>> in_words("hamstring_strain")
    'hamstring strain'
    """
    return name.replace("_", " ")


def begun(text: str) -> str:
    """Begin with a capital letter."""
    return text[:1].upper() + text[1:]


def inside(name: str, labels: Labels | None = None) -> str:
    """Write a name inside a sentence: in English abbreviations keep their capitals, other languages as they say.

    Examples
    --------
    >>> inside("Deep vein thrombosis"), inside("MRI of the spine"), inside("Urgent", {"name.inside": "{name}"})
    ('deep vein thrombosis', 'MRI of the spine', 'Urgent')
    """
    lowered = name if name[1:2].isupper() else name[:1].lower() + name[1:]
    return say("name.inside", labels, name=name, lowered=lowered)


def label_of(name: str, labels: Labels | None) -> str:
    """Return the name of a cause or finding for reading, or of a state as it is called whatever it is of."""
    known = labels or {}
    return known.get(name) or known.get(f"state.{name}") or in_words(name)


def set_name(causes: Collection[str], labels: Labels | None = None) -> str:
    """Name a set of causes that are present together; of one cause say that it is alone.

    Examples
    --------
    >>> set_name(["calf_cramp", "stroke"], {"stroke": "Stroke"}), set_name(["calf_cramp"])
    ('calf cramp + Stroke', 'calf cramp alone')
    """
    names = " + ".join(label_of(cause, labels) for cause in causes)
    return say("result.alone", labels, cause=names) if len(causes) == 1 else names


def state_name(variable: str, state: str, labels: Labels | None = None) -> str:
    """Return what a state is called: as the model labels it, else in the words of its language, else its id.

    Examples
    --------
    >>> labels = {"laterality=bilateral": "both sides", "state.present": "vorhanden"}
    >>> [state_name("laterality", "bilateral", labels), state_name("cramp", "present", labels)]
    ['both sides', 'vorhanden']
    >>> state_name("episode_duration", "over_ten_minutes")
    'over ten minutes'
    """
    known = labels or {}
    return known.get(f"{variable}={state}") or known.get(f"state.{state}") or in_words(state)


def finding_name(variable: str, value: str | Mapping[str, float], labels: Labels | None = None) -> str:
    """Return a finding with its state, or with how likely it is in every state; without a state its name alone.

    Examples
    --------
    >>> finding_name("muscle_weakness", "mild"), finding_name("bruising", "")
    ('muscle weakness: mild', 'bruising')
    >>> finding_name("pain", {"none": 0.1, "mild": 0.9})
    'pain: uncertain (likelihoods none 0.1, mild 0.9)'
    """
    name = label_of(variable, labels)
    return f"{name}: {value_name(variable, value, labels)}" if value else name


def condition_name(condition: str, labels: Labels | None = None) -> str:
    """Return a condition over findings with their names.

    Examples
    --------
    >>> condition_name("cramp=present or (fever=present and onset=sudden)", {"cramp": "Cramp in the calf"})
    'Cramp in the calf: present or (fever: present and onset: sudden)'
    """

    def named(found: re.Match[str]) -> str:
        word, name, state = found.groups()
        return say(f"condition.{word}", labels) if word else finding_name(name, state, labels)

    return _CONDITION.sub(named, condition)


def value_name(variable: str, value: str | Mapping[str, float], labels: Labels | None = None) -> str:
    """Return what is known of a variable: its state, or how likely it is in every state."""
    if isinstance(value, str):
        return state_name(variable, value, labels)
    weights = ", ".join(f"{state_name(variable, state, labels)} {w:g}" for state, w in value.items())
    return say("state.uncertain", labels, states=weights)


def answer_name(variable: str, state: str, labels: Labels | None = None) -> str:
    """Return a state as the answer to a question: yes or no where it says that something is there or not."""
    key = {"absent": "answer.no", "present": "answer.yes"}.get(state)
    return say(key, labels) if key else state_name(variable, state, labels)


def graded_name(variable: str, state: str, states: Collection[str], labels: Labels, *, or_more: bool) -> str:
    """Name a finding in a state or in this and higher ones; there or not, its name says it.

    Examples
    --------
    >>> graded_name("weakness", "mild", ("none", "mild", "marked"), {"weakness": "Leg weakness"}, or_more=True)
    'Leg weakness: mild or more'
    """
    if tuple(states) in (("absent", "present"), ("negative", "positive")):
        return label_of(variable, labels)
    name = finding_name(variable, state, labels)
    return say("state.or_more", labels, finding=name) if or_more else name


def level_name(level: str, labels: Labels | None = None) -> str:
    """Return what a level of urgency is called."""
    return say(f"level.{level}", labels)


def cost_name(cost: str, labels: Labels | None = None) -> str:
    """Return what finding something out takes; empty for nothing."""
    return say(f"cost.{cost}", labels) if cost else ""


def short_labels(labels: Labels) -> dict[str, str]:
    """Leave out what labels say in brackets, where they can still be told apart.

    Examples
    --------
    >>> short_labels({"a": "Cramp (at night)", "b": "Tear (partial)", "c": "Tear (complete)"})
    {'a': 'Cramp', 'b': 'Tear (partial)', 'c': 'Tear (complete)'}
    >>> short_labels({"d": "Baker (popliteal) cyst"})
    {'d': 'Baker cyst'}
    """
    short = {name: re.sub(r" \([^()]*\)", "", label) for name, label in labels.items()}
    counts = Counter(short.values())
    return {name: short[name] if counts[short[name]] == 1 else label for name, label in labels.items()}


def in_labels(text: str, names: Iterable[str], labels: Labels | None) -> str:
    """Put labels in the place of ids in a text.

    Examples
    --------
    >>> in_labels("calf_cramp leads with 60%.", ["calf_cramp"], {"calf_cramp": "Cramp of the calf"})
    'Cramp of the calf leads with 60%.'
    """
    labeled = {name: label_of(name, labels) for name in names if name}
    return re.sub(r"\w+", lambda word: labeled.get(word[0], word[0]), text)


def advice_of_level(level: str, words: str, labels: Labels | None = None) -> str:
    """Return what a level means without its name, which stands above it.

    Examples
    --------
    >>> advice_of_level("urgent", "Urgent: be seen by a clinician today.")
    'Be seen by a clinician today.'
    """
    rest = words.removeprefix(f"{level_name(level, labels)}: ")
    return begun(rest)


def sentence(text: str) -> str:
    """Begin with a capital letter and end with a full stop."""
    ended = text if text.endswith((".", "!", "?")) else f"{text}."
    return begun(ended)


def printable(sign: str, otherwise: str) -> str:
    """Return a sign if standard output can show it, which a terminal of ASCII cannot.

    With ``LC_ALL=C`` Python writes UTF-8 all the same, which is not what was asked for.
    """
    if os.environ.get("LC_ALL") in ("C", "POSIX"):
        return otherwise
    try:
        sign.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return otherwise
    return sign
