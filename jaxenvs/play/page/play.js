// The page to play on: it shows what the server sends, and sends what the player does.

import { Board } from "./board.js";
import { Connection } from "./connection.js";
import { changedAt, controls, element, format } from "./controls.js";
import { Keys, keyLabel } from "./keys.js";
import { List } from "./list.js";

const $ = (id) => document.getElementById(id);
const picture = $("picture");
let env = null; // what the server said about the environment
let shown = null; // the newest update
let panel = null; // the controls of the action
let board = null; // the board, if the game has one
let busy = null; // the timer of a compilation
let rows = []; // of the table that stands in for a picture
let hiddenPause = false;

const settings = await (await fetch("settings")).json();
$("seed").value = settings.seed;

const connection = new Connection({
  message: (message) => ({ env: showEnv, status: showStatus, error: showError })[message.type]?.(message),
  update: showUpdate,
  state: (state, reason) => {
    if (state === "open") { overlay(""); sendWishes(); open(env?.id ?? wanted(), chosenFields()); }
    else { clearInterval(busy); overlay(`The connection was lost. ${reason || "Is the server still running?"}`); }
  },
});
const send = (type, values = {}) => connection.send({ type, ...values });

function wanted() {
  const name = decodeURIComponent(location.hash.slice(1));
  return name || settings.first;
}

function sendWishes() {
  send("speed", { speed: 2 ** Number($("speed").value) });
  send("restarts", { restarts: $("restarts").checked });
}

function open(id, fields = {}) {
  send("open", { id, seed: seed(), fields });
}

const chosenFields = () => Object.fromEntries((env?.choices ?? []).map(({ field, value }) => [field, value]));

const seed = () => Math.min(Math.max(Math.trunc(Number($("seed").value)) || 0, 0), 4294967295);

function overlay(text, detail = "") {
  $("overlay").replaceChildren(...(text ? [element("strong", {}, text), element("span", {}, detail)] : []));
  $("overlay").hidden = !text;
}

function showError({ message }) {
  $("message").textContent = message;
  $("message").hidden = false;
  clearTimeout(showError.timer);
  showError.timer = setTimeout(() => ($("message").hidden = true), 8000);
}

function showStatus({ status, id }) {
  clearInterval(busy);
  document.body.classList.toggle("compiling", status === "compiling");
  if (status !== "compiling") {
    if (env) showChoices();
    if (shown) showUpdate(shown);
    else overlay("Nothing is open", "Choose an environment from the list.");
    return;
  }
  const begun = performance.now();
  const tell = () => overlay(`Compiling ${id}`, `${Math.round((performance.now() - begun) / 1000)} s`);
  tell();
  busy = setInterval(tell, 500);
}

function showEnv(message) {
  clearInterval(busy);
  document.body.classList.remove("compiling");
  env = message;
  shown = null;
  rows = [];
  const given = history.state?.id !== env.id && location.hash.slice(1) !== encodeURIComponent(env.id);
  if (given) history.replaceState({ id: env.id }, "", `#${encodeURIComponent(env.id)}`);
  document.title = `${env.id} · jaxenvs`;
  $("title").textContent = env.id;
  $("summary").textContent = env.summary;
  $("last").textContent = "None has ended yet.";
  picture.hidden = !env.can_render;
  $("table").hidden = env.can_render;
  keys.bindings = env.bindings;
  showPanel();
  showKeys();
  showIdle();
  showChoices();
}

/** The fields that the player may choose; another value opens the environment again. */
function showChoices() {
  const names = { true: "yes", false: "no" };
  $("choices").replaceChildren(...env.choices.map(({ field, values, value }) => {
    const select = element("select", {}, ...values.map((each) => element("option", { value: JSON.stringify(each) }, names[each] ?? each)));
    select.value = JSON.stringify(value);
    select.addEventListener("change", () => open(env.id, { ...chosenFields(), [field]: JSON.parse(select.value) }));
    return element("label", {}, `${field.replaceAll("_", " ")} `, select);
  }));
}

/** The controls, or the board. On a board the end stays in sight, unless the player wants otherwise. */
function showPanel() {
  board?.remove();
  if (Boolean(board) !== Boolean(env.board)) {
    $("restarts").checked = !env.board;
    sendWishes();
  }
  board = env.board && new Board(env.board, picture, $("ghost"), tap, () => $("reset").click(), (message) => showError({ message }));
  document.body.classList.toggle("on-board", Boolean(board));
  $("readings-box").open = !board;
  panel = board ? null : controls(env, hold, tap);
  $("play").replaceChildren((board ?? panel).node);
}

