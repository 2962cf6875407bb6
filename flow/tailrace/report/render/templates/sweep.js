// SPDX-License-Identifier: Apache-2.0
"use strict";
(() => {
  const { rows, refused } = JSON.parse(document.getElementById("data").textContent);
  const FIGURES = {
    fps: ["Frames per second", true], latency_us: ["Latency, µs", false], accuracy: ["Accuracy", true],
    lut: ["LUT", false], ff: ["FF", false], dsp: ["DSP", false], bram18: ["BRAM18", false],
  };
  const COUNTED = ["lut", "ff", "dsp", "bram18"];
  const families = [...new Set(rows.map((row) => row.family))].sort();
  const element = (name, attributes = {}, ...children) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made[key] = value;
    made.append(...children);
    return made;
  };
  const svg = (name, attributes = {}) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };
  const plain = (value) => value >= 100 ? Math.round(value).toLocaleString("en") : String(+value.toPrecision(3));
  const short = (value) => {
    const [unit, size] = [["G", 1e9], ["M", 1e6], ["k", 1e3]].find(([, s]) => value >= s) || ["", 1];
    return +(value / size).toPrecision(3) + unit;
  };
  const written = (key, row) => {
    const value = row[key];
    if (value === null) return "–";
    if (key === "accuracy") return (100 * value).toFixed(2) + " %";
    return (COUNTED.includes(key) && !row.counted ? "~" : "") + (key === "fps" ? short(value) : plain(value));
  };
  const known = (key) => rows.some((row) => row[key] !== null);
  const state = { x: "fps", y: "lut", sort: "fps", down: true, off: new Set(), chosen: [] };

  // Filters

  const filters = document.getElementById("filters");
  for (const [key, title] of [["network", "Network"], ["part", "Part"], ["engine", "Engine"], ["stage", "As far as"]]) {
    const values = [...new Set(rows.map((row) => row[key]))].sort();
    if (values.length < 2) continue;
    const box = element("fieldset", {}, element("legend", { textContent: title }));
    for (const value of values) {
      const tick = element("input", { type: "checkbox", checked: true });
      tick.addEventListener("change", () => {
        state.off[tick.checked ? "delete" : "add"](key + "\n" + value);
        draw();
      });
      box.append(element("label", {}, tick, value));
    }
    filters.append(box);
  }
  const shown = () => rows.filter((row) => ["network", "part", "engine", "stage"].every((key) => !state.off.has(key + "\n" + row[key])));
  for (const id of ["x", "y"]) {
    const select = document.getElementById(id);
    for (const key of Object.keys(FIGURES).filter(known)) select.append(element("option", { value: key, textContent: FIGURES[key][0] }));
    select.value = state[id];
    select.addEventListener("change", () => { state[id] = select.value; draw(); });
  }

  // The plot

  const axis = (values, start, stop) => {
    let low = Math.min(...values), high = Math.max(...values);
    const log = low > 0 && high / low > 8;
    if (log) { low /= 1.4; high *= 1.4; } else {
      const margin = 0.1 * (high - low) || 0.5 * Math.abs(high) || 1;
      low = low >= 0 && low - margin < 0.35 * high ? 0 : low - margin; high += margin;
    }
    const share = (value) => log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
    const ticks = [];
    if (log) {
      for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power += 1) {
        for (const step of Math.log10(high / low) > 3 ? [1] : [1, 2, 5]) {
          const value = step * 10 ** power;
          if (value >= low && value <= high) ticks.push(value);
        }
      }
    } else {
      const power = 10 ** Math.floor(Math.log10((high - low) / 5));
      const step = [1, 2, 5, 10].map((f) => f * power).find((s) => (high - low) / s <= 7);
      for (let value = Math.ceil(low / step) * step; value <= high; value += step) ticks.push(+value.toPrecision(9));
    }
    return { at: (value) => start + share(value) * (stop - start), ticks };
  };
  const better = (key, a, b) => FIGURES[key][1] ? a >= b : a <= b;
  const beats = (a, b) => {
    const keys = [state.x, state.y];
    return keys.every((key) => better(key, a[key], b[key])) && keys.some((key) => a[key] !== b[key]);
  };
  const front = (found) => found.filter((row) => row.fits && !row.wrong && !found.some((other) => other.fits && !other.wrong && beats(other, row)))
    .sort((a, b) => a[state.x] - b[state.x] || a[state.y] - b[state.y]);
  const plot = document.getElementById("plot");
  const dots = new Map();

  const picture = (found) => {
    const width = plot.clientWidth || 900, height = plot.clientHeight || 440;
    plot.setAttribute("viewBox", `0 0 ${width} ${height}`);
    plot.replaceChildren();
    dots.clear();
    const drawn = found.filter((row) => row[state.x] !== null && row[state.y] !== null);
    if (!drawn.length) return;
    const across = axis(drawn.map((row) => row[state.x]), 64, width - 14);
    const up = axis(drawn.map((row) => row[state.y]), height - 44, 14);
    const mark = (value) => state.x === "accuracy" || state.y === "accuracy" ? String(+value.toPrecision(4)) : short(value);
    for (const value of across.ticks) {
      plot.append(svg("line", { class: "grid", x1: across.at(value), x2: across.at(value), y1: 14, y2: height - 44 }));
      plot.append(Object.assign(svg("text", { x: across.at(value), y: height - 26, "text-anchor": "middle" }), { textContent: mark(value) }));
    }
    for (const value of up.ticks) {
      plot.append(svg("line", { class: "grid", x1: 64, x2: width - 14, y1: up.at(value), y2: up.at(value) }));
      plot.append(Object.assign(svg("text", { x: 57, y: up.at(value) + 4, "text-anchor": "end" }), { textContent: mark(value) }));
    }
    plot.append(Object.assign(svg("text", { x: (64 + width) / 2, y: height - 6, "text-anchor": "middle" }), { textContent: FIGURES[state.x][0] }));
    plot.append(Object.assign(svg("text", { x: 14, y: height / 2, "text-anchor": "middle", transform: `rotate(-90 14 ${height / 2})` }), { textContent: FIGURES[state.y][0] }));
    families.forEach((family, index) => {
      const own = drawn.filter((row) => row.family === family);
      const best = front(own);
      const colour = "c" + index % 6;
      if (best.length > 1) {
        const points = best.map((row) => `${across.at(row[state.x])},${up.at(row[state.y])}`).join(" ");
        plot.append(svg("polyline", { class: "front " + colour, points }));
      }
      for (const row of own) {
        const words = ["dot", colour, row.counted ? "" : "hollow", row.wrong ? "wrong" : best.includes(row) ? "" : "pale", state.chosen.includes(row) ? "chosen" : ""];
        const dot = svg("circle", { class: words.filter(Boolean).join(" "), cx: across.at(row[state.x]), cy: up.at(row[state.y]), r: 5, tabindex: 0 });
        dot.append(Object.assign(svg("title"), { textContent: `${row.network} on ${row.part}: ${written("fps", row)} frames/s, ${written("latency_us", row)} µs, ${written("lut", row)} LUT` }));
        dot.addEventListener("click", () => choose(row));
        dot.addEventListener("keydown", (event) => { if (event.key === "Enter") choose(row); });
        dot.addEventListener("mouseenter", () => { const line = lines.get(row); if (line) line.classList.add("hover"); });
        dot.addEventListener("mouseleave", () => { const line = lines.get(row); if (line) line.classList.remove("hover"); });
        plot.append(dot);
        dots.set(row, dot);
      }
    });
    document.getElementById("legend").replaceChildren(...families.filter((family) => drawn.some((row) => row.family === family))
      .map((family) => element("span", {}, element("i", { className: "c" + families.indexOf(family) % 6 }), family)));
  };

  // The tables

  const COLUMNS = [["network", "Network"], ["part", "Part"], ["clock_mhz", "MHz"], ["engine", "Engine"], ["fps_asked", "Asked, f/s"],
    ["fps", "Frames/s"], ["latency_us", "Latency, µs"], ["lut", "LUT"], ["ff", "FF"], ["dsp", "DSP"], ["bram18", "BRAM18"],
    ["fmax_mhz", "Fmax, MHz"], ["accuracy", "Accuracy"], ["stage", "As far as"]].filter(([key]) => known(key));
  const text = (key, row) => {
    if (key in FIGURES) return written(key, row);
    const value = row[key];
    if (value === null) return "–";
    return key === "fps_asked" ? short(value) : typeof value === "number" ? plain(value) : key === "stage" && row.wrong ? value + ", then failed" : String(value);
  };
  const lines = new Map();
  const table = (found) => {
    const order = (a, b) => {
      const [left, right] = [a[state.sort], b[state.sort]];
      if (left === null || right === null) return (left === null) - (right === null);
      const sign = typeof left === "string" ? left.localeCompare(right) : left - right;
      return state.down ? -sign : sign;
    };
    lines.clear();
    const head = element("tr", {}, ...COLUMNS.map(([key, title]) => {
      const button = element("button", { type: "button", textContent: title + (state.sort === key ? state.down ? " ↓" : " ↑" : "") });
      button.addEventListener("click", () => { state.down = state.sort === key ? !state.down : key in FIGURES && FIGURES[key][1]; state.sort = key; draw(); });
      return element("th", {}, button);
    }));
    const body = element("tbody", {}, ...[...found].sort(order).map((row) => {
      const line = element("tr", { className: state.chosen.includes(row) ? "chosen" : "" }, ...COLUMNS.map(([key]) => element("td", { textContent: text(key, row) + (key === "lut" && !row.fits ? " (too many)" : "") })));
      line.addEventListener("click", () => choose(row));
      line.addEventListener("mouseenter", () => { const dot = dots.get(row); if (dot) dot.setAttribute("r", 8); });
      line.addEventListener("mouseleave", () => { const dot = dots.get(row); if (dot) dot.setAttribute("r", 5); });
      lines.set(row, line);
      return line;
    }));
    document.getElementById("table").replaceChildren(element("thead", {}, head), body);
  };
  const pair = () => {
    const box = document.getElementById("beside");
    box.hidden = !state.chosen.length;
    const [first, second] = state.chosen;
    const list = [...COLUMNS, ["message", "Said"], ["command", "Build it"]];
    document.getElementById("pair").replaceChildren(element("tbody", {}, ...list.filter(([key]) => state.chosen.some((row) => row[key] !== null)).map(([key, title]) => {
      const cells = state.chosen.map((row) => key === "command" ? element("td", {}, element("code", { textContent: row.command })) : element("td", { textContent: text(key, row) }));
      const both = second && typeof first[key] === "number" && typeof second[key] === "number" && first[key];
      return element("tr", {}, element("th", { textContent: title }), ...cells, element("td", { textContent: both ? "×" + (second[key] / first[key]).toPrecision(3) : "" }));
    })));
  };
  const choose = (row) => {
    state.chosen = state.chosen.includes(row) ? state.chosen.filter((each) => each !== row) : [...state.chosen, row].slice(-2);
    draw();
  };
  const draw = () => {
    const found = shown();
    state.chosen = state.chosen.filter((row) => found.includes(row));
    const measured = found.filter((row) => row.stage !== "estimate").length;
    document.getElementById("tally").textContent = `${found.length} of ${rows.length} designs shown, ${measured} of them measured.`;
    picture(found);
    table(found);
    pair();
  };
  if (refused.length) {
    document.getElementById("refusedbox").hidden = false;
    const keys = ["network", "part", "fps_asked", "message"];
    document.getElementById("refused").replaceChildren(element("tbody", {}, ...refused.map((row) => element("tr", {}, ...keys.map((key) => element("td", { textContent: text(key, row) }))))));
  }
  window.addEventListener("resize", () => picture(shown()));
  draw();
})();
