"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const columns = data.columns;
  const count = columns.trial.length;
  const find = (id) => document.getElementById(id);
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

  // What each kind of trial looks like: told apart by symbol, and by colour besides.
  const KINDS = {
    stopped: { symbol: "x-thin-open", size: 6, colour: "muted", label: "stopped (score at its last rung)" },
    running: { symbol: "asterisk-open", size: 7, colour: "muted", label: "running" },
    interrupted: { symbol: "asterisk-open", size: 7, colour: "muted", label: "interrupted" },
    "one search score": { symbol: "circle", size: 5, colour: "faint", label: "one search score, no fresh seeds" },
    dominated: { symbol: "circle-open", size: 7, colour: "muted", label: "dominated" },
    failed: { symbol: "triangle-down-open", size: 8, colour: "contrast", label: "failed or infeasible: no score" },
    member: { symbol: "circle-open", size: 10, colour: "accent", label: "front by all objectives" },
    front: { symbol: "circle", size: 11, colour: "accent", label: "front" },
    baseline: { symbol: "diamond", size: 12, colour: "contrast", label: "baseline" },
    outside: { symbol: "diamond-open", size: 12, colour: "contrast", label: "baseline outside the constraints" },
  };
  const NAMED = new Set(["baseline", "outside"]); // whose names stand beside them
  const MANY = 3000; // points above which a trace is drawn by the graphics card
  const PAGE = 100; // rows of the table that are added at a time
  const kindOf = (row) => (columns.kind[row] === "infeasible" ? "failed" : columns.kind[row]);

  function compact(value) {
    if (value === null || value === undefined) return "";
    for (const [unit, scale] of [["G", 1e9], ["M", 1e6], ["k", 1e3]]) {
      if (Math.abs(value) >= scale) return `${+(value / scale).toPrecision(4)}${unit}`;
    }
    return `${+value.toPrecision(4)}`;
  }
  const score = (value) => (value === null || value === undefined ? "" : value.toFixed(4));
  const members = new Set(data.members);
  // A baseline that is on the front is both.
  const kindInWords = (row) =>
    (columns.kind[row] === "outside" ? KINDS.outside.label : columns.kind[row]) + (columns.kind[row] !== "front" && members.has(columns.trial[row]) ? ", front" : "");
  const LONG = 80; // letters of a reason that stand beside a point
  const shortened = (text) => (text.length > LONG ? `${text.slice(0, LONG)}…` : text);
  const named = (row) => columns.name[row] || `trial ${columns.trial[row]}`;
  const escaped = (text) => String(text).replace(/[&<>]/g, (letter) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[letter]);
  const valueOf = (name, row) => {
    const own = data.parameters[name];
    return own.codes[row] < 0 ? "" : own.values[own.codes[row]];
  };
  const names = Object.keys(data.parameters);
  const words = (row) =>
    names.filter((name) => data.parameters[name].codes[row] >= 0)
      .map((name) => `${name} ${valueOf(name, row)}`).join(", ");

  // --- the front -------------------------------------------------------------------------------
  const pinned = []; // rows, two at most

  function heights() {
    const known = columns.height.concat(columns.low).filter((y) => y !== null);
    const [low, high] = known.length ? [reduce(known, Math.min), reduce(known, Math.max)] : [0, 1];
    const floor = known.length ? low - 0.08 * (high - low || 0.1) : 0; // where failed trials are drawn: below all
    return (row) => (columns.height[row] === null ? floor : columns.height[row]);
  }

  function hover(row) {
    const low = columns.low[row];
    const lines = [`<b>${escaped(named(row))}</b> ${kindInWords(row)}`];
    if (columns.height[row] !== null) {
      lines.push(`${data.score} ${score(columns.height[row])}` + (low === null
        ? ` after epoch ${columns.epoch[row]}`
        : ` (${score(low)} to ${score(columns.high[row])}, ${columns.replicates[row]} seeds)`));
    }
    lines.push(data.costs.map((cost) => `${compact(columns[cost][row])} ${cost}`).join(", "));
    if (columns.reason[row]) lines.push(escaped(shortened(columns.reason[row])));
    return lines.concat(escaped(words(row)).split(", ")).join("<br>");
  }

  function traces(cost, by) {
    const height = heights();
    const front = new Set(data.fronts[cost]);
    const rows = Object.fromEntries(Object.keys(KINDS).map((kind) => [kind, []]));
    for (let row = 0; row < count; row++) {
      let kind = kindOf(row);
      if (kind === "front" && !front.has(columns.trial[row])) kind = "member";
      if (kind === "dominated" && front.has(columns.trial[row])) kind = "front";
      if (columns[cost][row] !== null && (columns.height[row] !== null || kind === "failed")) {
        rows[kind].push(row);
      }
    }
    const graphics = Object.values(rows).some((own) => own.length > MANY) && webgl();
    const dearest = reduce(columns[cost].map((x) => x ?? 0).concat(0), Math.max);
    let keyed = !by; // one trace has the key to the colours of all
    const found = Object.entries(KINDS).filter(([kind]) => rows[kind].length).map(([kind, look]) => {
      const own = rows[kind];
      const marker = { symbol: look.symbol, size: look.size, color: colour(look.colour), line: { width: 1.4, color: colour(look.colour) } };
      if (by && !NAMED.has(kind) && kind !== "failed") {
        const { codes, values } = data.parameters[by];
        const darkest = dark() ? (values.length + 1) / 2 : 0; // the dark third of the scale is not used on a dark page
        const scaled = { colorscale: "Viridis", cmin: -1 - darkest, cmax: values.length - 1 };
        marker.color = own.map((row) => codes[row]);
        marker.line = { width: 1.4, color: marker.color, ...scaled };
        Object.assign(marker, scaled, keyed ? {} : {
          showscale: true,
          colorbar: { title: { text: by }, tickvals: values.map((_, code) => code), ticktext: values.map(String), thickness: 12, outlinewidth: 0 },
        });
        keyed = true;
      }
      const fast = graphics && own.length > MANY;
      return {
        type: fast ? "scattergl" : "scatter", name: look.label, marker,
        mode: NAMED.has(kind) ? "markers+text" : "markers", textfont: { size: 11 },
        textposition: own.map((row) => `middle ${columns[cost][row] > dearest / 1.6 ? "left" : "right"}`),
        x: own.map((row) => columns[cost][row]), y: own.map(height), customdata: own,
        text: NAMED.has(kind) ? own.map((row) => escaped(columns.name[row])) : undefined,
        hovertext: own.map(hover), hovertemplate: "%{hovertext}<extra></extra>",
        // NaN draws nothing; a bar of length 0 would be drawn
        error_y: fast || !own.some((row) => columns.low[row] !== null) ? undefined : {
          array: own.map((row) => (columns.high[row] ?? NaN) - height(row)),
          arrayminus: own.map((row) => height(row) - (columns.low[row] ?? NaN)),
          thickness: 1.2, width: 3, color: colour(look.colour),
        },
      };
    });
    const reported = data.published.filter((own) => cost in own.costs);
    if (reported.length) {
      found.push({
        type: "scatter", mode: "markers", name: "published (test)", hovertemplate: "%{text}<extra></extra>",
        x: reported.map((own) => own.costs[cost]), y: reported.map((own) => own.score),
        text: reported.map((own) => `<b>${own.name}</b><br>${score(own.score)}, ${data.source}`),
        marker: { symbol: "star-open", size: 10, color: colour("ink"), line: { width: 1.2 } },
      });
    }
    const places = new Map(columns.trial.map((number, row) => [number, row]));
    const steps = data.fronts[cost].map((number) => places.get(number));
    if (steps.length) {
      found.push({
        type: "scatter", mode: "lines", hoverinfo: "skip", showlegend: false,
        line: { shape: "hv", width: 2, color: colour("accent") },
        x: steps.map((row) => columns[cost][row]), y: steps.map(height),
      });
    }
    if (pinned.length) {
      found.push({
        type: "scatter", mode: "markers", hoverinfo: "skip", showlegend: false, x: pinned.map((row) => columns[cost][row]),
        y: pinned.map(height), marker: { symbol: "circle-open", size: 20, line: { width: 2, color: colour("ink") }, color: colour("ink") },
      });
    }
    return found;
  }

  const dark = () => matchMedia("(prefers-color-scheme: dark)").matches;

  function webgl() {
    try { return !!document.createElement("canvas").getContext("webgl"); } catch { return false; }
  }

  function look(layout) {
    const found = { ...layout, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)" };
    found.font = { family: "system-ui, sans-serif", size: 13, color: colour("ink") };
    found.modebar = { bgcolor: "rgba(0,0,0,0)", color: colour("muted"), activecolor: colour("accent") };
    found.hoverlabel = { align: "left", bgcolor: colour("panel"), bordercolor: colour("rule"), font: { color: colour("ink") } };
    delete found.template;
    for (const key of Object.keys({ xaxis: 0, yaxis: 0, ...found })) {
      if (/^[xy]axis/.test(key)) {
        found[key] = { ...found[key], automargin: true, gridcolor: colour("grid"), linecolor: colour("muted"), zerolinecolor: colour("grid"), tickcolor: colour("muted") };
      }
    }
    return found;
  }

  // Ticks of a log axis at round numbers, few enough to be read.
  function scale(cost) {
    if (find("axis").value === "linear") return { type: "linear", exponentformat: "SI", nticks: 8 };
    const known = columns[cost].filter((x) => x !== null && x > 0);
    if (!known.length) return { type: "log" };
    const [low, high] = [reduce(known, Math.min) * 0.95, reduce(known, Math.max) * 1.05];
    for (const steps of [[1, 1.5, 2, 3, 4, 5, 7], [1, 2, 5], [1, 3], [1]]) {
      const at = [];
      for (let power = -9; power < 15; power++) at.push(...steps.map((step) => step * 10 ** power));
      const within = at.filter((x) => x >= low && x <= high);
      if (within.length > 1 && within.length <= (window.innerWidth < 700 ? 6 : 12)) {
        return { type: "log", tickvals: within, ticktext: within.map(compact) };
      }
    }
    return { type: "log", exponentformat: "SI" }; // a narrow range has no round number
  }
  const reduce = (values, choose) => values.reduce((a, b) => choose(a, b));

  const settings = { responsive: true, displaylogo: false, modeBarButtonsToRemove: ["select2d", "lasso2d", "sendChartToCloud"] };

  function drawFront() {
    const cost = find("cost").value;
    const layout = look({
      margin: { l: 30, r: 10, t: 36, b: 30 }, hovermode: "closest", showlegend: true,
      legend: { orientation: "h", y: window.innerWidth < 700 ? -0.22 : -0.15 }, // below: buttons are above
      xaxis: { title: { text: cost }, showline: true, ticks: "outside", ...scale(cost) },
      yaxis: { title: { text: data.score }, showline: true, ticks: "outside", ...(columns.height.some((y) => y !== null) ? {} : { range: [-0.1, 1] }) },
    });
    return Plotly.react("pareto", traces(cost, find("colour").value), layout, settings);
  }

  // Scores beside the one that counts; with fresh seeds they are still of the first seed alone.
  const rest = data.scores.filter((name) => name !== data.main);
  const inWords = (name) => (columns.low.some((y) => y !== null) ? `${name}, first seed` : name);

  // Pinned trials stand beside each other; what differs between two is marked.
  function showPinned() {
    const facts = (row) => [
      ["", named(row)], ["is", kindInWords(row)], [data.score, score(columns.height[row])],
      ["95% interval", columns.low[row] === null ? "" : `${score(columns.low[row])} to ${score(columns.high[row])}`],
      ...rest.map((name) => [inWords(name), score(columns[name][row])]),
      ...data.costs.map((cost) => [cost, compact(columns[cost][row])]),
      ["epochs", columns.epoch[row]], ...names.map((name) => [name, valueOf(name, row)]),
      ["reason", columns.reason[row]],
    ];
    const box = find("pinned");
    box.replaceChildren();
    if (!pinned.length) {
      box.append(Object.assign(document.createElement("p"), { className: "quiet", textContent: "Click a point to pin it here, and a second one to compare the two." }));
      return;
    }
    const table = document.createElement("table");
    const all = pinned.map(facts);
    all[0].forEach(([name], place) => {
      const values = all.map((own) => String(own[place][1] ?? ""));
      if (values.every((value) => value === "")) return;
      const line = table.insertRow();
      line.append(Object.assign(document.createElement("th"), { textContent: name }));
      for (const value of values) line.insertCell().textContent = value;
      if (place && values.length === 2 && values[0] !== values[1]) line.className = "differs";
    });
    const clear = Object.assign(document.createElement("button"), { textContent: "clear", type: "button" });
    clear.onclick = () => { pinned.length = 0; changed(); };
    box.append(table, clear);
  }

  function pin(row) {
    const place = pinned.indexOf(row);
    if (place >= 0) pinned.splice(place, 1);
    else { if (pinned.length === 2) pinned.shift(); pinned.push(row); }
    changed();
  }

  function changed() { showPinned(); markRows(); drawFront(); }

  // --- tables ----------------------------------------------------------------------------------
  function sortable(table) {
    table.querySelectorAll("thead th").forEach((head, place) => {
      const sort = () => {
        const up = head.getAttribute("aria-sort") === "descending" || !head.hasAttribute("aria-sort");
        for (const other of head.parentNode.children) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        const rows = [...table.tBodies[0].rows];
        rows.sort((a, b) => compare(a.cells[place].dataset.value, b.cells[place].dataset.value) * (up ? 1 : -1));
        table.tBodies[0].append(...rows);
      };
      head.onclick = sort;
      head.onkeydown = (event) => { if (event.key === "Enter") sort(); };
    });
  }

  function compare(a, b) {
    const [x, y] = [Number(a), Number(b)];
    return Number.isNaN(x) || Number.isNaN(y) ? String(a).localeCompare(String(b)) : x - y;
  }

  const reason = (row) => columns.reason[row];
  const heads = [
    ["trial", (row) => columns.trial[row], true], ["is", kindInWords],
    ["epoch", (row) => columns.epoch[row], true], [data.score, (row) => columns.height[row], true, score],
    ["±", (row) => (columns.low[row] === null ? null : Math.max(columns.high[row] - columns.height[row], columns.height[row] - columns.low[row])), true, score],
    ["seeds", (row) => columns.replicates[row], true, (n) => n || ""],
    ...rest.map((name) => [inWords(name), (row) => columns[name][row], true, score]),
    ...data.costs.map((cost) => [cost, (row) => columns[cost][row], true, compact]),
    ...names.map((name) => [name, (row) => valueOf(name, row)]),
    ["seconds", (row) => columns.seconds[row], true], ["key", (row) => columns.key[row]],
    ["reason", reason],
  ];
  let order = [...Array(count).keys()];
  let shown = PAGE;
  let sorting = [0, 1];

  function drawTable() {
    const body = find("table").tBodies[0];
    body.replaceChildren();
    for (const row of order.slice(0, shown)) {
      const line = body.insertRow();
      line.dataset.row = row;
      line.tabIndex = 0;
      for (const [, value, number, form] of heads) {
        const cell = line.insertCell();
        const own = value(row);
        cell.textContent = own === null ? "" : form ? form(own) : own;
        if (number) cell.className = "number";
        if (value === reason) cell.className = "text";
      }
    }
    find("count").textContent = `${order.length.toLocaleString("en")} of ${count.toLocaleString("en")}`;
    find("more").hidden = shown >= order.length;
    markRows();
  }

  function markRows() {
    for (const line of find("table").tBodies[0].rows) {
      line.classList.toggle("picked", pinned.includes(Number(line.dataset.row)));
    }
  }

  // "streams 3" is that parameter's value, "trial 7" a number; what is left are words of any column.
  function conditions(text) {
    const pairs = [];
    let left = ` ${text.toLowerCase()} `;
    for (const name of ["trial", ...names].sort((a, b) => b.length - a.length)) {
      const plain = name.toLowerCase().replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
      left = left.replace(new RegExp(`(?<=[\\s,])${plain}[\\s=:]+([^\\s,]+)(?=[\\s,])`, "g"), (_, value) => {
        pairs.push([name, value]);
        return " ";
      });
    }
    return { pairs, wanted: left.split(/[\s,]+/).filter(Boolean) };
  }

  // A number is one as a whole, a word may be begun.
  function isOf(row, name, value) {
    const own = String(name === "trial" ? columns.trial[row] : valueOf(name, row)).toLowerCase();
    return own === value || (Number.isNaN(Number(value)) && own.startsWith(value));
  }

  function arrange() {
    const { pairs, wanted } = conditions(find("filter").value);
    const text = (row) => `trial ${columns.trial[row]} ${named(row)} ${kindInWords(row)} ${reason(row)} ${words(row)}`.toLowerCase();
    // A number is one as a whole; a key is meant by how it begins, from four letters on.
    const has = (row, own, word) => (word.length > 3 && columns.key[row].startsWith(word))
      || (/^\d+$/.test(word) ? own.split(/[\s,]+/).includes(word) : own.includes(word));
    order = [...Array(count).keys()];
    if (wanted.length || pairs.length) {
      order = order.filter((row) => {
        const own = text(row);
        return wanted.every((word) => has(row, own, word)) && pairs.every(([name, value]) => isOf(row, name, value));
      });
    }
    const [place, sign] = sorting;
    const value = heads[place][1];
    const known = order.filter((row) => value(row) !== null && value(row) !== "");
    const rest = order.filter((row) => value(row) === null || value(row) === "");
    known.sort((a, b) => compare(value(a), value(b)) * sign || a - b);
    order = known.concat(rest);
    shown = PAGE;
    drawTable();
  }

  function makeTable() {
    const line = find("table").tHead.insertRow();
    heads.forEach(([name], place) => {
      const head = Object.assign(document.createElement("th"), { textContent: name, tabIndex: 0 });
      const sort = () => {
        sorting = [place, sorting[0] === place ? -sorting[1] : 1];
        for (const other of line.children) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", sorting[1] > 0 ? "ascending" : "descending");
        arrange();
      };
      head.onclick = sort;
      head.onkeydown = (event) => { if (event.key === "Enter") sort(); };
      line.append(head);
    });
    find("table").tBodies[0].onclick = (event) => {
      const row = event.target.closest("tr");
      if (row) pin(Number(row.dataset.row));
    };
    find("table").tBodies[0].onkeydown = (event) => {
      if (event.key === "Enter" && event.target.dataset.row) pin(Number(event.target.dataset.row));
    };
  }

  // --- the other figures ------------------------------------------------------------------------
  function drawFigures() {
    return [...document.querySelectorAll(".chart[data-figure]")].map((chart) => {
      const { data: own, layout } = data.figures[chart.dataset.figure];
      const shown = own.map((trace) => recoloured(trace));
      const keyed = own.length > 1 && layout.showlegend !== false;
      const margin = { l: 30, r: layout.margin.r > 100 ? layout.margin.r : 10, t: 20, b: keyed ? 90 : 30 };
      return Plotly.react(chart, shown, look({ ...layout, margin }), { ...settings, displayModeBar: false });
    });
  }

  // Figures come in the colours of the light page.
  function recoloured(trace) {
    const now = {
      "#0b6e99": colour("accent"), "#9aa5ab": colour("muted"), "#b5541c": colour("contrast"),
      "#1f2428": colour("ink"), "#ffffff": colour("paper"),
    };
    const accent = colour("accent").match(/[0-9a-f]{2}/gi).map((pair) => parseInt(pair, 16));
    const shade = /^rgba\(11, 110, 153, ([\d.]+)\)$/;
    return JSON.parse(JSON.stringify(trace), (key, value) => {
      const share = shade.exec(value)?.[1];
      return share ? `rgba(${accent.join(", ")}, ${share})` : now[value] ?? value;
    });
  }

  function copy(event) {
    const button = event.target.closest(".copy");
    if (!button) return;
    const text = button.dataset.copy;
    const done = () => {
      button.dataset.label ??= button.textContent;
      button.textContent = "copied";
      setTimeout(() => { button.textContent = button.dataset.label; }, 1200);
    };
    const byHand = () => {
      const area = Object.assign(document.createElement("textarea"), { value: text });
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
      done();
    };
    if (navigator.clipboard) navigator.clipboard.writeText(text).then(done, byHand);
    else byHand();
  }

  // --- begin ------------------------------------------------------------------------------------
  for (const cost of data.costs) find("cost").append(new Option(cost, cost, cost === data.cost, cost === data.cost));
  find("colour").append(new Option("by kind", ""));
  for (const name of names) find("colour").append(new Option(name, name));
  find("controls").onchange = drawFront;
  for (const form of document.forms) form.onsubmit = (event) => event.preventDefault();
  find("filter").oninput = arrange;
  find("more").onclick = () => { shown += 10 * PAGE; drawTable(); };
  document.addEventListener("click", copy);
  document.querySelectorAll("table.sortable").forEach(sortable);
  makeTable();
  arrange();
  showPinned();
  Promise.all([drawFront(), ...drawFigures()]).then(([plot]) => {
    plot.on("plotly_click", (event) => {
      const row = event.points[0].customdata;
      if (row !== undefined) pin(row);
    });
    document.body.dataset.ready = "yes";
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { drawFront(); drawFigures(); });
})();
