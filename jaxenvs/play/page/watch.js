// The page that watches runs: it asks for what has changed every second and a half.

import { drawChart } from "./chart.js";
import { element, format } from "./controls.js";

const EVERY_MS = 1500;
const $ = (id) => document.getElementById(id);
let name = decodeURIComponent(location.hash.slice(1)) || null;
let column = null;
let tag = "";
let listed = "";

const words = (text) => text.replaceAll("_", " ");
const value = (number) => (number === null || number === undefined ? "not finite" : typeof number === "number" && Math.abs(number) >= 1e4 ? Math.round(number).toLocaleString("en") : format(number));
const duration = (seconds) => (seconds < 90 ? `${format(Math.round(seconds * 10) / 10)} s` : seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${format(seconds / 3600)} h`);

function cells(tag, values) {
  return element("tr", {}, ...values.map((each) => element(tag, {}, String(each))));
}

async function showRuns() {
  const { is_run, runs } = await (await fetch("runs")).json();
  if (!runs.some((run) => run.name === name)) select(runs[0]?.name ?? null);
  $("runs").hidden = is_run;
  if (name === null) $("subtitle").textContent = "There is no run in this folder yet.";
  const text = JSON.stringify([runs, name]);
  if (is_run || text === listed) return;
  listed = text;
  $("runs").replaceChildren(...runs.map((run) => {
    const title = element("strong", {}, run.env_id ?? run.title);
    const chip = element("span", { className: `chip ${run.status}` }, run.status ?? "");
    const detail = element("small", {}, [run.algorithm?.toUpperCase(), run.started?.slice(0, 16).replace("T", " ")].filter(Boolean).join(" · "));
    const button = element("button", { type: "button" }, title, chip, detail);
    if (run.name === name) button.setAttribute("aria-current", "true");
    button.addEventListener("click", () => { select(run.name); refresh(); });
    return button;
  }));
}

function select(chosen) {
  if (chosen !== name) { tag = ""; column = null; }
  name = chosen;
  history.replaceState(null, "", chosen ? `#${encodeURIComponent(chosen)}` : " ");
}

async function showRun() {
  const asked = name;
  const query = column === null ? "" : `?column=${encodeURIComponent(column)}`;
  const answer = await fetch(`runs/${encodeURIComponent(asked)}${query}`, { headers: tag ? { "If-None-Match": tag } : {}, cache: "no-store" });
  if (answer.status === 304 || asked !== name) return;
  const run = await answer.json();
  tag = answer.headers.get("ETag") ?? "";
  $("problem").textContent = run.error ?? run.problem ?? "";
  $("problem").hidden = !$("problem").textContent;
  if (run.error) return;

  document.title = `${run.env_id ?? run.title} · jaxenvs watch`;
  $("title").textContent = run.env_id ?? run.title;
  $("subtitle").textContent = [run.algorithm?.toUpperCase(), run.title].filter(Boolean).join(" · ");
  $("status").textContent = run.status;
  $("status").className = `chip ${run.status}`;
  $("status").hidden = !run.status;

  const { env_steps, mean_return, mean_length, seconds } = run.latest;
  const tiles = [["Mean return", mean_return], ["Mean length", mean_length], ["Steps", env_steps], ["Time", seconds === undefined ? undefined : duration(seconds)], ["Recorded episodes", run.num_episodes || undefined]];
  $("tiles").replaceChildren(...tiles.filter(([, each]) => each !== undefined).map(([label, each]) =>
    element("div", {}, element("dt", {}, label), element("dd", {}, typeof each === "string" ? each : value(each)))));

  const isRecorded = run.columns.length === 0;
  $("curve-title").textContent = isRecorded ? "Returns of recorded episodes" : "Learning curve";
  $("column").replaceChildren(...run.columns.map((each) => element("option", { value: each }, words(each))));
  $("column").value = run.column;
  $("column").parentElement.hidden = isRecorded;
  drawChart($("curve"), isRecorded ? run.recorded_curve : run.curve, words(run.column ?? "episode return"));

  $("evaluation-box").hidden = !run.evaluation;
  if (run.evaluation) {
    const { episodes, mean_return: mean, reward_threshold: threshold, solved } = run.evaluation;
    const verdict = threshold === null ? "" : solved ? `, which reaches the threshold ${format(threshold)}` : `, which is below the threshold ${format(threshold)}`;
    $("evaluation").textContent = `Mean return ${value(mean)} over ${episodes} fresh episodes${verdict}.`;
  }

  $("episodes-box").hidden = run.episodes.length === 0;
  const [head, body] = $("episodes").children;
  head.replaceChildren(cells("th", ["writer", "episode", "for", "return", "length", "end", "steps", "time"]));
  body.replaceChildren(...run.episodes.map((each) => cells("td", [
    each.writer, each.episode, each.mode, value(each.episode_return), each.length, each.terminated ? "terminated" : each.truncated ? "truncated" : "cut short", value(each.env_steps), duration(each.seconds ?? 0),
  ])));

  showMedia(asked, run.media);
  $("settings").replaceChildren(...run.settings.map(([label, text]) => element("tr", {}, element("th", {}, words(label)), element("td", {}, text))));
}

/** Keeps what is shown already, so that a video that plays goes on. */
function showMedia(run, files) {
  $("media-box").hidden = files.length === 0;
  const old = new Map([...$("media").children].map((figure) => [figure.dataset.key, figure]));
  const figures = files.map((file) => {
    const key = `${run}/${file}`;
    const address = `media/${encodeURIComponent(run)}/${file.split("/").map(encodeURIComponent).join("/")}`;
    const isVideo = /\.(mp4|webm)$/i.test(file);
    const shown = isVideo ? { src: address, controls: true, loop: true, muted: true, preload: "metadata" } : { src: address, alt: file, loading: "lazy" };
    return old.get(key) ?? element("figure", { dataset: { key } }, element(isVideo ? "video" : "img", shown), element("figcaption", {}, file));
  });
  if (figures.some((figure, index) => figure !== $("media").children[index]) || figures.length !== old.size) $("media").replaceChildren(...figures);
}

async function refresh() {
  clearTimeout(refresh.timer);
  try {
    if (!document.hidden) {
      await showRuns();
      if (name !== null) await showRun();
    }
  } catch {
    $("problem").textContent = "The server does not answer. Is `jaxenvs watch` still running?";
    $("problem").hidden = false;
    tag = "";
  }
  refresh.timer = setTimeout(refresh, EVERY_MS);
}

$("column").addEventListener("change", () => { column = $("column").value; tag = ""; refresh(); });
addEventListener("visibilitychange", () => !document.hidden && refresh());
refresh();