function showIdle() {
  const names = { wait: "waits", repeat: "repeats the last action", "in turn": "takes all in turn" };
  const action = typeof env.idle_default === "number" ? env.controls.names?.[env.idle_default - env.controls.start] : "";
  const options = [...new Set([env.idle_default, "repeat", "wait"])];
  $("idle").replaceChildren(...options.map((idle) => element("option", { value: JSON.stringify(idle) }, names[idle] ?? action)));
  $("idle").value = JSON.stringify(env.idle);
}

function showKeys() {
  const named = (binding) => binding.set.map(([path, value]) => {
    if (path.length && env.controls.items) return `${env.controls.labels?.[path[0]] ?? path[0]} ${env.controls.items[path[0]].names?.[value] ?? value}`;
    return env.controls.names?.[value - env.controls.start] ?? format(value);
  }).join(", ");
  const actions = new Map();
  for (const binding of env.bindings) {
    const name = named(binding);
    actions.set(name, [...(actions.get(name) ?? []), binding.keys.map(keyLabel).join(" + ")]);
  }
  if (board) actions.set("plays there", [env.board.names[env.board.points[0][2]].toUpperCase(), "Enter"]);
  const commands = board ? [["all environments", ["?"]]] : [["pause, go on", ["⇧P"]], ["one step", ["."]], ["next episode", ["⇧R"]], ["all environments", ["?"]]];
  const line = ([name, labels]) => element("tr", {}, element("td", {}, ...labels.map((label) => element("kbd", {}, label))), element("td", {}, name));
  $("keys").replaceChildren(...[...actions, ...commands].map(line));
}

function showUpdate(update) {
  if (!env || update.id !== env.id) return;
  shown = update;
  if (update.picture.length) {
    const address = URL.createObjectURL(new Blob([update.picture], { type: update.mime }));
    const old = picture.src;
    picture.onload = () => {
      const scale = Math.min(picture.clientWidth / picture.naturalWidth, picture.clientHeight / picture.naturalHeight);
      picture.classList.toggle("crisp", !board && scale * devicePixelRatio >= 1.5);
      if (old) URL.revokeObjectURL(old);
    };
    picture.src = address;
    picture.alt = `${env.id}, step ${update.step}. ${update.caption ?? ""}`;
  } else showRow(update);
  if (update.problem) showError({ message: update.problem });
  $("return").textContent = format(update.return);
  $("reward").textContent = format(update.reward);
  $("step-count").textContent = update.step;
  $("episode").textContent = update.episode;
  $("pause").textContent = update.paused ? "Go on" : "Pause";
  $("pause").setAttribute("aria-pressed", update.paused);
  if (document.activeElement !== $("seed")) $("seed").value = update.seed;
  board?.show(update);
  showReadings(update);
  if (update.last) {
    const { return: total, length, terminated } = update.last;
    $("last").textContent = `Return ${format(total)} in ${length} steps, ${terminated ? "terminated" : "truncated"}.`;
  }
  const done = update.terminated || update.truncated;
  document.body.classList.toggle("done", done);
  for (const button of $("play").querySelectorAll(".action")) {
    button.classList.toggle("taken", update.action?.[0]?.[1]?.[0] === Number(button.dataset.value));
  }
  if (document.body.classList.contains("compiling")) return;
  if (board) return overlay("");
  if (done) overlay(update.terminated ? "Terminated" : "Truncated", `Return ${format(update.return)} in ${update.step} steps`);
  else if (update.paused) overlay("Paused", "⇧P to go on, . for one step");
  else if (!update.started) overlay("Ready", matchMedia("(pointer: coarse)").matches ? "Touch a control to begin" : "Press a key to begin");
  else overlay("");
}

function showReadings(update) {
  const groups = [["action", update.action ?? []], ["observation", update.observation], ["info", update.info]];
  const lines = groups.flatMap(([group, leaves]) => leaves.map(([name, value]) =>
    element("tr", {}, element("th", {}, name ? `${group} ${name}` : group), element("td", {}, [value].flat().map(format).join("  ")))));
  if (update.recorded !== null) lines.push(element("tr", {}, element("th", {}, "recorded"), element("td", {}, `${update.recorded} episodes`)));
  $("readings").replaceChildren(...lines);
}

