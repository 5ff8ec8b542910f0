// The list of findings: one row each, under headings, with a search. Uses elements.js.

/** One finding: a choice of states and, where it is uncertain, a slider per state or for the two. */
class Finding {
  constructor(entry, send, prefix, say) {
    this.entry = entry;
    this.say = say;
    this.isPair = entry.states.length === 2;
    this.send = send;
    this.value = null;
    this.id = `${prefix}-${entry.id}`;
    this.later = debounce(SLIDER_PAUSE, () => send({ do: "set", variable: entry.id, value: this.weights() }));
    this.fault = make("p", { class: "te-fault", hidden: true });
    this.sliders = make("div", { class: "te-sliders", hidden: true });
    this.label = make("span", { class: "te-label", id: `${this.id}-label`, text: entry.label });
    this.question = make("span", { class: "te-question", id: `${this.id}-question`, text: entry.question });
    this.choice = this.isPair ? this.radios() : this.select();
    const names = make("div", { class: "te-names" }, this.label, this.question);
    this.element = make("div", { class: "te-finding" }, names, this.choice, this.sliders, this.fault);
    this.element.dataset.variable = entry.id;
  }

  options() {
    const states = this.entry.states.map((state) => [state.id, state.label]);
    return [["", this.say("explorer.unknown")], ...states, [UNSURE, this.say("explorer.unsure")]];
  }

  radios() {
    this.inputs = new Map();
    const group = make("div", {
      class: "te-radios",
      role: "radiogroup",
      "aria-labelledby": `${this.id}-label`,
      "aria-describedby": `${this.id}-question`,
    });
    for (const [value, label] of this.options()) {
      const input = make("input", { type: "radio", name: this.id, value, onchange: () => this.chosen(value) });
      this.inputs.set(value, input);
      group.append(make("label", {}, input, make("span", { text: label })));
    }
    return group;
  }

  select() {
    this.list = make("select", {
      "aria-labelledby": `${this.id}-label`,
      "aria-describedby": `${this.id}-question`,
      onchange: () => this.chosen(this.list.value),
    });
    for (const [value, label] of this.options()) this.list.append(make("option", { value, text: label }));
    return make("div", { class: "te-select" }, this.list);
  }

  chosen(value) {
    if (value === UNSURE) {
      const states = this.entry.states.map((state) => state.id);
      const even = states.map((id, place) => [id, this.isPair ? [0.3, 0.7][place] : 0.5]);
      this.send({ do: "set", variable: this.entry.id, value: Object.fromEntries(even) });
    } else this.send({ do: "set", variable: this.entry.id, value: value === "" ? null : value });
  }

  /** Read the sliders: one for the second of two states, or one per state. */
  weights() {
    const read = [...this.sliders.querySelectorAll("input")].map((slider) => Number(slider.value));
    const shares = this.isPair ? [100 - read[0], read[0]] : read;
    return Object.fromEntries(this.entry.states.map((state, i) => [state.id, shares[i] / 100]));
  }

  makeSliders() {
    const states = this.isPair ? [this.entry.states[1]] : this.entry.states;
    for (const state of states) {
      const words = make("span", { class: "te-words" });
      const slider = make("input", {
        type: "range",
        min: 0,
        max: 100,
        step: 1,
        "aria-label": this.say("explorer.how_strongly", { finding: this.entry.label, state: state.label }),
        oninput: () => {
          this.describe();
          this.later();
        },
        onchange: () => this.later.now(),
      });
      const label = make("span", { text: this.say("explorer.points_to", { state: state.label }) });
      this.sliders.append(make("label", {}, label, slider, words));
    }
  }

  /** Put the sliders into words. */
  describe() {
    for (const slider of this.sliders.querySelectorAll("input")) {
      const value = Math.round(Number(slider.value));
      const words = this.isPair ? `${value} : ${100 - value}` : `${value}`;
      const balance = this.say("number.span", { low: value, high: 100 - value });
      slider.setAttribute("aria-valuetext", this.isPair ? balance : words);
      slider.parentElement.querySelector(".te-words").textContent = words;
    }
  }

