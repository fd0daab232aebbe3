"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  document.querySelector("[data-theme-toggle]").addEventListener("click", () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });

  const table = document.querySelector("[data-claims]");
  if (table) {
    const PAGE = 200;
    const body = table.tBodies[0];
    let rows = [...body.rows];
    let shown = PAGE;
    const words = document.querySelector("[data-filter]");
    const verdict = document.querySelector("[data-verdict]");
    const unmet = document.querySelector("[data-unmet]");
    const more = document.querySelector("[data-more]");
    const texts = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));

    const show = () => {
      const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
      let found = 0;
      for (const row of rows) {
        const fits = wanted.every((word) => texts.get(row).includes(word))
          && (!verdict.value || row.dataset.css === verdict.value)
          && (!unmet.checked || row.classList.contains("unmet"));
        found += fits;
        row.hidden = !fits || found > shown;
      }
      more.hidden = found <= shown;
      document.querySelector("[data-count]").value = `${Math.min(found, shown)} of ${rows.length} shown`;
    };
    for (const input of [words, verdict, unmet]) input.addEventListener("input", () => { shown = PAGE; show(); });
    more.addEventListener("click", () => { shown += PAGE; show(); });

    for (const button of all("[data-sort]", table)) {
      button.addEventListener("click", () => {
        const head = button.parentElement;
        const up = head.getAttribute("aria-sort") !== "ascending";
        for (const other of all("th[aria-sort]", table)) other.setAttribute("aria-sort", "none");
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        const cell = (row) => row.cells[head.cellIndex];
        const number = (row) => { const value = parseFloat(cell(row).dataset.v); return Number.isNaN(value) ? -1 : value; };
        const compare = button.dataset.sort === "number"
          ? (a, b) => number(a) - number(b)
          : (a, b) => cell(a).textContent.localeCompare(cell(b).textContent);
        rows.sort((a, b) => (up ? compare(a, b) : compare(b, a)));
        body.append(...rows);
        show();
      });
    }
    const follow = () => {
      const row = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
      if (row && row.hidden) { row.hidden = false; row.scrollIntoView(); }
    };
    addEventListener("hashchange", follow);
    show();
    follow();
  }

  const unfold = document.querySelector("[data-unfold]");
  if (unfold) {
    unfold.addEventListener("click", () => {
      const folded = all(".violation:not([open])");
      for (const one of folded.length ? folded : all(".violation")) one.open = folded.length > 0;
      unfold.textContent = folded.length ? "Fold all" : "Unfold all";
    });
  }
  const open = () => {
    const told = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (told && told.matches("details")) { told.open = true; told.scrollIntoView(); }
  };
  addEventListener("hashchange", open);
  open();

  const NS = "http://www.w3.org/2000/svg";
  const make = (name, attributes, parent) => {
    const made = document.createElementNS(NS, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    parent.append(made);
    return made;
  };

  // Space as it is seen after a turn about z and one towards the eye.
  const rotated = ([x, y, z], { yaw, pitch }) => {
    const deep = x * Math.sin(yaw) + y * Math.cos(yaw);
    return [x * Math.cos(yaw) - y * Math.sin(yaw), z * Math.cos(pitch) - deep * Math.sin(pitch),
      deep * Math.cos(pitch) + z * Math.sin(pitch)];
  };
  const keys = { ArrowLeft: [-0.15, 0], ArrowRight: [0.15, 0], ArrowUp: [0, 0.15], ArrowDown: [0, -0.15] };
  const turns = (svg, view, draw) => {
    const turn = (across, up) => {
      view.yaw += across;
      view.pitch = Math.max(-1.5, Math.min(1.5, view.pitch + up));
      draw();
    };
    svg.tabIndex = 0;
    svg.classList.add("turn");
    svg.addEventListener("keydown", (event) => {
      if (event.key in keys) { event.preventDefault(); turn(...keys[event.key]); }
    });
    svg.addEventListener("pointerdown", (event) => svg.setPointerCapture(event.pointerId));
    svg.addEventListener("pointermove", (event) => {
      if (event.buttons) turn(event.movementX / 90, event.movementY / 90);
    });
  };

  // The drawings of a counterexample in space: the script draws what the page has, and all of one turn together.
  const seat = (svg, view) => {
    const space = JSON.parse(svg.dataset.space);
    const size = svg.viewBox.baseVal.width;
    const scale = (size / 2 - 24) / space.reach;
    const at = (place) => { const [u, v] = rotated(place, view); return [size / 2 + scale * u, size / 2 - scale * v]; };
    const text = ([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`;
    const arrow = (a, b) => {
      if (Math.hypot(b[0] - a[0], b[1] - a[1]) < 0.5) return "";
      const along = Math.atan2(b[1] - a[1], b[0] - a[0]);
      const side = (turn) => `M${text(b)}L${text([b[0] - 6 * Math.cos(along + turn), b[1] - 6 * Math.sin(along + turn)])}`;
      return `M${text(a)}L${text(b)}${side(0.5)}${side(-0.5)}`;
    };
    const short = (a, b) => {
      const part = 5 / (Math.hypot(b[0] - a[0], b[1] - a[1]) || 1);
      return [b[0] - part * (b[0] - a[0]), b[1] - part * (b[1] - a[1])];
    };
    const label = ([x, y], words, anchor = "") => {
      make("text", { x: x.toFixed(1), y: y.toFixed(1), class: anchor }, svg).textContent = words;
    };
    return () => {
      svg.replaceChildren();
      const r = space.reach;
      const ends = [[r, 0, 0], [0, r, 0], [0, 0, r]].map(at);
      const zero = text(at([0, 0, 0]));
      make("path", { class: "grid", d: ends.map((end) => `M${zero}L${text(end)}`).join("") }, svg);
      const beyond = 1.22 * r;
      [[beyond, 0, 0], [0, beyond, 0], [0, 0, beyond]].map(at).forEach(([x, y], i) => label([x, y + 4], "xyz"[i]));
      const seen = space.points.map(at);
      if (space.faces.length) {
        make("path", { class: "face", d: space.faces.map((face) => `M${face.map((i) => text(seen[i])).join("L")}z`).join("") }, svg);
      }
      make("path", { class: "link", d: space.lines.map(([a, b]) => arrow(seen[a], short(seen[a], seen[b]))).join("") }, svg);
      make("path", { class: "arrow", d: space.arrows.map(([a, b]) => arrow(at(a), at(b))).join("") }, svg);
      make("path", { class: "dot ink", d: seen.map((place) => `M${text(place)}h0`).join("") }, svg);
      for (const [i, name] of space.names) label([seen[i][0] + 7, seen[i][1] - 8], name, "start");
    };
  };
  for (const group of all(".tensors")) {
    const view = { yaw: 0.6, pitch: 0.4 };
    const drawn = all("[data-space]", group);
    const draws = drawn.map((svg) => seat(svg, view));
    for (const svg of drawn) {
      svg.setAttribute("aria-label", `${svg.getAttribute("aria-label")}. Turn it with the arrow keys or the mouse.`);
      turns(svg, view, () => { for (const draw of draws) draw(); });
    }
  }

  // A rotation is a point of a ball of radius pi: its axis times its angle. Dots are proper, crosses improper ones.
  const ball = (figure) => {
    const points = all("tbody tr", figure).map((row) => ({
      at: [0, 1, 2].map((i) => parseFloat(row.cells[i].textContent)),
      mirrored: row.cells[3].textContent === "improper",
      shade: row.className,
    }));
    const svg = document.createElementNS(NS, "svg");
    figure.insertBefore(svg, figure.querySelector("details"));
    const attributes = { class: "chart ball", viewBox: "0 0 300 250", role: "img" };
    for (const [key, value] of Object.entries(attributes)) svg.setAttribute(key, value);
    svg.setAttribute("aria-label", "The same elements in a ball, each at its axis times its angle. Turn it with the arrow keys or the mouse.");
    const view = { yaw: 0.6, pitch: 0.4 };
    const turned = (place) => { const [u, v, deep] = rotated(place, view); return [150 + 33 * u, 125 - 33 * v, deep]; };
    const draw = () => {
      svg.replaceChildren();
      make("circle", { class: "frame", cx: 150, cy: 125, r: 33 * Math.PI, fill: "none" }, svg);
      for (const [name, end] of [["x", [3.14, 0, 0]], ["y", [0, 3.14, 0]], ["z", [0, 0, 3.14]]]) {
        const [x, y] = turned(end);
        make("path", { class: "grid", d: `M150 125L${x.toFixed(1)} ${y.toFixed(1)}` }, svg);
        make("text", { x: x.toFixed(1), y: (y - 4).toFixed(1) }, svg).textContent = name;
      }
      const seen = points.map((point) => ({ ...point, p: turned(point.at) })).sort((a, b) => b.p[2] - a.p[2]);
      for (const { p, mirrored, shade } of seen) {
        const from = `M${p[0].toFixed(1)} ${p[1].toFixed(1)}`;
        make("path", { class: `${mirrored ? "cross" : "dot"} ${shade}`, d: from + (mirrored ? "m-3-3l6 6m0-6l-6 6" : "h0") }, svg);
      }
    };
    turns(svg, view, draw);
    draw();
  };
  for (const figure of all("[data-turns]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Turn in space";
    button.addEventListener("click", () => { button.remove(); ball(figure); figure.querySelector(".ball").focus(); });
    figure.insertBefore(button, figure.querySelector("details"));
  }

  // What is folded is printed too, but for the record itself.
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = all("figure details:not([open])");
    for (const one of opened) one.open = true;
  });
  addEventListener("afterprint", () => { for (const one of opened) one.open = false; });
})();
