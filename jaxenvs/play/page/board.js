// A board: a click on the picture plays there, and so does a move that is typed.

import { element } from "./controls.js";

const FINGER = 32; // pixels: on boards with smaller cells, a touch selects, and a second one plays

/** How a picture lies within its element, which shows it as large as it fits. */
function frame(picture) {
  const box = picture.getBoundingClientRect();
  const scale = Math.min(box.width / picture.naturalWidth, box.height / picture.naturalHeight);
  const width = picture.naturalWidth * scale, height = picture.naturalHeight * scale;
  return { left: box.left + (box.width - width) / 2, top: box.top + (box.height - height) / 2, width, height };
}

export class Board {
  /** @param board the points and names that the server sent
   *  @param picture the img element
   *  @param ghost the element that marks the place under the pointer
   *  @param play called with an action
   *  @param again called to begin the next game
   *  @param complain called with a text when a move cannot be played */
  constructor(board, picture, ghost, play, again, complain) {
    Object.assign(this, { points: board.points, names: board.names, picture, ghost, play, complain });
    this.legal = null;
    this.over = false;
    this.selected = null;
    const placed = new Set(this.points.map(([, , action]) => action));
    this.turn = element("p", { id: "turn" });
    this.place = element("span", { id: "place" });
    this.buttons = board.names.flatMap((name, action) => {
      if (placed.has(action)) return [];
      const button = element("button", { type: "button", className: "action", dataset: { value: action } }, name);
      button.addEventListener("click", () => this.#choose(action));
      return [button];
    });
    this.confirm = element("button", { type: "button", className: "primary", hidden: true });
    this.confirm.addEventListener("click", () => this.selected !== null && this.#choose(this.selected));
    this.again = element("button", { type: "button", className: "primary", hidden: true }, "New game");
    this.again.addEventListener("click", again);
    this.input = element("input", {
      id: "move", type: "text", size: 8, maxLength: 12, autocomplete: "off", autocapitalize: "off", spellcheck: false,
      placeholder: `${board.names[this.points[this.points.length >> 1][2]]}, Enter`,
    });
    this.input.setAttribute("aria-label", "Type a move");
    const form = element("form", { className: "typed" }, this.input);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#typed();
    });
    this.node = element("div", { className: "board" }, element("div", { className: "caption" }, this.turn, this.place),
      element("div", { className: "buttons" }, this.confirm, this.again, form, ...this.buttons));
    picture.onclick = (event) => this.#clicked(event);
    picture.onpointerleave = () => this.selected === null && this.#mark(null);
    picture.onpointermove = (event) => event.pointerType !== "touch" && this.#mark(this.#at(event));
  }

  /** Leaves the picture to others. */
  remove() {
    this.picture.onclick = this.picture.onpointerleave = this.picture.onpointermove = null;
    this.picture.style.cursor = "";
    this.ghost.hidden = true;
  }

  /** Shows an update: whose turn it is, and what is legal. */
  show({ caption, legal, terminated, truncated }) {
    this.legal = legal && new Set(legal);
    this.over = terminated || truncated;
    this.turn.textContent = caption;
    for (const button of this.buttons) button.disabled = !this.#isLegal(Number(button.dataset.value));
    this.again.hidden = !this.over;
    this.input.hidden = this.over;
    this.#select(null);
  }

  /** Takes the focus, so that the key that was pressed goes into the field. */
  type() {
    if (!this.over) this.input.focus();
  }

  #isLegal(action) {
    return !this.over && (this.legal === null || this.legal.has(action));
  }

  #choose(action) {
    this.#select(null);
    if (this.#isLegal(action)) this.play(action);
    else if (!this.over) this.complain(`${this.names[action]} is not a legal move here.`);
  }

  #typed() {
    const typed = this.input.value.trim().toLowerCase();
    if (!typed) return;
    const action = this.names.findIndex((name) => name.toLowerCase() === typed);
    if (action < 0) this.complain(`No move is called "${typed}". They go from ${this.names[0]} to ${this.names.at(-1)}.`);
    else this.#choose(action);
    this.input.value = "";
  }

  /** The width of a cell, as a fraction of the picture's width: the distance between the first places of a row. */
  #cell({ width, height }) {
    const [[x, y], ...rest] = this.points;
    return Math.min(...rest.map(([otherX, otherY]) => Math.hypot((otherX - x) * width, (otherY - y) * height)));
  }

  /** The place under the pointer, or null. */
  #at(event) {
    if (!this.picture.naturalWidth) return null;
    const box = frame(this.picture);
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const distance = ([across, along]) => Math.hypot(across * box.width - x, along * box.height - y);
    const nearest = this.points.reduce((best, point) => (distance(point) < distance(best) ? point : best));
    return distance(nearest) <= 0.72 * this.#cell(box) ? nearest : null;
  }

  #clicked(event) {
    const point = this.#at(event);
    if (!point || this.over) return this.#select(null);
    const [, , action] = point;
    const isSmall = event.pointerType === "touch" && this.#cell(frame(this.picture)) < FINGER;
    if (!isSmall || this.selected === action || !this.#isLegal(action)) return this.#choose(action);
    this.#select(action);
    this.#mark(point);
  }

  #select(action) {
    this.selected = action;
    this.confirm.hidden = action === null;
    this.confirm.textContent = action === null ? "" : `Play ${this.names[action]}`;
    this.#mark(null);
  }

  #mark(point) {
    const isLegal = point !== null && this.#isLegal(point[2]);
    this.ghost.hidden = !isLegal;
    this.picture.style.cursor = isLegal ? "pointer" : "default";
    this.place.textContent = point ? this.names[point[2]] : "";
    if (!isLegal) return;
    const box = frame(this.picture), around = this.ghost.parentElement.getBoundingClientRect();
    const size = 0.8 * this.#cell(box);
    Object.assign(this.ghost.style, {
      left: `${box.left - around.left + point[0] * box.width - size / 2 - this.ghost.parentElement.clientLeft}px`,
      top: `${box.top - around.top + point[1] * box.height - size / 2 - this.ghost.parentElement.clientTop}px`,
      width: `${size}px`,
      height: `${size}px`,
    });
  }
}
