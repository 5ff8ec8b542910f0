"""One page per cause, and the list of all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from site_pages.markdown import WIDE, condition_list, escape, finding_link, folded, reason_words, table
from thighdx.kb.expressions import parse_expression
from thighdx.kb.records import LEVELS
from thighdx.network.profile import FindingFact, context_facts, find_look_alikes, finding_facts
from thighdx.reasoning.urgency.levels import odds_factor
from thighdx.text import (
    begun,
    counted,
    exact_percent,
    fine_percent,
    in_words,
    level_name,
    number,
    percent,
    sentence,
)

if TYPE_CHECKING:
    from thighdx import Model
    from thighdx.kb.records import Advice, Harm

__all__ = ["cause_page", "causes_index"]

UP = "../"
N_FINDINGS = 15
N_LOOK_ALIKES = 4
N_DISCRIMINATORS = 6
TELLING = 1.5  # a likelihood ratio from which on a finding is worth a line of its own
RATIO_HEADER = ("finding or test", "with it>", "other patients>", "LR if there>", "LR if not there>")
ADVICE_NAMES = {"self_care": "Self-care", "caution": "What to avoid, and when to seek care"}


def causes_index(model: Model) -> str:
    """List every cause with its share in each setting."""
    spec, kb = model.network.spec, model.compiled.kb
    settings = [in_words(setting.id) for setting in kb.manifest.settings]
    ordered = sorted(model.causes.items(), key=lambda item: (item[0] == model.residual_cause, item[1].label))
    rows = [
        [f"[{escape(cause.label)}]({cause_id}.md)", "yes" if cause_id in kb.must_not_miss else ""]
        + [fine_percent(float(spec.shares[i, spec.causes.index(cause_id)])) for i in range(len(settings))]
        for cause_id, cause in ordered
    ]
    header = ["cause", "must not be missed", *(f"{name}>" for name in settings)]
    return (
        f"{WIDE}# Causes\n\nHow often each cause is present and contributes to the complaint, among adults who seek "
        "advice because of pain, cramp or spasm in the back of the thigh. Several causes may be present at "
        f"once, so a column adds up to more than 100 %.\n\n{table(header, rows)}"
    )


def cause_page(model: Model, cause: str) -> str:
    """Say everything the model knows about one cause."""
    record = model.causes[cause]
    aliases = (
        f"\n*Also called:* {escape(', '.join(record.aliases).replace('_', ' '))}\n" if record.aliases else ""
    )
    codes = [code for code in model.compiled.kb.codes if code.cause == cause]
    coded = "; ".join(f"{code.system} {code.code} ({escape(code.title)})" for code in codes)
    parts = [
        f"# {escape(record.label)}\n",
        f"`{cause}`" + (f" · {coded}" if coded else "") + "\n" + aliases,
        _urgency(model, cause),
        _shares(model, cause),
        _findings(model, cause),
        _contexts(model, cause),
        _look_alikes(model, cause),
        _rules(model, cause),
        _advice(model, cause),
        _sources(model, cause),
    ]
    return "\n".join(part for part in parts if part)


def _setting(model: Model) -> tuple[int, str]:
    """Return number and name of the setting that ratios are worked out in."""
    default = model.default_setting
    name = next(s.label for s in model.compiled.kb.manifest.settings if s.id == default)
    return model.vocabulary.setting_code(default), name


def _urgency(model: Model, cause: str) -> str:
    """Say how bad it is to miss the cause, and from which probability on it is acted on."""
    harm: Harm | None = next((item for item in model.compiled.kb.harms if item.cause == cause), None)
    if harm is None:
        return ""
    limits = {level: harm.threshold(level) for level in reversed(LEVELS)}
    acted = [
        f"{level_name(level).lower()} from {exact_percent(limit)}"
        for level, limit in limits.items()
        if limit is not None
    ]
    title = "Must not be missed" if cause in model.compiled.kb.must_not_miss else "If it is missed"
    kind = "danger" if cause in model.compiled.kb.must_not_miss else "info"
    factor = odds_factor(model.compiled.kb, harm)
    counts = f"; below {level_name('emergency').lower()} it counts at {factor:g} times its odds"
    lines = [
        f'!!! {kind} "{title}"',
        f"    {escape(sentence(harm.words))}\n",
        f"    *For clinicians:* {reason_words(model, harm.reason, f'{UP}rules.md')}",
        f"    Harm of missing it: {harm.harm_of_missing:g} of 100.\n",
        f"    *Urgency* when it is more likely than not: {level_name(harm.level_if_likely).lower()}."
        + (f" By its probability: {', '.join(acted)}{counts if factor != 1 else ''}." if acted else ""),
    ]
    return "\n".join(lines) + "\n"


def _shares(model: Model, cause: str) -> str:
    """Say how common the cause is in every setting."""
    rows = []
    for setting in model.compiled.kb.manifest.settings:
        judged = model.compiled.pooled[("shares", (cause, setting.id))]
        low, high = judged.distribution.quantile([0.05, 0.95])
        ends = " to ".join(fine_percent(float(end)) for end in (low, high))
        rows.append([setting.label, fine_percent(judged.point), ends])
    return "## How common\n\n" + table(("setting", "share>", "90 % interval>"), rows)


def _findings(model: Model, cause: str) -> str:
    """Say what speaks for the cause and against it, by likelihood ratio."""
    setting_idx, name = _setting(model)
    facts = finding_facts(model.network, cause, setting_idx=setting_idx)
    speaking = [fact for fact in facts if fact.lr_present >= TELLING]
    against = [fact for fact in reversed(facts) if fact.lr_present <= 1 / TELLING]
    missed = sorted(
        (fact for fact in facts if fact.lr_absent <= 1 / TELLING), key=lambda fact: fact.lr_absent
    )
    text = (
        f"## What speaks for it and against it\n\nLikelihood ratios (LR) compare patients in whom this cause "
        f"alone explains the complaint with other patients in {name.lower()}; above 1 the finding speaks for "
        "the cause, below 1 against it. They are worked out from the model, not measured in patients.\n\n"
    )
    for title, chosen in (
        ("Speaks for it when it is there", speaking),
        ("Speaks against it when it is there", against),
        ("Speaks against it when it is not there", missed),
    ):
        if chosen:
            rest = f"*{len(chosen) - N_FINDINGS} weaker ones are in the list below.*\n\n"
            more = rest if len(chosen) > N_FINDINGS else ""
            text += f"### {title}\n\n{_ratios(model, chosen[:N_FINDINGS])}\n{more}"
    return text + folded("Every finding that has to do with it", _ratios(model, facts))


def _ratios(model: Model, facts: Sequence[FindingFact]) -> str:
    """Return a table of findings with their likelihood ratios."""
    rows = [
        [
            finding_link(model, fact.variable, fact.state, up=UP, or_more=True),
            percent(fact.probability),
            percent(fact.others),
            number(fact.lr_present),
            number(fact.lr_absent),
        ]
        for fact in facts
    ]
    return table(RATIO_HEADER, rows)


def _contexts(model: Model, cause: str) -> str:
    """Say which circumstances make the cause likelier or less likely."""
    setting_idx, name = _setting(model)
    rows = [
        [
            finding_link(model, fact.variable, fact.state, up=UP),
            "never" if fact.odds_ratio == 0 else number(fact.odds_ratio),
            percent(fact.frequency_with),
            percent(fact.frequency),
        ]
        for fact in context_facts(model.network, cause, setting_idx=setting_idx)
    ]
    if not rows:
        return ""
    header = ("circumstance", "odds ratio>", "with it>", "overall>")
    return f"## Who gets it\n\nFrequencies in {name.lower()}.\n\n" + table(header, rows)


def _look_alikes(model: Model, cause: str) -> str:
    """Name the causes hardest to tell from this one, and what tells them apart."""
    setting_idx, _ = _setting(model)
    found = find_look_alikes(
        model.network, cause, setting_idx=setting_idx, n=N_LOOK_ALIKES, without=model.residual_cause or ""
    )
    text = "## Look-alikes\n\nThe causes hardest to tell apart from this one come first.\n"
    header = ("what tells them apart", "this cause>", "the other>", "LR if there>", "LR if not there>")
    for item in found:
        rows = [
            [
                finding_link(model, telling.variable, telling.state, up=UP, or_more=True),
                percent(telling.probability),
                percent(telling.other_probability),
                number(telling.lr_present),
                number(telling.lr_absent),
            ]
            for telling in item.discriminators[:N_DISCRIMINATORS]
        ]
        text += f"\n### [{escape(model.causes[item.cause].label)}]({item.cause}.md)\n\n{table(header, rows)}"
    return text


def _rules(model: Model, cause: str) -> str:
    """List the rules of urgency that suspect the cause."""
    rules = [rule for rule in model.compiled.kb.red_flags if rule.suspect == cause]
    if not rules:
        return ""
    text = "## Warning signs\n\n"
    for rule in rules:
        link, level = f"[{rule.id}]({UP}rules.md#{rule.id})", level_name(rule.level).lower()
        text += f"**{link}**, {level}: {escape(sentence(rule.words))}\n\n"
    return text


def _advice(model: Model, cause: str) -> str:
    """Give the advice for the cause by kind."""
    advice = [item for item in model.compiled.kb.advice if item.cause == cause]
    if not advice:
        return ""
    text = "## Advice\n\n"
    for kind in dict.fromkeys(item.kind for item in advice):
        text += f"### {ADVICE_NAMES.get(kind, begun(in_words(kind)))}\n\n"
        chosen = sorted((item for item in advice if item.kind == kind), key=lambda item: item.priority)
        text += "\n".join(_one_advice(model, item) for item in chosen) + "\n"
    return text


def _one_advice(model: Model, item: Advice) -> str:
    """Write one piece of advice with its condition and its caution."""
    text = f"- {escape(item.advice)}\n"
    if item.caution:
        text += f"    *Caution:* {escape(item.caution)}\n"
    if item.when:
        wanted = condition_list(parse_expression(item.when), model, up=UP, depth=1)
        text += f"\n    Only if:\n\n{wanted}"
    return text


def _sources(model: Model, cause: str) -> str:
    """List what the figures, rules and advice about the cause cite."""
    kb = model.compiled.kb
    cited = {
        source: None for ids in model.trace(cause)["sources"] for source in str(ids).split(";") if source
    }
    for item in (*kb.harms, *kb.advice):
        if item.cause == cause:
            cited |= dict.fromkeys(item.sources)
    for rule in kb.red_flags:
        if rule.suspect == cause:
            cited |= dict.fromkeys(rule.sources)
    records = [kb.sources[source] for source in sorted(cited)]
    seeds = sum(record.kind == "seed_statement" for record in records)
    lines = [
        f"- [{record.id}]({UP}sources.md#{record.id}): {escape(record.citation)}"
        for record in records
        if record.kind != "seed_statement"
    ]
    more = f"\nand {counted(seeds, 'statement')} of the list that the model started from.\n" if seeds else ""
    return "## Sources\n\n" + folded(f"{len(lines)} sources", "\n".join(lines)) + more
