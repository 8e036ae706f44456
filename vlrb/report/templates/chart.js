// Charts: points and lines with axes, a legend that hides and shows, and a reading of the point in focus.
(() => {
  const NS = "http://www.w3.org/2000/svg";
  const svg = (tag, attributes = {}, text) => {
    const element = document.createElementNS(NS, tag);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    if (text !== undefined) element.textContent = text;
    return element;
  };
  const linesOf = (series) => series.lines ?? (series.line ? [series.line] : []);
  const paint = (name) => `var(--${name})`;
  const short = (value) => `$${+value.toPrecision(3)}`;

  const linearTicks = (low, high, most) => {
    const raw = (high - low) / most;
    const power = 10 ** Math.floor(Math.log10(raw));
    const step = power * ([1, 2, 2.5, 5, 10].find((k) => k * power >= raw) ?? 10);
    const ticks = [];
    for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) ticks.push(+(k * step).toPrecision(12));
    return ticks;
  };
  const logTicks = (low, high, most) => {
    for (const steps of [[1], [1, 3], [1, 2, 5], [1, 1.5, 2, 3, 4, 5, 7], [1, 1.2, 1.4, 1.6, 1.8, 2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9]]) {
      const ticks = [];
      for (let e = Math.floor(Math.log10(low)); e <= Math.ceil(Math.log10(high)); e++)
        for (const step of steps) {
          const tick = step * 10 ** e;
          if (tick >= low && tick <= high) ticks.push(tick);
        }
      if (ticks.length >= Math.min(4, most)) return ticks.filter((_, k) => k % Math.ceil(ticks.length / most) === 0);
    }
    return linearTicks(low, high, most);
  };
  // Map data to pixels along one axis.
  const scale = (axis, values, from, to) => {
    const known = values.filter((v) => v !== null && Number.isFinite(v) && (!axis.log || v > 0));
    let low = axis.min ?? Math.min(...known);
    let high = axis.max ?? Math.max(...known);
    if (!known.length && axis.min === undefined) [low, high] = axis.log ? [0.1, 1] : [0, 1];
    const f = axis.log ? Math.log10 : (v) => v;
    if (axis.ticks) [low, high] = [-0.4, axis.ticks.length - 0.6];
    let [a, b] = [f(low), f(high)];
    if (axis.min === undefined && !axis.ticks) {
      const pad = Math.max((b - a) * 0.07, axis.log ? 0.03 : 0.01);
      [a, b] = [a - pad, b + pad];
    } else if (!axis.ticks) {
      const pad = (b - a) * 0.02;
      [a, b] = [a - pad, b + pad];
    }
    const at = (v) => from + ((f(v) - a) / (b - a)) * (to - from);
    return { at, low: axis.log ? 10 ** a : a, high: axis.log ? 10 ** b : b };
  };

  const marker = (shape, x, y, r, colour, hollow) => {
    const fill = hollow ? "var(--paper)" : colour;
    const common = { fill, stroke: hollow ? colour : "var(--paper)", "stroke-width": hollow ? 1.5 : 1 };
    if (shape === "square") return svg("rect", { x: x - r * 0.9, y: y - r * 0.9, width: r * 1.8, height: r * 1.8, ...common });
    if (shape === "triangle") return svg("path", { d: `M${x} ${y - r * 1.15}L${x + r * 1.1} ${y + r * 0.85}H${x - r * 1.1}Z`, ...common });
    if (shape === "diamond") return svg("path", { d: `M${x} ${y - r * 1.2}L${x + r * 1.2} ${y}L${x} ${y + r * 1.2}L${x - r * 1.2} ${y}Z`, ...common });
    return svg("circle", { cx: x, cy: y, r, ...common });
  };

  const contour = (bounds, s, cost) => {
    const k = Math.log2(bounds.cmax / cost) / Math.log2(bounds.cmax / bounds.cmin);
    const cheapness = Math.min(1, Math.max(0, k));
    const below = (1 + bounds.beta) * cheapness - s * bounds.beta;
    return below > 0 ? (s * cheapness) / below : NaN;
  };

  class Chart {
    constructor(host) {
      this.host = host;
      this.spec = read(host.dataset.chart);
      this.views = this.spec.views ?? [this.spec];
      this.view = this.views[0];
      this.hidden = new Set(this.view.series.filter((s) => s.off).map((s) => s.name));
      this.shown = [];
      this.place = -1;
      if (this.spec.title) host.append(make("h3", {}, this.spec.title));
      if (this.views.length > 1) host.append(this.switch());
      this.box = make("div", { class: "plot" });
      this.reading = make("div", { class: "reading", hidden: "" });
      this.legend = make("div", { class: "legend", role: "group", "aria-label": "series" });
      this.spoken = make("div", { class: "sr", "aria-live": "polite" });
      host.append(this.box, this.legend, this.spoken);
      this.width = 0;
      const resize = () => {
        const width = Math.floor(this.box.clientWidth);
        if (width && Math.abs(width - this.width) > 1) {
          this.width = width;
          this.draw();
        }
      };
      new ResizeObserver(() => requestAnimationFrame(resize)).observe(this.box);
      resize();
      this.drawLegend();
    }

    switch() {
      const group = make("div", { class: "segments", role: "group", "aria-label": "figures" });
      this.views.forEach((view, k) => {
        const button = make("button", { type: "button", "aria-pressed": String(k === 0) }, view.name);
        button.addEventListener("click", () => {
          this.view = view;
          [...group.children].forEach((other) => other.setAttribute("aria-pressed", String(other === button)));
          this.draw();
          this.drawLegend();
        });
        group.append(button);
      });
      return group;
    }

    drawLegend() {
      const entries = this.view.series.map((series) => {
        const button = make("button", { type: "button", "aria-pressed": String(!this.hidden.has(series.name)) });
        const key = svg("svg", { viewBox: "0 0 18 12", width: 18, height: 12, "aria-hidden": "true" });
        if (linesOf(series).some((line) => line.length > 1))
          key.append(svg("line", { x1: 0, x2: 18, y1: 6, y2: 6, stroke: paint(series.colour), "stroke-width": 1.6, "stroke-dasharray": series.dash ? "4 3" : "none" }));
        if (series.points.length && series.dots !== false) key.append(marker(series.shape, 9, 6, 4.2, paint(series.colour), series.shape === "ring"));
        button.append(key, series.name);
        button.addEventListener("click", () => {
          if (!this.hidden.delete(series.name)) this.hidden.add(series.name);
          button.setAttribute("aria-pressed", String(!this.hidden.has(series.name)));
          this.draw();
        });
        return button;
      });
      this.legend.replaceChildren(...entries);
    }

    draw() {
      const { view, width } = this;
      const plane = this.spec.kind === "plane";
      const height = plane ? Math.round(Math.min(520, Math.max(330, width * 0.52))) : Math.round(Math.min(400, Math.max(230, width * 0.66)));
      const margin = { left: view.y.money ? 52 : 44, right: 12, top: 10, bottom: 40 };
      const series = view.series.filter((s) => !this.hidden.has(s.name));
      const all = view.series.flatMap((s) => [...s.points.map((p) => [p.x, p.y]), ...linesOf(s).flat()]);
      const x = scale(view.x, all.map((p) => p[0]), margin.left, width - margin.right);
      const y = scale(view.y, all.map((p) => p[1]), height - margin.bottom, margin.top);
      const root = svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, tabindex: 0, role: "img", "aria-label": `${this.host.dataset.label}; arrow keys read the points` });
      this.axes(root, view, x, y, width, height, margin);
      if (plane && this.spec.bounds) this.contours(root, x, y, width, margin);
      if (view.diagonal) root.append(svg("line", { x1: x.at(0), y1: y.at(0), x2: x.at(1), y2: y.at(1), class: "guide" }));
      for (const [place, share] of view.bars ?? []) {
        const room = (x.at(1) - x.at(0)) * 0.7;
        const tall = share * (height - margin.top - margin.bottom) * 0.3;
        root.append(svg("rect", { x: x.at(place) - room / 2, y: height - margin.bottom - tall, width: room, height: tall, class: "hist" }));
      }
      this.shown = [];
      for (const s of series)
        for (const line of linesOf(s)) {
        const at = line.filter((p) => p[1] !== null).map(([a, b]) => `${x.at(a).toFixed(1)} ${y.at(b).toFixed(1)}`);
        if (at.length > 1) root.append(svg("path", { d: `M${at.join("L")}`, class: "line", stroke: paint(s.colour), "stroke-dasharray": s.dash ? "6 4" : "none" }));
      }
      for (const s of series)
        for (const point of s.points) {
          if (point.y === null || point.x === null) continue;
          const [px, py] = [x.at(point.x), y.at(point.y)];
          const r = plane ? (point.kind === "router" ? 6 : point.kind.startsWith("tried") ? 3 : s.shape === "ring" ? 3.4 : 5) : 3.6;
          if (s.dots !== false) root.append(marker(s.shape, px, py, r, paint(s.colour), s.shape === "ring"));
          this.shown.push({ point, series: s, px, py, r });
        }
      if (plane) this.names(root, width, height, margin);
      this.ring = svg("circle", { r: 10, class: "ring", visibility: "hidden" });
      root.append(this.ring);
      this.listen(root);
      this.box.replaceChildren(root, this.reading);
      this.reading.hidden = true;
    }

    axes(root, view, x, y, width, height, margin) {
      const bottom = height - margin.bottom;
      const fit = Math.max(2, Math.floor((width - margin.left - margin.right) / 68));
      const xTicks = view.x.ticks ? view.x.ticks.map((_, k) => k) : view.x.log ? logTicks(x.low, x.high, fit) : linearTicks(x.low, x.high, fit);
      const every = view.x.ticks ? Math.ceil((xTicks.length * 30) / (width - margin.left - margin.right)) : 1;
      xTicks.forEach((tick, k) => {
        const at = x.at(tick);
        if (!view.x.ticks) root.append(svg("line", { x1: at, x2: at, y1: margin.top, y2: bottom, class: "grid" }));
        const text = view.x.ticks ? view.x.ticks[tick] : view.x.log ? short(tick) : String(tick);
        if (k % every === 0) root.append(svg("text", { x: at, y: bottom + 16, "text-anchor": "middle", class: "tick" }, text));
      });
      const yTicks = view.y.log ? logTicks(y.low, y.high, 6) : linearTicks(y.low, y.high, 6);
      for (const tick of yTicks) {
        const at = y.at(tick);
        root.append(svg("line", { x1: margin.left, x2: width - margin.right, y1: at, y2: at, class: "grid" }));
        root.append(svg("text", { x: margin.left - 7, y: at + 4, "text-anchor": "end", class: "tick" }, view.y.money ? short(tick) : String(tick)));
      }
      root.append(svg("line", { x1: margin.left, x2: width - margin.right, y1: bottom, y2: bottom, class: "axis" }));
      root.append(svg("text", { x: (margin.left + width - margin.right) / 2, y: height - 5, "text-anchor": "middle", class: "label" }, view.x.label));
      if (view.y.label) root.append(svg("text", { x: margin.left + 6, y: margin.top + 10, class: "label" }, `↑ ${view.y.label}`));
    }

    contours(root, x, y, width, margin) {
      for (let s = 1; s < 10; s++) {
        const places = [];
        for (let k = 0; k <= 120; k++) {
          const cost = x.low * (x.high / x.low) ** (k / 120);
          const accuracy = contour(this.spec.bounds, s / 10, cost);
          if (accuracy >= y.low && accuracy <= Math.min(1, y.high)) places.push([x.at(cost), y.at(accuracy)]);
        }
        if (places.length < 8) continue;
        root.append(svg("path", { d: `M${places.map((p) => `${p[0].toFixed(1)} ${p[1].toFixed(1)}`).join("L")}`, class: "contour" }));
        const [cx, cy] = places[0];
        if (cy > margin.top + 26) root.append(svg("text", { x: cx + 3, y: cy - 3, class: "tick" }, `S ${s / 10}`));
      }
    }

    // Names beside points, where they cover nothing; the others are read by pointing.
    names(root, width, height, margin) {
      const taken = this.shown.map(({ px, py, r }) => [px - r, py - r, px + r, py + r]);
      const free = (box) => box[0] >= margin.left && box[2] <= width - 2 && box[1] >= margin.top && box[3] <= height - margin.bottom && taken.every((t) => box[2] < t[0] || box[0] > t[2] || box[3] < t[1] || box[1] > t[3]);
      const weight = (entry) => (entry.point.kind === "router" ? 0 : entry.series.shape === "ring" ? 2 : 1);
      const small = width < 520;
      for (const entry of [...this.shown].sort((a, b) => weight(a) - weight(b))) {
        if (!entry.point.label || (small && weight(entry) === 2)) continue;
        const router = weight(entry) === 0;
        const text = router ? entry.series.name : entry.point.name.split(" = ").at(small ? -1 : 0);
        const long = text.length * (router ? 7 : 6.1);
        const { px, py, r } = entry;
        const gap = r + 4;
        const boxes = [[px + gap, py - 7, px + gap + long, py + 7], [px - gap - long, py - 7, px - gap, py + 7], [px - long / 2, py - gap - 13, px + long / 2, py - gap + 1], [px - long / 2, py + gap - 1, px + long / 2, py + gap + 13], [px + gap - 2, py - 19, px + gap - 2 + long, py - 5], [px + gap - 2, py + 5, px + gap - 2 + long, py + 19], [px - gap + 2 - long, py - 19, px - gap + 2, py - 5], [px - gap + 2 - long, py + 5, px - gap + 2, py + 19]];
        const box = boxes.find(free);
        if (!box) continue;
        taken.push(box);
        const colour = router ? paint(entry.series.colour) : weight(entry) === 2 ? "var(--muted)" : "var(--ink)";
        root.append(svg("text", { x: box[0], y: box[1] + 11, class: router ? "name router" : "name", fill: colour }, text));
      }
    }

    listen(root) {
      root.addEventListener("pointermove", (event) => {
        const frame = root.getBoundingClientRect();
        const [mx, my] = [event.clientX - frame.left, event.clientY - frame.top];
        let best = -1;
        let reach = 28;
        this.shown.forEach((entry, k) => {
          const distance = Math.hypot(entry.px - mx, entry.py - my);
          if (distance < reach) [best, reach] = [k, distance];
        });
        this.show(best, false);
      });
      root.addEventListener("pointerleave", () => this.show(-1, false));
      root.addEventListener("blur", () => this.show(-1, false));
      root.addEventListener("focus", () => {
        if (root.matches(":focus-visible")) this.show(Math.max(0, this.place), true);
      });
      root.addEventListener("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
        if (!step || !this.shown.length) return;
        event.preventDefault();
        this.show((this.place + step + this.shown.length) % this.shown.length, true);
      });
    }

    show(place, aloud) {
      const entry = this.shown[place];
      this.ring.setAttribute("visibility", entry ? "visible" : "hidden");
      this.reading.hidden = !entry;
      if (!entry) return;
      this.place = place;
      const { point, series, px, py } = entry;
      this.ring.setAttribute("cx", px);
      this.ring.setAttribute("cy", py);
      const view = this.view;
      const figures = this.spec.kind === "plane" ? `${view.y.label} ${point.y.toFixed(3)} at ${dollars(point.x)}/1k` : `${view.y.money ? dollars(point.y) : point.y.toFixed(3)}${view.x.ticks ? "" : ` at ${point.x.toFixed(2)}`}`;
      const swatch = make("i", { style: `background:var(--${series.colour})`, "aria-hidden": "true" });
      this.reading.replaceChildren(make("b", {}, swatch, point.name), make("span", {}, figures), make("small", {}, point.kind ?? ""));
      const half = this.reading.offsetWidth / 2;
      this.reading.style.left = `${Math.min(Math.max(px, half + 2), this.width - half - 2)}px`;
      const above = py > this.reading.offsetHeight + 18;
      this.reading.style.top = above ? `${py - this.reading.offsetHeight - 14}px` : `${py + 14}px`;
      if (aloud) this.spoken.textContent = `${point.name}, ${point.kind ?? ""}: ${figures}`;
    }
  }
  document.querySelectorAll(".chart").forEach((host) => new Chart(host));
})();
