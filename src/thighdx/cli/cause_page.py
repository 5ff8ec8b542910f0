"""`thighdx model show CAUSE`: what a cause looks like, and what tells it from its look-alikes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from thighdx.cli.output import add_numbers, named_state, percent, plain_table, write, write_wrapped
from thighdx.kb.records import LEVELS
from thighdx.network.profile import context_facts, find_look_alikes, finding_facts
from thighdx.text import condition_name, exact_percent, number

if TYPE_CHECKING:
    from rich.console import Console

    from thighdx.kb.records import Harm
    from thighdx.model import Model

__all__ = ["print_cause"]

N_LOOK_ALIKES = 3
N_NAMED_LOOK_ALIKES = 6
N_DISCRIMINATORS = 6
SIDE_BY_SIDE = 110  # columns from which labels have room beside ids


def print_cause(out: Console, model: Model, cause: str, *, setting: str) -> None:
    """Print the page of one cause.

    Raises
    ------
    UnknownNameError
        If there is no such cause.
    """
    model.vocabulary.cause_idx(cause)
    setting_idx = model.vocabulary.setting_code(setting)
    write(out, model.causes[cause].label, style="bold")
    write(out, f"{cause}, {model.name} {model.version} ({model.digest[:12]})", style="dim")
    _print_facts(out, model, cause)
    _print_findings(out, model, cause, setting, setting_idx)
    _print_contexts(out, model, cause, setting, setting_idx)
    _print_look_alikes(out, model, cause, setting_idx)
    _print_advice(out, model, cause)
    out.print()
    write_wrapped(out, model.disclaimer, style="dim")


def _print_facts(out: Console, model: Model, cause: str) -> None:
    """Print codes, shares, groups and what missing the cause does."""
    kb, spec = model.compiled.kb, model.network.spec
    position = spec.causes.index(cause)
    shares = [f"{s} {percent(float(spec.shares[i, position]))}" for i, s in enumerate(spec.settings)]
    facts = {
        "How common": ", ".join(shares),
        "Groups": ", ".join(group.id for group in kb.groups if cause in group.members),
        "If missed": "; ".join(_harm(harm) for harm in kb.harms if harm.cause == cause),
        "Codes": "; ".join(
            f"{code.system} {code.code} {code.title}" for code in kb.codes if code.cause == cause
        ),
        "Makes likelier": ", ".join(
            f"{b} (x{number(odds)})" for (a, b), odds in spec.pair_odds_ratio.items() if a == cause
        ),
        "Likelier with": ", ".join(
            f"{a} (x{number(odds)})" for (a, b), odds in spec.pair_odds_ratio.items() if b == cause
        ),
        "Note": model.causes[cause].note,
    }
    out.print()
    for name, text in facts.items():
        if text:
            write_wrapped(out, f"{name + ':':<15} {text}", hanging=" " * 16)


def _harm(harm: Harm) -> str:
    """Say what missing a cause does and from where on it is acted on."""
    limits = {level: harm.threshold(level) for level in reversed(LEVELS)}
    acted = ", ".join(
        f"{level} from {exact_percent(limit)}" for level, limit in limits.items() if limit is not None
    )
    level = harm.level_if_likely.replace("_", "-")
    return (
        f"harm {harm.harm_of_missing:g} of 100; {level} if likely"
        + (f"; {acted}" if acted else "")
        + f": {harm.words}"
    )


def _print_findings(out: Console, model: Model, cause: str, setting: str, setting_idx: int) -> None:
    """Print every elicited finding, the most telling against other patients first."""
    is_wide = out.width >= SIDE_BY_SIDE
    table = plain_table("finding or test")
    if is_wide:
        table.add_column("", overflow="ellipsis", no_wrap=True, max_width=out.width - 78, style="dim")
    add_numbers(table, "with it", "other\npatients", "LR+", "LR-", "back-\nground")
    for fact in finding_facts(model.network, cause, setting_idx=setting_idx):
        variable = model.variables[fact.variable]
        cells = [named_state(variable.id, fact.state, variable.states, is_last=fact.is_last_state)]
        cells += [variable.label] if is_wide else []
        cells += [
            percent(fact.probability),
            percent(fact.others),
            number(fact.lr_present),
            number(fact.lr_absent),
        ]
        style = "dim" if abs(fact.lr_present - 1.0) < 0.05 else ""
        table.add_row(*cells, percent(fact.background), style=style)
    out.print()
    write(out, "Findings", style="bold")
    text = (
        f"With it: how often, with this cause alone. Other patients: how often in {setting} among those "
        "without the cause. LR+ and LR-: likelihood ratios between the two, of the finding being there and "
        "not there. Background: how often where no cause has to do with it."
    )
    write_wrapped(out, text, style="dim")
    out.print(table)


def _print_contexts(out: Console, model: Model, cause: str, setting: str, setting_idx: int) -> None:
    """Print contexts and pathologies with their odds ratios."""
    facts = context_facts(model.network, cause, setting_idx=setting_idx)
    if not facts:
        return
    table = plain_table("context or pathology")
    add_numbers(table, "odds ratio", "90% belief", "with it", "overall")
    for fact in facts:
        variable = model.variables[fact.variable]
        judged = model.compiled.pooled.get(("effects", (fact.variable, fact.state, cause)))
        belief = ""
        if judged is not None and judged.point > 0:
            low, high = judged.distribution.quantile([0.05, 0.95])
            belief = f"{number(float(low))} to {number(float(high))}"
        name = named_state(variable.id, fact.state, variable.states)
        shown = "never" if fact.odds_ratio == 0 else number(fact.odds_ratio)
        table.add_row(name, shown, belief, percent(fact.frequency_with), percent(fact.frequency))
    out.print()
    write(out, f"Contexts (frequencies in {setting})", style="bold")
    out.print(table)


def _print_look_alikes(out: Console, model: Model, cause: str, setting_idx: int) -> None:
    """Print the causes hardest to tell from this one, and what tells them apart."""
    residual = model.compiled.kb.manifest.residual_cause
    found = find_look_alikes(
        model.network, cause, setting_idx=setting_idx, n=N_NAMED_LOOK_ALIKES, without=residual
    )
    if not found:
        return
    out.print()
    write(out, "Look-alikes, the hardest to tell apart first", style="bold")
    write_wrapped(out, ", ".join(item.cause for item in found))
    for item in found[:N_LOOK_ALIKES]:
        table = plain_table("")
        add_numbers(table, "this", "other", "LR+", "LR-")
        for telling in item.discriminators[:N_DISCRIMINATORS]:
            variable = model.variables[telling.variable]
            table.add_row(
                named_state(variable.id, telling.state, variable.states, is_last=telling.is_last_state),
                percent(telling.probability),
                percent(telling.other_probability),
                number(telling.lr_present),
                number(telling.lr_absent),
                style="green" if telling.lr_present > 1 else "",
            )
        out.print()
        write_wrapped(out, f"Against {model.causes[item.cause].label}")
        out.print(table)


def _print_advice(out: Console, model: Model, cause: str) -> None:
    """Print the advice for this cause by kind; what holds for any cause is only counted."""
    advice, labels = [item for item in model.compiled.kb.advice if item.cause == cause], model.compiled.labels
    if not advice:
        return
    for kind in dict.fromkeys(item.kind for item in advice):
        out.print()
        write(out, f"Advice: {kind.replace('_', '-')}", style="bold")
        for item in sorted((item for item in advice if item.kind == kind), key=lambda item: item.priority):
            write_wrapped(out, f"- {item.advice}", hanging="  ")
            if item.when:
                only_if = f"only if {condition_name(item.when, labels)}"
                write_wrapped(out, only_if, indent="  ", style="dim")
            if item.caution:
                write_wrapped(out, f"Caution: {item.caution}", indent="  ", style="dim")
    n_any = sum(item.cause == "any" for item in model.compiled.kb.advice)
    if n_any:
        out.print()
        write_wrapped(out, f"Advice that holds for any cause: {n_any} more.", style="dim")