function showRow(update) {
  picture.hidden = true;
  $("table").hidden = false;
  const text = (leaves) => (leaves ?? []).map(([name, value]) => `${name ? `${name}: ` : ""}${[value].flat().map(format).join("  ")}`).join("; ");
  const cells = [update.step, text(update.action), format(update.reward), text(update.observation)];
  rows = [cells, ...rows.filter((row) => row[0] < update.step)].slice(0, 12);
  $("table").tBodies[0].replaceChildren(...rows.map((row) => element("tr", {}, ...row.map((cell) => element("td", {}, String(cell))))));
}

function hold(action) {
  send("hold", { action });
}

function tap(action) {
  hold(action);
  hold(null);
}

const keys = new Keys((binding) => {
  if (!panel) return;
  if (panel.isHeld || env.controls.kind === "numbers") {
    if (binding) hold(env.controls.kind === "numbers" ? binding.set.reduce((value, [path, part]) => changedAt(value, path, part), panel.get()) : binding.set[0][1]);
    else hold(panel.isHeld || env.idle === "wait" ? null : panel.get());
    return;
  }
  if (!binding) return hold(null);
  panel.set(binding.set.reduce((value, [path, part]) => changedAt(value, path, part), panel.get()));
  if (binding.act) hold(panel.get());
}, (key) => {
  if (board) return boardKey(key);
  const commands = {
    P: () => $("pause").click(), ".": () => $("step").click(), R: () => $("reset").click(),
    Enter: () => (shown?.terminated || shown?.truncated ? $("reset").click() : document.querySelector("#play .primary")?.click()),
    "?": () => list.show(),
  };
  commands[key]?.();
  return key in commands;
});

/** On a board, letters and digits go into the field for the move. */
function boardKey(key) {
  if (key === "?") list.show();
  else if (key === "Enter" && (shown?.terminated || shown?.truncated)) $("reset").click();
  else {
    if (/^[a-z0-9]$/i.test(key)) board.type();
    return false;
  }
  return true;
}

// The pointer over the picture moves actions of one or two components.
function pointed(event) {
  const { low, high, scalar } = env.controls;
  const box = picture.getBoundingClientRect();
  const across = Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
  const along = 1 - Math.min(Math.max((event.clientY - box.top) / box.height, 0), 1);
  const values = [across, along].slice(0, low.length).map((share, index) => low[index] + share * (high[index] - low[index]));
  panel.set(values);
  hold(scalar ? values[0] : values);
}
picture.addEventListener("pointerdown", (event) => {
  if (board || env?.controls.kind !== "numbers" || env.controls.low.length > 2 || env.idle === "wait") return;
  picture.setPointerCapture(event.pointerId);
  picture.onpointermove = pointed;
  pointed(event);
});
for (const name of ["pointerup", "pointercancel"]) {
  picture.addEventListener(name, () => {
    if (board || !picture.onpointermove) return;
    picture.onpointermove = null;
    panel.set(env.controls.rest);
    hold(panel.get());
  });
}

$("toolbar").addEventListener("submit", (event) => event.preventDefault());
$("pause").addEventListener("click", () => send("pause", { paused: !shown?.paused }));
$("step").addEventListener("click", () => send("step", { action: panel?.isHeld ? null : panel?.get() ?? null }));
$("reset").addEventListener("click", () => send("reset"));
$("seed").addEventListener("change", () => send("reset", { seed: seed() }));
$("restarts").addEventListener("change", sendWishes);
$("idle").addEventListener("change", () => {
  env.idle = JSON.parse($("idle").value);
  send("idle", { idle: env.idle });
  $("idle").blur();
});
$("speed").addEventListener("input", () => {
  $("speed-text").value = `${format(2 ** Number($("speed").value))}×`;
  sendWishes();
});
addEventListener("visibilitychange", () => {
  if (!shown || shown.paused === document.hidden || (!document.hidden && !hiddenPause)) return;
  hiddenPause = document.hidden;
  if (shown.started) send("pause", { paused: document.hidden });
});
addEventListener("hashchange", () => wanted() !== env?.id && open(wanted()));

const list = new List(settings.environments, (id) => open(id));