  /** Show what Python says is known; a slider being dragged is left alone. */
  show(value, { isApplicable, fault }) {
    this.value = value ?? null;
    const chosen = isMap(value) ? UNSURE : (value ?? "");
    if (this.isPair) for (const [name, input] of this.inputs) input.checked = name === chosen;
    else this.list.value = chosen;
    this.element.classList.toggle("te-known", chosen !== "");
    this.element.classList.toggle("te-moot", !isApplicable);
    const { question } = this.entry;
    this.question.textContent = isApplicable ? question : this.say("explorer.not_applicable", { question });
    this.sliders.hidden = chosen !== UNSURE;
    if (chosen === UNSURE && !this.later.isWaiting()) {
      if (!this.sliders.childElementCount) this.makeSliders();
      const weights = this.entry.states.map((state) => Number(value[state.id]));
      const top = this.isPair ? weights[0] + weights[1] : Math.max(1, ...weights);
      const shown = this.isPair ? [weights[1] / top] : weights.map((weight) => weight / top);
      this.sliders.querySelectorAll("input").forEach((slider, i) => (slider.value = Math.round(100 * shown[i])));
      this.describe();
    }
    this.fault.hidden = !fault;
    this.fault.textContent = fault ?? "";
  }

  focus() {
    const target = this.isPair ? [...this.inputs.values()].find((input) => input.checked) : this.list;
    (target ?? this.inputs.get("")).focus();
  }
}

/** The list of findings: headings that open and close, and a search over all of them. */
class Findings {
  constructor(catalog, send, prefix, say) {
    this.say = say;
    this.rows = catalog.variables.map((entry) => new Finding(entry, send, prefix, say));
    this.byId = new Map(this.rows.map((row) => [row.entry.id, row]));
    this.count = make("span", { class: "te-count", role: "status" });
    this.search = make("input", {
      type: "search",
      placeholder: say("explorer.search"),
      "aria-label": say("explorer.search_hint"),
      oninput: () => this.filter(),
      onkeydown: (event) => this.searchKey(event),
    });
    this.groups = catalog.topics.map((topic, place) => this.group(topic, place === 1 || catalog.topics.length === 1));
    const list = make("div", { class: "te-list" }, ...this.groups.map((group) => group.element));
    const line = make("div", { class: "te-search" }, this.search, this.count);
    this.none = make("p", { class: "te-quiet", hidden: true, text: say("explorer.no_match") });
    list.append(this.none);
    this.element = make("section", { class: "te-findings", "aria-label": say("explorer.known") }, line, list);
    this.tell = debounce(TYPING_PAUSE, (words) => (this.count.textContent = words));
  }

  group(topic, isOpen) {
    const rows = this.rows.filter((row) => row.entry.topic === topic);
    const known = make("span", { class: "te-badge" });
    const summary = make("summary", {}, make("span", { text: topic }), known);
    const element = make("details", { open: isOpen }, summary, ...rows.map((row) => row.element));
    return { element, rows, known, isOpen };
  }

  /** Show the findings that contain every word; without words, the headings as they were. */
  filter() {
    const words = this.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let total = 0;
    for (const group of this.groups) {
      if (!this.isFiltered) group.isOpen = group.element.open;
      let shown = 0;
      for (const row of group.rows) {
        const matches = words.every((word) => row.entry.search.includes(word));
        row.element.hidden = !matches;
        shown += matches;
      }
      group.element.hidden = shown === 0;
      group.element.open = words.length > 0 ? true : group.isOpen;
      total += shown;
    }
    this.isFiltered = words.length > 0;
    this.none.hidden = total > 0;
    this.tell(words.length ? this.say("explorer.found", { n: total }) : "");
  }

  searchKey(event) {
    if (event.key === "Escape" && this.search.value) {
      this.search.value = "";
      this.filter();
      event.stopPropagation();
    } else if (event.key === "Enter") this.rows.find((row) => !row.element.hidden)?.focus();
  }

  show(view) {
    const moot = new Set(view.not_applicable);
    for (const row of this.rows) {
      const id = row.entry.id;
      const fault = view.fault?.variable === id ? view.fault.message : null;
      row.show(view.evidence[id], { isApplicable: !moot.has(id), fault });
    }
    for (const group of this.groups) {
      const known = group.rows.filter((row) => row.value !== null).length;
      group.known.textContent = known ? this.say("explorer.n_known", { n: known }) : "";
    }
  }

  /** Bring one finding into view, whatever was searched for. */
  goTo(id) {
    const row = this.byId.get(id);
    if (!row) return;
    if (row.element.hidden) {
      this.search.value = "";
      this.filter();
    }
    row.element.closest("details").open = true;
    row.focus();
  }
}
