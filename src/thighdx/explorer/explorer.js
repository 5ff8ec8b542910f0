// The browser's half of the explorer: it shows what Python sends and reports what a person does.
// Uses elements.js, findings.js, toolbar.js and answer.js.

function render({ model, el }) {
  const catalog = model.get("_catalog");
  const say = speaker(catalog.words);
  // Radio buttons of one name exclude one another all over a page, and each explorer loads its own copy of this.
  const prefix = `te${Math.random().toString(36).slice(2)}`;
  const alert = make("p", { class: "te-alert", role: "alert", hidden: true });
  const silence = make("p", { class: "te-alert te-mild", hidden: true });
  silence.textContent = say("explorer.silence");
  let waiting = null;
  let sent = 0;
  let answered = 0;
  const isBehind = () => answered < sent;
  const wait = () => {
    clearTimeout(waiting);
    silence.hidden = true;
    if (isBehind()) waiting = setTimeout(() => (silence.hidden = false), SILENCE);
  };
  const send = (message) => {
    sent += 1;
    model.send({ ...message, mark: [prefix, sent] });
    wait();
  };

  const findings = new Findings(catalog, send, prefix, say);
  const toolbar = new Toolbar(catalog, send, say, isBehind);
  const goTo = (variable) => (["age", "age_band"].includes(variable) && toolbar.age ? toolbar.age.focus() : findings.goTo(variable));
  const known = new Known(send, goTo, say);
  const answer = new Answer(catalog, send, say);
  const spoken = make("p", { class: "te-spoken", role: "status", "aria-live": "polite" });
  const title = make("div", { class: "te-title" }, make("h3", { text: catalog.title }), make("span", { class: "te-quiet", text: catalog.model }));
  const skip = make("button", { type: "button", class: "te-skip", text: say("explorer.skip"), onclick: () => answer.element.focus() });
  const columns = make("div", { class: "te-columns" }, findings.element, answer.element);
  const disclaimer = make("p", { class: "te-quiet te-disclaimer", text: catalog.disclaimer });
  const root = make("div", { class: "te", role: "region", "aria-label": say("explorer.region") });
  root.append(skip, title, answer.pinned, toolbar.element, known.element, alert, silence, columns, disclaimer, spoken);
  root.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.target.matches("input:not([type=radio], [type=range]), textarea")) return;
    const key = event.key.toLowerCase();
    if (key !== "z" && key !== "y") return;
    event.preventDefault();
    send({ do: key === "y" || event.shiftKey ? "redo" : "undo" });
  });

  const show = () => {
    const view = model.get("_view");
    const [sender, nth] = view.mark ?? [];
    if (sender === prefix) answered = nth;
    wait();
    // Said here too: the finding it is about may be scrolled out of sight.
    alert.hidden = !view.fault;
    alert.textContent = view.fault?.message ?? "";
    known.show(view);
    // An answer to an earlier step would put back what a person has changed since; that to the last one follows.
    if (sender !== prefix || !isBehind()) for (const part of [findings, toolbar]) part.show(view);
    spoken.textContent = view.summary;
    showAnswer();
  };
  const showAnswer = () => {
    answer.show(model.get("_view"), model.get("_detail"));
  };
  model.on("change:_view", show);
  model.on("change:_detail", showAnswer);
  show();
  el.append(root);
  return () => {
    clearTimeout(waiting);
    model.off("change:_view", show);
    model.off("change:_detail", showAnswer);
  };
}

export default { render };
