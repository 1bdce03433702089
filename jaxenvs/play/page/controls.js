// Controls of an action space, built from its description, recursively.

import { keyLabel } from "./keys.js";

export function element(tag, properties = {}, ...children) {
  const { dataset, ...others } = properties;
  const made = Object.assign(document.createElement(tag), others);
  Object.assign(made.dataset, dataset);
  made.append(...children);
  return made;
}

const DIRECTIONS = { ArrowLeft: "left", ArrowRight: "right", ArrowUp: "up", ArrowDown: "down" };

/** The buttons of a discrete space that is the whole action: down means hold. */
function holdButtons(control, bindings, hold) {
  const box = element("div", { className: "buttons" });
  control.names.forEach((name, index) => {
    const value = control.start + index;
    const own = bindings.filter((binding) => binding.set[0][1] === value);
    const keys = own[0]?.keys ?? [];
    const button = element("button", { type: "button", className: "action", dataset: { value } }, name);
    if (keys.length) button.append(element("kbd", {}, keys.map(keyLabel).join(" ")));
    if (keys.length === 1 && keys[0] in DIRECTIONS) {
      button.classList.add(DIRECTIONS[keys[0]]);
      box.classList.add("pad");
    }
    const release = () => hold(null);
    button.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      button.setPointerCapture(event.pointerId);
      hold(value);
    });
    button.addEventListener("pointerup", release);
    button.addEventListener("pointercancel", release);
    button.addEventListener("keydown", (event) => {
      if ((event.key === " " || event.key === "Enter") && !event.repeat) { event.preventDefault(); hold(value); }
    });
    button.addEventListener("keyup", (event) => (event.key === " " || event.key === "Enter") && release());
    button.addEventListener("contextmenu", (event) => event.preventDefault());
    box.append(button);
  });
  return box;
}

/** A part with a name of its own. */
const labelled = (label, node) => element("fieldset", {}, element("legend", {}, label), node);

function choice(control, changed) {
  if (control.names === null) {
    const input = element("input", {
      type: "number", min: control.start, max: control.start + control.n - 1, step: 1, value: control.start,
    });
    input.addEventListener("input", changed);
    const get = () => Math.round(Math.min(Math.max(Number(input.value), Number(input.min)), Number(input.max)));
    return { node: input, get, set: (value) => (input.value = value) };
  }
  let chosen = control.start;
  const box = element("div", { className: "segments" });
  const show = () => [...box.children].forEach((button) =>
    button.setAttribute("aria-pressed", Number(button.dataset.value) === chosen));
  control.names.forEach((name, index) => {
    const value = control.start + index;
    const button = element("button", { type: "button", dataset: { value } }, name);
    button.addEventListener("click", () => { chosen = value; show(); changed(); });
    box.append(button);
  });
  show();
  return { node: box, get: () => chosen, set: (value) => { chosen = value; show(); } };
}

function numbers(control, changed) {
  const box = element("div", { className: "sliders" });
  const inputs = control.low.map((low, index) => {
    const high = control.high[index];
    const step = control.integer ? 1 : (high - low) / 200;
    const slider = element("input", { type: "range", min: low, max: high, step, value: control.rest[index] });
    slider.setAttribute("aria-label", `component ${index}`);
    const text = element("input", { type: "number", min: low, max: high, step: control.integer ? 1 : "any", value: format(control.rest[index]) });
    text.setAttribute("aria-label", `number of component ${index}`);
    slider.addEventListener("input", () => { text.value = format(Number(slider.value)); changed(); });
    text.addEventListener("input", () => { slider.value = text.value; changed(); });
    slider.addEventListener("dblclick", () => { slider.value = control.rest[index]; slider.dispatchEvent(new Event("input")); });
    box.append(element("label", {}, element("span", {}, String(index)), slider, text));
    return { slider, text };
  });
  const set = (values) => [values].flat().forEach((value, index) => {
    inputs[index].slider.value = value;
    inputs[index].text.value = format(Number(value));
  });
  const value = ({ text }) => Math.min(Math.max(Number(text.value), Number(text.min)), Number(text.max));
  const get = () => {
    const values = inputs.map(value);
    return control.scalar ? values[0] : values;
  };
  return { node: box, get, set };
}

function switches(control, changed) {
  const boxes = Array.from({ length: control.size }, (_, index) => {
    const input = element("input", { type: "checkbox" });
    input.addEventListener("change", changed);
    return { input, label: element("label", {}, input, String(index)) };
  });
  return {
    node: element("div", { className: "switches" }, ...boxes.map(({ label }) => label)),
    get: () => boxes.map(({ input }) => Number(input.checked)),
    set: (values) => values.forEach((value, index) => (boxes[index].input.checked = Boolean(value))),
  };
}

/** @returns {{node, get, set}} a node, a function that returns the value, and one that sets it */
function part(control, changed) {
  if (control.kind === "discrete") return choice(control, changed);
  if (control.kind === "numbers") return numbers(control, changed);
  if (control.kind === "binary") return switches(control, changed);
  if (control.kind === "random") return { node: element("p", {}, "drawn at random"), get: () => null, set: () => {} };
  const isList = control.kind === "tuple";
  const parts = Object.entries(control.items).map(([name, item]) => [name, part(item, changed)]);
  const label = (name) => (isList ? control.labels?.[name] ?? `part ${name}` : name);
  return {
    node: element("div", { className: "parts" }, ...parts.map(([name, { node }]) => labelled(label(name), node))),
    get: () => (isList ? parts.map(([, { get }]) => get()) : Object.fromEntries(parts.map(([name, { get }]) => [name, get()]))),
    set: (values) => parts.forEach(([name, { set }]) => set(values[name])),
  };
}

/** Changes the part of a value at a path. */
export function changedAt(value, path, replacement) {
  if (path.length === 0) return replacement;
  const copy = Array.isArray(value) ? [...value] : { ...value };
  copy[path[0]] = changedAt(copy[path[0]], path.slice(1), replacement);
  return copy;
}

export const format = (number) => (typeof number === "number" ? String(Number(number.toPrecision(4))) : String(number));

/** The controls of an environment.
 *  @param hold called with the action while something is held, else null
 *  @param act called with an action to take once */
export function controls({ controls: control, bindings, idle }, hold, act) {
  if (control.kind === "discrete" && control.names !== null) {
    return { node: holdButtons(control, bindings, hold), get: () => null, set: () => {}, isHeld: true };
  }
  const runs = idle !== "wait";
  const { node, get, set } = part(control, () => runs && hold(get()));
  const box = element("div", {}, node);
  if (!runs) {
    const button = element("button", { type: "button", className: "primary" }, "Act", element("kbd", {}, "Enter"));
    button.addEventListener("click", () => act(get()));
    box.addEventListener("keydown", (event) => event.key === "Enter" && event.target instanceof HTMLInputElement && act(get()));
    box.append(button);
  }
  return { node: box, get, set, isHeld: false };
}
