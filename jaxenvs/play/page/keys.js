// The keys that are down, and the binding that they stand for.

const ALIASES = { w: "ArrowUp", a: "ArrowLeft", s: "ArrowDown", d: "ArrowRight" };

const LABELS = {
  ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", " ": "Space", Backspace: "⌫",
  PageUp: "PgUp", PageDown: "PgDn",
};

export const keyLabel = (key) => LABELS[key] ?? key.toUpperCase();

/** Whether the browser needs this key for what has the focus: typing, or moving a slider. */
const isTyping = (target) =>
  target instanceof HTMLSelectElement ||
  target instanceof HTMLTextAreaElement ||
  (target instanceof HTMLInputElement && target.type !== "checkbox");

export class Keys {
  /** @param changed called with the binding of the keys that are down, or null
   *  @param command called with other keys; returns whether it used the key */
  constructor(changed, command) {
    this.bindings = [];
    this.down = [];
    this.changed = changed;
    addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.altKey || event.metaKey || document.querySelector("dialog[open]")) return;
      if (isTyping(event.target)) return;
      if (event.shiftKey && !event.repeat && command(event.key)) return event.preventDefault();
      const key = this.#name(event.key);
      const isButton = event.target instanceof HTMLButtonElement || event.target.tagName === "SUMMARY";
      if (isButton && (event.key === " " || event.key === "Enter")) return;
      if (!this.#isBound(key)) {
        if (!event.repeat && command(event.key)) event.preventDefault();
        return;
      }
      event.preventDefault();
      if (!event.repeat && !this.down.includes(key)) {
        this.down.push(key);
        changed(this.#binding());
      }
    });
    addEventListener("keyup", (event) => {
      const key = this.#name(event.key);
      if (!this.down.includes(key)) return;
      this.down = this.down.filter((each) => each !== key);
      changed(this.#binding());
    });
    addEventListener("blur", () => this.release());
  }

  release() {
    if (this.down.length === 0) return;
    this.down = [];
    this.changed(null);
  }

  #isBound(key) {
    return this.bindings.some((binding) => binding.keys.includes(key));
  }

  #name(key) {
    const name = key.length === 1 ? key.toLowerCase() : key;
    return name in ALIASES && !this.#isBound(name) ? ALIASES[name] : name;
  }

  /** The binding with the most keys, all of which are down; of several, that of the newest key. */
  #binding() {
    const age = (binding) => Math.max(...binding.keys.map((key) => this.down.indexOf(key)));
    return this.bindings
      .filter((binding) => binding.keys.every((key) => this.down.includes(key)))
      .sort((a, b) => b.keys.length - a.keys.length || age(b) - age(a))[0] ?? null;
  }
}
