// Single samples: a list that can be filtered, and one sample in full. Text from the data is only ever set as text.
(() => {
  const host = document.getElementById("drill");
  if (!host) return;
  const data = read("drill");
  const picture = (uri, alt) => (uri.startsWith("data:image/") ? make("img", { src: uri, alt, loading: "lazy", decoding: "async" }) : "");
  const grade = (value) => (value === null ? "unknown" : value >= 0.5 ? "right" : "wrong");
  const mark = (value) => (value === null ? "?" : value >= 0.5 ? "✓" : "✗");
  const badge = (value, text) => make("span", { class: `grade ${grade(value)}` }, text ?? `${mark(value)} ${grade(value)}`);

  const select = (label, options) => {
    const box = make("select", {}, ...options.map(([value, text]) => make("option", { value }, text)));
    return [box, make("label", {}, make("span", {}, label), box)];
  };
  const unique = (key) => [...new Set(data.samples.map((s) => s[key]))].sort().map((v) => [v, v]);
  const [router, routerLabel] = select("router", data.routers.map((r, k) => [String(k), r.name]));
  const [outcome, outcomeLabel] = select("it was", [["", "right or wrong"], ["right", "right"], ["wrong", "wrong"]]);
  const [dataset, datasetLabel] = select("dataset", [["", "all datasets"], ...unique("dataset")]);
  const [why, whyLabel] = select("picked because", [["", "any reason"], ...unique("why")]);
  const count = make("p", { class: "count", "aria-live": "polite" });
  const list = make("div", { class: "cards" });
  const detail = make("div", { class: "detail", tabindex: "-1" });
  host.append(make("div", { class: "filters" }, routerLabel, outcomeLabel, datasetLabel, whyLabel), count, make("div", { class: "split" }, list, detail));
  let open = null;

  const chosenBy = (sample) => sample.quality[sample.chosen[+router.value]];
  const card = (sample) => {
    const value = chosenBy(sample);
    const button = make("button", { type: "button", class: "card", "aria-pressed": String(sample === open), "aria-label": `${sample.id}, ${grade(value)}` });
    button.append(sample.pictures.length ? picture(sample.pictures[0], "") : make("span", { class: "blank" }, "no picture"), make("span", { class: `flag ${grade(value)}`, "aria-hidden": "true" }, mark(value)));
    button.addEventListener("click", () => {
      open = sample;
      [...list.children].forEach((other) => other.setAttribute("aria-pressed", String(other === button)));
      full(sample);
      if (innerWidth < 900) detail.scrollIntoView({ block: "nearest" });
    });
    return button;
  };

  const full = (sample) => {
    const solved = sample.quality.filter((q) => q !== null && q >= 0.5).length;
    const order = data.models.map((_, k) => k).sort((a, b) => (sample.cost[a] ?? Infinity) - (sample.cost[b] ?? Infinity));
    const oracle = order.find((k) => sample.quality[k] !== null && sample.quality[k] >= 0.5);
    const rows = order.map((k) => {
      const by = data.routers.map((r, j) => [r, sample.chosen[j]]).filter(([, model]) => model === k);
      const chips = by.map(([r]) => make("span", { class: "chip", style: `--own:var(--${r.colour})` }, r.name));
      if (k === data.best) chips.push(make("span", { class: "chip plain" }, "best single"));
      if (k === oracle) chips.push(make("span", { class: "chip plain" }, "oracle"));
      const value = sample.quality[k];
      const partial = value !== null && value > 0 && value < 1 ? ` ${value.toFixed(2)}` : "";
      return make("tr", by.length ? { class: "chosen" } : {}, make("th", { scope: "row" }, data.models[k]), make("td", {}, badge(value, `${mark(value)} ${grade(value)}${partial}`)), make("td", {}, dollars(sample.cost[k])), make("td", { class: "by" }, ...chips));
    });
    const head = make("thead", {}, make("tr", {}, ...["model", "grade", "$/1k", "chosen by"].map((t) => make("th", { scope: "col" }, t))));
    const table = make("div", { class: "scroll" }, make("table", {}, head, make("tbody", {}, ...rows)));
    const pictures = make("div", { class: "pictures" }, ...sample.pictures.map((uri, k) => picture(uri, `picture ${k + 1} of sample ${sample.id}`)));
    const notes = [sample.note, sample.cut ? `prompt cut off: ${sample.cut.toLocaleString("en-US")} more characters` : ""].filter(Boolean);
    detail.replaceChildren(
      make("h3", {}, sample.id),
      make("p", { class: "meta" }, `${solved} of ${data.models.length} models solve it · picked: ${sample.why}`),
      pictures,
      make("pre", { class: "prompt" }, sample.prompt),
      ...notes.map((note) => make("p", { class: "meta" }, note)),
      table
    );
    markScrollable();
  };

  const filter = () => {
    const kept = data.samples.filter((s) => (!dataset.value || s.dataset === dataset.value) && (!why.value || s.why === why.value) && (!outcome.value || grade(chosenBy(s)) === outcome.value));
    count.textContent = `${kept.length} of ${data.samples.length} samples`;
    if (!kept.includes(open)) open = kept[0] ?? null;
    list.replaceChildren(...kept.map(card));
    if (open) full(open);
    else detail.replaceChildren(make("p", { class: "absent" }, "No sample fits these filters."));
  };
  [router, outcome, dataset, why].forEach((box) => box.addEventListener("change", filter));
  filter();
})();
