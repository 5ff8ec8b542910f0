// What is above the columns: setting, age, undo, copying, and what is known. Uses elements.js.

/** Settings, age, undo, redo, and the case as Python. */
class Toolbar {
  constructor(catalog, send, say, isBehind) {
    this.words = say;
    this.isBehind = isBehind;
    const button = (text, action, label) =>
      make("button", { type: "button", text, title: label, "aria-label": label, onclick: action });
    this.undo = button(`↶ ${say("explorer.undo")}`, () => send({ do: "undo" }), say("explorer.undo_hint"));
    this.redo = button(`↷ ${say("explorer.redo")}`, () => send({ do: "redo" }), say("explorer.redo_hint"));
    this.clear = button(say("explorer.clear"), () => send({ do: "clear" }), say("explorer.clear_hint"));
    this.copy = button(say("explorer.copy"), () => this.copyCode(), say("explorer.copy_hint"));
    this.said = make("span", { class: "te-said", role: "status" });
    this.setting = make("select", { onchange: () => send({ do: "setting", value: this.setting.value }) });
    for (const { id, label } of catalog.settings) this.setting.append(make("option", { value: id, text: label }));
    const fields = [make("label", { class: "te-field" }, make("span", { text: say("report.seen_in") }), this.setting)];
    if (catalog.age) fields.push(this.ageField(catalog.age, send));
    const buttons = make("div", { class: "te-buttons" }, this.undo, this.redo, this.clear, this.copy, this.said);
    const code = { readonly: true, rows: 6, spellcheck: "false", "aria-label": say("explorer.code") };
    this.text = make("textarea", code);
    const close = button(say("explorer.close"), () => this.hideCode(), say("explorer.close_hint"));
    const hint = make("p", { class: "te-quiet", text: say("explorer.no_clipboard") });
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
      placeholder: this.words("explorer.unknown"),
      oninput: later,
      onchange: () => later.now(),
      onblur: () => {
        later.now();
        if (!this.isBehind()) this.showAge(); // else with the answer
      },
    });
    this.ageFault = make("span", { class: "te-fault", hidden: true });
    return make("label", { class: "te-field te-age" }, make("span", { text: this.words("explorer.age") }), this.age, this.ageFault);
  }

  showAge() {
    this.age.value = this.view?.evidence.age ?? "";
    this.age.placeholder = this.view?.evidence.age_band ?? this.words("explorer.unknown");
  }

  async copyCode() {
    // What was said a moment ago belongs to the case: with its answer the code is copied.
    this.isCopying = this.isBehind();
    if (this.isCopying) return;
    this.text.value = this.view.code;
    try {
      await navigator.clipboard.writeText(this.view.code);
      this.fallback.hidden = true;
      this.say(this.words("explorer.copied"));
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
    if (this.isCopying) this.copyCode();
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
  constructor(send, goTo, say) {
    this.send = send;
    this.say = say;
    this.goTo = goTo;
    this.element = make("div", { class: "te-chips", role: "group", "aria-label": say("explorer.known_so_far") });
  }

  show(view) {
    const focused = this.element.contains(document.activeElement) ? document.activeElement : null;
    const { variable: stayed } = focused?.parentElement.dataset ?? {};
    const place = focused === focused?.parentElement.firstChild ? 0 : 1;
    const chips = view.known.map(({ variable, label, words }) => {
      const go = make("button", { type: "button", text: `${label}: ${words}`, onclick: () => this.goTo(variable) });
      const drop = make("button", {
        type: "button",
        text: "×",
        "aria-label": this.say("explorer.make_unknown", { finding: label }),
        onclick: () => this.send({ do: "set", variable, value: null }),
      });
      return make("span", { class: "te-chip", "data-variable": variable }, go, drop);
    });
    const none = make("span", { class: "te-quiet", text: this.say("explorer.nothing_known") });
    this.element.replaceChildren(...(chips.length ? chips : [none]));
    const same = chips.find((chip) => chip.dataset.variable === stayed)?.children[place];
    if (focused) (same ?? this.element.querySelector("button"))?.focus();
  }
}
