// The list of all environments, with pictures.

import { element } from "./controls.js";

export class List {
  /** @param rows objects with `id`, `family` and `needs`
   *  @param choose called with the id that was chosen */
  constructor(rows, choose) {
    this.dialog = document.querySelector("#list");
    this.search = document.querySelector("#search");
    const families = new Map();
    for (const row of rows) families.set(row.family, [...(families.get(row.family) ?? []), row]);
    const box = document.querySelector("#families");
    for (const [family, members] of families) {
      const cards = members.map((row) => this.#card(row, choose));
      box.append(element("section", {}, element("h2", {}, family), element("div", { className: "cards" }, ...cards)));
    }
    this.search.addEventListener("input", () => this.#filter());
    this.search.form.addEventListener("submit", (event) => {
      const only = [...box.querySelectorAll(".card:not([hidden]):not(:disabled)")];
      if (event.submitter === null || document.activeElement !== this.search || only.length !== 1) return;
      event.preventDefault();
      only[0].click();
    });
    document.querySelector("#open-list").addEventListener("click", () => this.show());
    this.dialog.addEventListener("close", () => this.#stop());
  }

  /** Asks for no more pictures, since drawing them holds up the game. */
  #stop() {
    for (const image of this.dialog.querySelectorAll("img")) if (!image.complete || !image.naturalWidth) image.removeAttribute("src");
  }

  show() {
    this.dialog.showModal();
    for (const image of this.dialog.querySelectorAll("img:not([src])")) image.src = image.dataset.src;
    this.search.select();
  }

  #card({ id, needs }, choose) {
    const address = `thumbnails/${id.split("/").map(encodeURIComponent).join("/")}`;
    const image = element("img", { alt: "", loading: "lazy", width: 120, height: 120, dataset: { src: address } });
    const picture = element("span", { className: "thumbnail" }, needs ? "" : image);
    const card = element("button", { type: "button", className: "card", disabled: Boolean(needs), dataset: { id } }, picture, id);
    if (needs) card.append(element("code", {}, needs));
    else image.addEventListener("error", () => image.hasAttribute("src") && image.replaceWith(id.split("/").pop()[0]));
    card.addEventListener("click", () => { this.dialog.close(); choose(id); });
    return card;
  }

  #filter() {
    const words = this.search.value.toLowerCase().split(/\s+/);
    for (const section of document.querySelectorAll("#families section")) {
      for (const card of section.querySelectorAll(".card")) {
        card.hidden = !words.every((word) => card.dataset.id.toLowerCase().includes(word));
      }
      section.hidden = !section.querySelector(".card:not([hidden])");
    }
  }
}
