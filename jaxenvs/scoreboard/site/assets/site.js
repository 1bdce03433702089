"use strict";
// The pages work without this. It filters the first page while one types, adds buttons that copy commands, and names the
// addresses of archives, which static files do not know.

const search = document.getElementById("q");
if (search) {
  const form = search.closest("form");
  form.hidden = false;
  form.addEventListener("submit", (event) => { if (form.classList.contains("needs-script")) event.preventDefault(); });
  search.addEventListener("input", () => {
    const wanted = search.value.trim().toLowerCase();
    let shown = 0;
    for (const item of document.querySelectorAll(".card-item")) {
      item.hidden = !item.dataset.name.includes(wanted);
      shown += !item.hidden;
    }
    for (const family of document.querySelectorAll(".family")) {
      family.hidden = !family.querySelector(".card-item:not([hidden])");
    }
    document.getElementById("nothing").hidden = shown > 0;
  });
}

for (const code of document.querySelectorAll("code[data-archive]")) {
  if (!location.protocol.startsWith("http")) break;
  const address = new URL(code.dataset.archive, location.href);
  code.textContent = code.textContent.replace(/archives\/\S+/, () => address.href);
}

for (const block of document.querySelectorAll("pre")) {
  if (!navigator.clipboard) break;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(block.querySelector("code").textContent);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
  const holder = document.createElement("div");
  holder.className = "command";
  block.replaceWith(holder);
  holder.append(block, button);
}
