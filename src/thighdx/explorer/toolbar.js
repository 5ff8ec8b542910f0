// What is above the columns: setting, age, undo, copying, and what is known. Uses elements.js.

/** Settings, age, undo, redo, and the case as Python. */
class Toolbar {
  constructor(catalog, send, prefix) {
    const button = (text, action, label) =>
      make("button", { type: "button", text, title: label, "aria-label": label, onclick: action });
    this.undo = button("↶ Undo", () => send({ do: "undo" }), "Undo the last change");
    this.redo = button("↷ Redo", () => send({ do: "redo" }), "Redo what was undone");
    this.clear = button("Clear", () => send({ do: "clear" }), "Make everything unknown");
    this.copy = button("Copy as Python", () => this.copyCode(), "Copy the case as Python");
    this.said = make("span", { class: "te-said", role: "status" });
    this.setting = make("select", { onchange: () => send({ do: "setting", value: this.setting.value }) });
    for (const { id, label } of catalog.settings) this.setting.append(make("option", { value: id, text: label }));
    const fields = [make("label", { class: "te-field" }, make("span", { text: "Seen in" }), this.setting)];
    if (catalog.age) fields.push(this.ageField(catalog.age, send));
    const buttons = make("div", { class: "te-buttons" }, this.undo, this.redo, this.clear, this.copy, this.said);
    this.text = make("textarea", { readonly: true, rows: 6, spellcheck: "false", "aria-label": "The case as Python" });
    const close = button("Close", () => this.hideCode(), "Close the text");
    const hint = make("p", { class: "te-quiet", text: "The clipboard is not available here: copy this by hand." });
    this.fallback = make("div", { class: "te-code", hidden: true }, hint, this.text, close);
    this.element = make("div", { class: "te-toolbar" }, ...fields, buttons, this.fallback);
  }

  ageField({ min, max }, send) {
    const read = () => send({ do: "set", variable: "age", value: this.age.value === "" ? null : Number(this.age.value) });
    const later = debounce(TYPING_PAUSE, read);
    this.age = make("input", {
      type: "number",
      min,
      max,
      step: 1,
      inputmode: "numeric",
      placeholder: "unknown",
      oninput: later,
      onchange: () => later.now(),
      onblur: () => {
        later.now();
        this.showAge();
      },
    });
    this.ageFault = make("span", { class: "te-fault", hidden: true });
    return make("label", { class: "te-field te-age" }, make("span", { text: "Age" }), this.age, this.ageFault);
  }

  showAge() {
    this.age.value = this.view?.evidence.age ?? "";
    this.age.placeholder = this.view?.evidence.age_band ?? "unknown";
  }

  async copyCode() {
    this.text.value = this.view.code;
    try {
      await navigator.clipboard.writeText(this.view.code);
      this.fallback.hidden = true;
      this.say("Copied");
    } catch {
      this.fallback.hidden = false;
      this.text.focus();
      this.text.select();
    }
  }

  hideCode() {
    this.fallback.hidden = true;
    this.copy.focus();
  }

  say(words) {
    this.said.textContent = words;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => (this.said.textContent = ""), 3000);
  }

  show(view) {
    this.view = view;
    this.setting.value = view.setting;
    // Disabled, a button would drop the focus of whoever has just pressed it.
    this.undo.setAttribute("aria-disabled", String(!view.can_undo));
    this.redo.setAttribute("aria-disabled", String(!view.can_redo));
    this.text.value = view.code;
    if (!this.age) return;
    const fault = view.fault?.variable === "age" ? view.fault.message : "";
    this.ageFault.hidden = !fault;
    this.ageFault.textContent = fault;
    this.age.setAttribute("aria-invalid", String(Boolean(fault)));
    if (!this.age.matches(":focus")) this.showAge();
  }
}

/** What is known, one button each: press to go there, press the cross to make it unknown. */
class Known {
  constructor(send, goTo) {
    this.send = send;
    this.goTo = goTo;
    this.element = make("div", { class: "te-chips", role: "group", "aria-label": "Known so far" });
  }

  show(view) {
    const focused = this.element.contains(document.activeElement);
    const chips = view.known.map(({ variable, label, words }) => {
      const go = make("button", { type: "button", text: `${label}: ${words}`, onclick: () => this.goTo(variable) });
      const drop = make("button", {
        type: "button",
        text: "×",
        "aria-label": `Make ${label} unknown`,
        onclick: () => this.send({ do: "set", variable, value: null }),
      });
      return make("span", { class: "te-chip" }, go, drop);
    });
    const none = make("span", { class: "te-quiet", text: "Nothing is known yet: pick findings below, or answer a question." });
    this.element.replaceChildren(...(chips.length ? chips : [none]));
    if (focused) this.element.querySelector("button")?.focus();
  }
}
