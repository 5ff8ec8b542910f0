// Part of the explorer's one browser module, which widget.py puts together from its files in order.
// No framework, nothing from the network; every text goes in as textContent.

const SHOWN_CAUSES = 8;
const SLIDER_PAUSE = 120; // ms without movement before a slider counts
const TYPING_PAUSE = 500;
const SILENCE = 6000; // ms without an answer before the reader is told
const UNSURE = "\u0000unsure"; // no state has this name
// What can have the focus says so itself: JupyterLab's one-key shortcuts (arrows move between cells, d d deletes
// one) look at the focused element before its parents.
const FOCUSABLE = new Set(["button", "h4", "input", "section", "select", "summary", "textarea"]);

/** Make an element: attributes, listeners (on...), text and children. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  if (FOCUSABLE.has(tag)) element.setAttribute("data-lm-suppress-shortcuts", "true");
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") element.textContent = value;
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (typeof value === "boolean") element.toggleAttribute(name, value);
    else if (value !== undefined && value !== null) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** Call a function once nothing has happened for a while; `.now()` calls it at once if it waits. */
function debounce(pause, call) {
  let timer = null;
  let waiting = null;
  const now = () => {
    clearTimeout(timer);
    timer = null;
    if (waiting) call(...waiting);
    waiting = null;
  };
  const later = (...values) => {
    waiting = values;
    clearTimeout(timer);
    timer = setTimeout(now, pause);
  };
  return Object.assign(later, { now, isWaiting: () => waiting !== null });
}

/** Return a function that looks up what people read, by its key, and puts values in their places. */
const speaker = (words) => (key, values = {}) => words[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);

const isMap = (value) => typeof value === "object" && value !== null;
const percentOf = (share) => `${Math.max(0, Math.min(1, share)) * 100}%`;
