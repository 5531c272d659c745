// What a user does with the page, with real mouse events; what came of it is told in #told.
(async () => {
  const told = {};
  const pause = (ms) => new Promise((done) => setTimeout(done, ms));
  const at = (element) => {
    const box = element.getBoundingClientRect();
    return { clientX: box.x + box.width / 2, clientY: box.y + box.height / 2, bubbles: true };
  };
  const text = (selector) => document.querySelector(selector)?.textContent ?? null;
  const cell = () => document.querySelector("#table tbody tr td:nth-child(4)").textContent;
  try {
    while (document.body.dataset.ready !== "yes") await pause(50);
    const plot = document.getElementById("pareto");
    plot.scrollIntoView();
    told.points = document.querySelectorAll("#pareto .scatterlayer .point").length;
    told.charts = [...document.querySelectorAll(".chart")].map((own) => !!own.querySelector(".point, .js-line"));
    const layer = document.querySelector("#pareto .nsewdrag");
    const front = plot.data.findIndex((trace) => trace.name === "front");
    const dots = () =>
      document.querySelectorAll("#pareto .scatterlayer .trace")[front].querySelectorAll(".point");
    const visit = async (dot) => {
      layer.dispatchEvent(new MouseEvent("mousemove", at(dot)));
      await pause(300);
    };
    const click = async (dot) => {
      await visit(dot);
      layer.dispatchEvent(new MouseEvent("mousedown", at(dot)));
      document.dispatchEvent(new MouseEvent("mouseup", at(dot)));
      await pause(500);
    };
    await visit(dots()[0]);
    told.hover = text("#pareto .hoverlayer .hovertext");
    await click(dots()[0]);
    told.pinned = text("#pinned table tr");
    await click(dots()[1]);
    told.compared = document.querySelectorAll("#pinned table tr:first-child td").length;
    told.differs = [...document.querySelectorAll("#pinned .differs th")].map((own) => own.textContent);
    const head = document.querySelector("#table thead th:nth-child(4)");
    head.click();
    told.least = cell();
    head.click();
    told.most = cell();
    const filter = document.getElementById("filter");
    filter.value = "front";
    filter.dispatchEvent(new Event("input"));
    told.filtered = document.querySelectorAll("#table tbody tr").length;
    filter.form.requestSubmit(); // as Enter does
    await pause(100);
    told.kept = filter.value;
    filter.value = "trial 7";
    filter.dispatchEvent(new Event("input"));
    told.numbered = [...document.querySelectorAll("#table tbody tr td:first-child")].map((own) => own.textContent);
    filter.value = "streams 3";
    filter.dispatchEvent(new Event("input"));
    told.paired = [...document.querySelectorAll("#table tbody tr td:first-child")].map((own) => Number(own.textContent)).sort((a, b) => a - b);
    told.heads = [...document.querySelectorAll("#table thead th")].map((own) => own.textContent);
    told.buttons = [...document.querySelectorAll("[data-title]")].map((own) => own.dataset.title);
    document.querySelector("#members thead th").click();
    told.members = [...document.querySelectorAll("#members tbody tr")].map((row) => Number(row.dataset.trial));
    document.getElementById("cost").value = "params";
    document.getElementById("controls").dispatchEvent(new Event("change"));
    await pause(300);
    told.axis = plot.layout.xaxis.title.text;
    told.copy = document.querySelector(".copy").dataset.copy;
    const colour = document.getElementById("colour");
    colour.value = colour.options[1].value;
    document.getElementById("controls").dispatchEvent(new Event("change"));
    await pause(300);
    told.key = plot.querySelectorAll(".colorbar .cbaxis text").length;
    document.querySelector("#pinned button").click();
    const row = document.querySelector("#table tbody tr");
    row.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
    told.byKey = document.querySelectorAll("#pinned table tr:first-child td").length;
    told.wide = document.documentElement.scrollWidth > window.innerWidth;
  } catch (error) { told.error = String(error.stack); }
  const out = document.createElement("pre");
  out.id = "told";
  out.textContent = JSON.stringify(told);
  document.body.append(out);
})();
