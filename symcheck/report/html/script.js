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

  // A rotation is a point of a ball of radius pi: its axis times its angle. Dots are proper, crosses improper ones.
  const ball = (figure) => {
    const points = all("tbody tr", figure).map((row) => ({
      at: [0, 1, 2].map((i) => parseFloat(row.cells[i].textContent)),
      mirrored: row.cells[3].textContent === "improper",
      shade: row.className,
    }));
    const svg = document.createElementNS(NS, "svg");
    figure.insertBefore(svg, figure.querySelector("details"));
    const attributes = { class: "chart turn", viewBox: "0 0 300 250", tabindex: "0", role: "img" };
    for (const [key, value] of Object.entries(attributes)) svg.setAttribute(key, value);
    svg.setAttribute("aria-label", "The same elements in a ball, each at its axis times its angle. Turn it with the arrow keys or the mouse.");
    let yaw = 0.6;
    let pitch = 0.4;
    const turned = ([x, y, z]) => {
      const u = x * Math.cos(yaw) - y * Math.sin(yaw);
      const v = x * Math.sin(yaw) + y * Math.cos(yaw);
      return [150 + 33 * u, 125 - 33 * (z * Math.cos(pitch) - v * Math.sin(pitch)), v * Math.cos(pitch) + z * Math.sin(pitch)];
    };
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
    const turn = (across, up) => { yaw += across; pitch = Math.max(-1.5, Math.min(1.5, pitch + up)); draw(); };
    const keys = { ArrowLeft: [-0.15, 0], ArrowRight: [0.15, 0], ArrowUp: [0, 0.15], ArrowDown: [0, -0.15] };
    svg.addEventListener("keydown", (event) => {
      if (event.key in keys) { event.preventDefault(); turn(...keys[event.key]); }
    });
    svg.addEventListener("pointerdown", (event) => svg.setPointerCapture(event.pointerId));
    svg.addEventListener("pointermove", (event) => {
      if (event.buttons) turn(event.movementX / 90, event.movementY / 90);
    });
    draw();
  };
  for (const figure of all("[data-turns]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Turn in space";
    button.addEventListener("click", () => { button.remove(); ball(figure); figure.querySelector(".turn").focus(); });
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
