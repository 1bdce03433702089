// A line chart in SVG: a faint line through the values, and a strong one through their moving average.

import { format } from "./controls.js";

const WIDTH = 760, HEIGHT = 300, LEFT = 58, RIGHT = 14, TOP = 12, BOTTOM = 34;

function svg(tag, attributes, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** About `count` round numbers from low to high. */
function ticks(low, high, count) {
  const raw = (high - low) / count || 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= raw);
  const first = Math.ceil(low / step - 1e-9);
  return Array.from({ length: Math.floor(high / step + 1e-9) - first + 1 }, (_, index) => (first + index) * step);
}

const short = (number) => {
  for (const [size, letter] of [[1e9, "G"], [1e6, "M"], [1e3, "k"]]) {
    if (Math.abs(number) >= size) return format(number / size) + letter;
  }
  return format(number);
};

/** Draws lines, objects with `name`, `steps`, `values` and `smooth`. */
export function drawChart(box, lines, unit) {
  if (lines.length === 0) {
    box.replaceChildren("No episode has ended yet.");
    return;
  }
  const all = lines.flatMap(({ values, smooth }) => [...values, ...smooth]);
  let [low, high] = [Math.min(...all), Math.max(...all)];
  if (low === high) [low, high] = [low - 1, high + 1];
  const last = Math.max(...lines.map(({ steps }) => steps.at(-1))) || 1;
  const x = (step) => LEFT + (step / last) * (WIDTH - LEFT - RIGHT);
  const y = (value) => HEIGHT - BOTTOM - ((value - low) / (high - low)) * (HEIGHT - TOP - BOTTOM);
  const path = (steps, values) => values.map((value, index) => `${index ? "L" : "M"}${x(steps[index]).toFixed(1)} ${y(value).toFixed(1)}`).join("");

  const chart = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", class: "chart" });
  chart.setAttribute("aria-label", `${unit}: ${format(lines[0].smooth.at(-1))} after ${last} steps`);
  for (const value of ticks(low, high, 5)) {
    chart.append(svg("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: y(value), y2: y(value), class: "grid" }));
    chart.append(svg("text", { x: LEFT - 8, y: y(value) + 4, "text-anchor": "end" }, short(value)));
  }
  for (const step of ticks(0, last, 6)) {
    chart.append(svg("text", { x: x(step), y: HEIGHT - 12, "text-anchor": "middle" }, short(step)));
  }
  for (const { steps, values } of lines) chart.append(svg("path", { d: path(steps, values), class: "faint" }));
  for (const { steps, smooth, name } of lines) {
    chart.append(svg("path", { d: path(steps, smooth), class: "line" }, svg("title", {}, lines.length > 1 ? `seed ${name}` : unit)));
    chart.append(svg("circle", { cx: x(steps.at(-1)), cy: y(smooth.at(-1)), r: 3.5, class: "end" }));
  }

  const cursor = svg("g", { visibility: "hidden" }, svg("line", { y1: TOP, y2: HEIGHT - BOTTOM, class: "cursor" }), svg("text", { y: TOP + 10, class: "value" }));
  chart.append(cursor);
  chart.addEventListener("pointermove", (event) => {
    const { left, width } = chart.getBoundingClientRect();
    const step = (((event.clientX - left) / width) * WIDTH - LEFT) / (WIDTH - LEFT - RIGHT) * last;
    const readings = lines.map(({ steps, smooth }) => {
      const index = steps.findIndex((each) => each >= step);
      return smooth.at(index);
    });
    const at = x(Math.min(Math.max(step, 0), last));
    const [rule, text] = cursor.children;
    rule.setAttribute("x1", at);
    rule.setAttribute("x2", at);
    const isLate = at > WIDTH * 0.65;
    text.setAttribute("x", at + (isLate ? -8 : 8));
    text.setAttribute("text-anchor", isLate ? "end" : "start");
    text.textContent = `${short(Math.round(step))} steps: ${readings.slice(0, 4).map(format).join(", ")}`;
    cursor.setAttribute("visibility", "visible");
  });
  chart.addEventListener("pointerleave", () => cursor.setAttribute("visibility", "hidden"));
  box.replaceChildren(chart);
}
