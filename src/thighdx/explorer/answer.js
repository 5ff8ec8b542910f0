// The urgency, which stays in sight, and the right-hand column: why, causes, questions. Uses elements.js.

/** Urgency, what to do in an emergency, causes with intervals, and what to ask next. */
class Answer {
  constructor(catalog, send, say) {
    this.send = send;
    this.say = say;
    this.pinned = make("div", { class: "te-urgency te-pinned", role: "group", "aria-label": say("explorer.urgency") });
    this.why = make("div", { class: "te-urgency" });
    this.rows = make("tbody");
    const heads = [say("explorer.cause"), "", say("judgement.probability"), "", say("card.before")];
    const head = make("tr", {}, ...heads.map((text) => make("th", { scope: "col", text })));
    this.intervalHead = head.children[3];
    head.children[1].setAttribute("aria-hidden", "true");
    const caption = make("caption", { text: say("explorer.causes") });
    this.table = make("table", { class: "te-causes" }, caption, make("thead", {}, head), this.rows);
    this.all = make("button", { type: "button", class: "te-link", "aria-expanded": "false", onclick: () => this.toggle() });
    this.notes = make("div", { class: "te-notes" });
    this.costs = make("select", { onchange: () => send({ do: "max_cost", value: this.costs.value }) });
    for (const { id, label } of catalog.costs) this.costs.append(make("option", { value: id, text: label }));
    this.heading = make("h4", { text: say("explorer.next"), tabindex: "-1" });
    const line = make("div", { class: "te-next" }, this.heading, make("label", { class: "te-field" }, this.costs));
    this.costs.setAttribute("aria-label", say("explorer.effort"));
    this.questions = make("div", { class: "te-questions" });
    const key = make("p", { class: "te-quiet te-key", text: say("explorer.key") });
    const causes = make("div", {}, this.table, this.all, key);
    this.element = make("section", { class: "te-answer", "aria-label": say("explorer.answer"), tabindex: "-1" });
    this.element.append(this.why, causes, this.notes, line, this.questions);
  }

  toggle() {
    this.isLong = !this.isLong;
    this.showCauses();
  }

  show(view, detail) {
    this.view = view;
    this.detail = detail.revision === undefined ? null : detail;
    this.isFresh = this.detail?.revision === view.revision;
    this.element.classList.toggle("te-stale", !this.isFresh);
    this.element.setAttribute("aria-busy", String(!this.isFresh));
    this.costs.value = view.max_cost;
    this.showUrgency();
    this.showCauses();
    this.showNotes();
    if (this.isFresh) this.showQuestions();
  }

  showUrgency() {
    const { level, words, reasons, more, do: steps } = this.view.urgency;
    const first = steps.slice(0, 1).map((step) => make("p", { text: step.words }));
    this.pinned.replaceChildren(make("p", { class: "te-level", text: words }), ...first);
    const doing = steps.map((step) => make("li", { text: `${step.words} ${step.caution}` }));
    const why = reasons.map(({ words: text, because }) => make("li", { text: because.length ? `${text} (${because.join("; ")})` : text }));
    const rest = more ? [make("p", { class: "te-quiet", text: more })] : [];
    this.why.replaceChildren(...(doing.length ? [make("ol", {}, ...doing)] : []), make("ul", {}, ...why), ...rest);
    for (const part of [this.pinned, this.why]) part.dataset.level = level;
  }

  showCauses() {
    const { causes, residual } = this.view;
    const flagged = new Set(this.view.urgency.causes);
    const shown = causes.filter((row, place) => this.isLong || place < SHOWN_CAUSES || flagged.has(row.id));
    this.rows.replaceChildren(...shown.map((row) => this.cause(row)), ...(residual ? [this.cause(residual, true)] : []));
    this.intervalHead.textContent = this.say("posterior.level", { level: this.detail?.level ?? "90%" });
    this.all.hidden = causes.length <= SHOWN_CAUSES;
    const all = this.say("explorer.all", { n: causes.length });
    this.all.textContent = this.isLong ? this.say("explorer.fewer") : all;
    this.all.setAttribute("aria-expanded", String(Boolean(this.isLong)));
  }

  cause(row, isRest = false) {
    const interval = this.isFresh ? this.detail.intervals[row.id] : null;
    const bar = make("div", { class: "te-bar" }, make("div", { class: "te-fill", style: `width:${percentOf(row.posterior)}` }));
    if (interval) {
      const width = Math.max(interval.upper - interval.lower, 0.004);
      bar.append(make("div", { class: "te-whisker", style: `left:${percentOf(interval.lower)};width:${percentOf(width)}` }));
    }
    bar.append(make("div", { class: "te-before", style: `left:${percentOf(row.prior)}` }));
    const label = isRest ? this.say("explorer.unranked", { cause: row.label }) : row.label;
    const mark = row.is_dangerous ? [" ", make("span", { class: "te-mark", text: `◆ ${this.say("card.must_not_miss")}` })] : [];
    const cells = [
      make("th", { scope: "row" }, label, ...mark),
      make("td", { class: "te-barcell", "aria-hidden": "true" }, bar),
      make("td", { class: "te-number", text: row.words }),
      make("td", { class: "te-number te-interval", text: interval?.words ?? "" }),
      make("td", { class: "te-number te-prior", text: row.prior_words }),
    ];
    const line = make("tr", { class: isRest ? "te-rest" : null }, ...cells);
    line.dataset.cause = row.id;
    return line;
  }

  showNotes() {
    const notes = [...this.view.warnings];
    if (this.isFresh && this.detail.fit) notes.push(this.detail.fit);
    this.notes.replaceChildren(...notes.map((text) => make("p", { text })));
  }

  showQuestions() {
    const hadFocus = this.questions.contains(document.activeElement);
    const { safety, questions, note } = this.detail;
    const block = (title, items) =>
      items.length ? [make("h5", { text: title }), make("ul", {}, ...items.map((item) => this.question(item)))] : [];
    this.questions.replaceChildren(
      ...block(this.say("explorer.safety"), safety),
      ...block(this.say("explorer.best"), questions),
    );
    if (!safety.length && !questions.length) {
      this.questions.append(make("p", { class: "te-quiet", text: note }));
    }
    // An answered question goes away: whoever answered it by keyboard goes on with the next.
    if (hadFocus) (this.questions.querySelector("button") ?? this.heading).focus();
  }

  question(item) {
    const text = make("p", { class: "te-ask" }, make("span", { text: item.text }));
    const why = [item.cost, item.why].filter(Boolean).join("; ");
    text.append(" ", make("span", { class: "te-quiet", text: `(${why})` }));
    const answers = item.answers.map(({ state, label, hint }) => {
      const children = [make("span", { text: label })];
      if (hint) children.push(make("small", { text: hint }));
      const onclick = () => this.send({ do: "set", variable: item.variable, value: state });
      const name = `${item.text} ${label}`;
      return make("button", { type: "button", onclick, "aria-label": name }, ...children);
    });
    const unknown = this.say("answer.dont_know");
    const skip = make("button", {
      type: "button",
      class: "te-link",
      text: unknown,
      "aria-label": `${item.text} ${unknown}`,
      onclick: () => this.send({ do: "skip", variable: item.variable }),
    });
    const line = make("li", {}, text, make("div", { class: "te-answers" }, ...answers, skip));
    line.dataset.variable = item.variable;
    return line;
  }
}
